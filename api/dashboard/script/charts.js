// Throughput and lag over time, as far as this page has seen them.

const SAMPLE_MS = 2_000;
/** Ten minutes: what is older is forgotten. */
const SAMPLES_MAX = 300;
const WIDTH = 300;

const numbers = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** Events behind, by projection. */
export const lags = new Map();
/** Events looked at a second, by operation that runs. */
export const rates = new Map();

const samples = [];

/** Draws what was seen so far. */
export function draw() {
  drawOne("throughput", samples.map(({ throughput }) => throughput));
  drawOne("lag", samples.map(({ lag }) => lag));
}

/** Begins to look how things stand, every two seconds. */
export function startSampling() {
  setInterval(() => {
    samples.push({ throughput: sumOf(rates), lag: sumOf(lags) });
    if (samples.length > SAMPLES_MAX) samples.shift();
    draw();
  }, SAMPLE_MS);
}

const sumOf = (map) => [...map.values()].reduce((a, b) => a + b, 0);

function drawOne(id, values) {
  const figure = document.getElementById(`chart-${id}`);
  if (!figure || values.length === 0) return;
  const most = Math.max(...values);
  const points = values.map((value, i) => {
    const x = WIDTH * (values.length === 1 ? 1 : i / (values.length - 1));
    const y = 70 - 64 * (most === 0 ? 0 : value / most);
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  const line = `M${points.join("L")}`;
  figure.querySelector(".line").setAttribute("d", line);
  figure.querySelector(".area").setAttribute(
    "d",
    `${line}L${WIDTH} 72L${points[0].split(" ")[0]} 72Z`,
  );
  const text = `Now ${numbers.format(values.at(-1))}, at most ` +
    numbers.format(most);
  figure.querySelector(".now").textContent = text;
  const svg = figure.querySelector("svg");
  const title = figure.querySelector("figcaption").firstChild.nodeValue.trim();
  svg.setAttribute("aria-label", `${title}: ${text}`);
}
