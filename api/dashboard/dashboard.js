// The script of the dashboard. The server renders everything; this keeps it up to date, asks
// before anything is done, and draws what was over time. It needs nothing but the browser.

/** What is refreshed. */
const live = document.getElementById("live");
const connection = document.getElementById("connection");
const notices = document.getElementById("notices");
/** For those who hear the page. */
const progressTold = document.getElementById("progress-told");

/** Between two refreshes at least, in milliseconds. */
const REFRESH_MS = 1_000;
/** So that "3 min ago" stays true when nothing happens. */
const IDLE_REFRESH_MS = 30_000;
const SAMPLE_MS = 2_000;
/** Ten minutes: what is older is forgotten. */
const SAMPLES_MAX = 300;
const CHART_WIDTH = 300;
const RECONNECT_MS = 10_000;
const NOTICES_MAX = 4;
/** Phases in which events are looked at. */
const READING = new Set(["scanning", "catchingUp"]);
/** What is told of a bar to those who hear it: every quarter. */
const TOLD_PERCENT = 25;

const numbers = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

function parse(html) {
  return new DOMParser().parseFromString(html, "text/html").body;
}

/* What is shown. */

/** Makes an element like another one, and keeps what is alike: the focus, ticks, what is open. */
function morph(from, to) {
  for (const { name } of [...from.attributes]) {
    if (name !== "open" && !to.hasAttribute(name)) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  if (!("keep" in to.dataset)) morphChildren(from, to);
}

function morphChildren(from, to) {
  const keyed = new Map(
    [...from.children].filter(({ dataset }) => dataset.key)
      .map((child) => [child.dataset.key, child]),
  );
  let at = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const key = wanted.dataset?.key;
    const found = key === undefined ? at : keyed.get(key);
    const isAlike = found?.nodeName === wanted.nodeName &&
      found.dataset?.key === key;
    if (!isAlike) {
      from.insertBefore(document.adoptNode(wanted), at);
      continue;
    }
    if (found === at) at = at.nextSibling;
    else from.insertBefore(found, at);
    if (found.nodeType === Node.ELEMENT_NODE) morph(found, wanted);
    else if (found.nodeValue !== wanted.nodeValue) {
      found.nodeValue = wanted.nodeValue;
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

let isLoading = false;
let isWanted = false;
/** Whether somebody was at it since the last refresh: else the session is to end in time. */
let wasUsed = true;

for (const type of ["pointerdown", "pointermove", "keydown", "wheel"]) {
  addEventListener(type, () => void (wasUsed = true), { passive: true });
}

/** Asks the server how things stand, once a second at most. */
async function refresh() {
  if (document.hidden) return;
  isWanted = true;
  if (isLoading) return;
  isLoading = true;
  while (isWanted) {
    isWanted = false;
    await load();
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
  }
  isLoading = false;
}

async function load() {
  const url = new URL(location.href);
  url.hash = "";
  url.searchParams.set("live", wasUsed ? "active" : "idle");
  wasUsed = false;
  try {
    const response = await fetch(url, { headers: { accept: "text/html" } });
    if (response.status === 401) return location.reload();
    if (!response.ok) throw new Error(`Status ${response.status}`);
    const wanted = parse(await response.text());
    wanted.id = live.id;
    morphChildren(live, wanted);
    draw();
    if (source.readyState === EventSource.OPEN) say("Live", "good");
  } catch {
    say("Cannot reach the server: trying again", "bad");
  }
}

function say(text, tone) {
  connection.textContent = text;
  connection.className = `facts ${tone}`;
}

/** Shows what came of something. */
function notify(text, tone, operation) {
  const notice = document.createElement("p");
  notice.className = `notice ${tone}`;
  notice.append(text);
  if (operation) {
    const code = document.createElement("code");
    code.textContent = operation.slice(0, 8);
    code.title = operation;
    notice.append(" Operation ", code, ".");
  }
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "Dismiss";
  close.addEventListener("click", () => notice.remove());
  notice.append(" ", close);
  notices.prepend(notice);
  while (notices.children.length > NOTICES_MAX) notices.lastChild.remove();
}

/* What happens. */

const lags = new Map();
const rates = new Map();
const quarters = new Map();
const samples = [];

function tell({ id, state, result, projectionNames, progress }) {
  // Nothing needed a rebuild.
  if (projectionNames.length === 0) return;
  const names = projectionNames.join(", ");
  if (result) {
    quarters.delete(id);
    if (rates.delete(id)) {
      const tone = state === "succeeded" ? "good" : "bad";
      notify(`Rebuild of ${names}: ${state}.`, tone, id);
    }
    return;
  }
  const rate = progress.filter(({ paused, phase }) =>
    !paused && READING.has(phase)
  )
    .reduce((sum, { eventsPerSecond }) => sum + (eventsPerSecond ?? 0), 0);
  rates.set(id, rate);
  const percent = Math.min(...progress.map(({ percent }) => percent));
  const quarter = Math.floor(percent / TOLD_PERCENT);
  if (quarter > 0 && quarters.get(id) !== quarter) {
    progressTold.textContent = `Rebuild of ${names}: ${
      quarter * TOLD_PERCENT
    } percent`;
  }
  quarters.set(id, quarter);
}

let source;

function watch() {
  source = new EventSource("/admin/events");
  source.onopen = () => say("Live", "good");
  source.onerror = () => {
    say("Connection lost: trying again", "bad");
    // What ran on a server that was killed is never heard of again.
    for (const id of rates.keys()) rates.set(id, 0);
    if (source.readyState !== EventSource.CLOSED) return;
    // Refused for good, which the page will be as well if the session has ended.
    refresh();
    setTimeout(watch, RECONNECT_MS);
  };
  source.addEventListener("operation", ({ data }) => {
    tell(JSON.parse(data));
    refresh();
  });
  source.addEventListener("projection", ({ data }) => {
    const { name, lag } = JSON.parse(data);
    lags.set(name, lag);
    refresh();
  });
}

const sumOf = (map) => [...map.values()].reduce((a, b) => a + b, 0);

function sample() {
  samples.push({ throughput: sumOf(rates), lag: sumOf(lags) });
  if (samples.length > SAMPLES_MAX) samples.shift();
  draw();
}

function draw() {
  drawOne("throughput", samples.map(({ throughput }) => throughput));
  drawOne("lag", samples.map(({ lag }) => lag));
}

function drawOne(id, values) {
  const figure = document.getElementById(`chart-${id}`);
  if (!figure || values.length === 0) return;
  const most = Math.max(...values);
  const points = values.map((value, i) => {
    const x = CHART_WIDTH * (values.length === 1 ? 1 : i / (values.length - 1));
    return `${x.toFixed(1)} ${
      (70 - 64 * (most === 0 ? 0 : value / most)).toFixed(1)
    }`;
  });
  const line = `M${points.join("L")}`;
  figure.querySelector(".line").setAttribute("d", line);
  figure.querySelector(".area").setAttribute(
    "d",
    `${line}L${CHART_WIDTH} 72L${points[0].split(" ")[0]} 72Z`,
  );
  const text = `Now ${numbers.format(values.at(-1))}, at most ` +
    numbers.format(most);
  figure.querySelector(".now").textContent = text;
  const svg = figure.querySelector("svg");
  const title = figure.querySelector("figcaption").firstChild.nodeValue.trim();
  svg.setAttribute("aria-label", `${title}: ${text}`);
}

/* What is done. */

const dialog = document.getElementById("confirm");
const part = (name) => document.getElementById(`confirm-${name}`);
let asked;

async function ask(button) {
  const { title, text, confirm, plan, selection, rebuild } = button.dataset;
  const names = selection === undefined ? undefined : selected();
  asked = { ...button.dataset, names, key: newKey() };
  const mine = asked;
  part("title").textContent = title;
  part("text").textContent = text;
  part("plan").replaceChildren();
  part("problem").hidden = true;
  part("rebuild").hidden = rebuild === undefined || confirm === undefined;
  part("go").textContent = confirm ?? "";
  part("go").hidden = confirm === undefined;
  part("go").disabled = plan !== undefined;
  dialog.querySelector("form").reset();
  dialog.showModal();
  if (names?.length === 0) {
    part("text").textContent = "Tick the projections in the table first.";
    part("go").hidden = true;
    part("rebuild").hidden = true;
    return;
  }
  if (plan === undefined) return;
  part("plan").textContent = "Looking what it would take…";
  const query = names ? `${plan}&names=${names.join(",")}` : plan;
  try {
    const response = await fetch(`/admin?${query}`, {
      headers: { accept: "text/html" },
    });
    if (response.status === 401) return location.reload();
    if (asked !== mine) return;
    if (!response.ok) return show(await problemOf(response));
    part("plan").replaceChildren(...parse(await response.text()).childNodes);
    const isIdle = part("plan").querySelector("[data-nothing]") !== null;
    part("go").hidden ||= isIdle;
    part("rebuild").hidden ||= isIdle;
    part("go").disabled = false;
  } catch {
    if (asked === mine) show("Cannot reach the server. Try again.");
  }
}

async function act() {
  const { url, done, plan, names, rebuild, key } = asked;
  const mine = asked;
  part("go").disabled = true;
  part("problem").hidden = true;
  // Some answers come when all is done.
  if (plan === undefined) part("plan").textContent = "Under way…";
  const form = new FormData(dialog.querySelector("form"));
  const note = String(form.get("note")).trim();
  const body = {
    ...(names ? { projectionNames: names } : {}),
    ...(note ? { note } : {}),
    ...(form.has("slowly") ? { concurrency: 1 } : {}),
    ...(form.has("verify") ? { verify: true } : {}),
    ...(form.has("manual") ? { promote: "manual" } : {}),
  };
  const request = rebuild === undefined ? {} : {
    headers: {
      "content-type": "application/json",
      // Answered when it has begun, and begun once, however often it is sent.
      "prefer": "respond-async",
      "idempotency-key": key,
    },
    body: JSON.stringify(body),
  };
  try {
    const response = await fetch(url, { method: "POST", ...request });
    if (response.status === 401) return location.reload();
    const isSeen = asked === mine && dialog.open;
    if (isSeen) part("go").disabled = false;
    if (isSeen && plan === undefined) part("plan").replaceChildren();
    if (!response.ok) {
      mine.key = newKey();
      const problem = await problemOf(response);
      return isSeen ? show(problem) : notify(problem, "bad");
    }
    const answer = await response.json();
    if (isSeen) dialog.close();
    const { text, tone } = outcomeOf(answer, done);
    notify(text, tone, answer.id ?? answer.operationId);
    refresh();
  } catch {
    const text = "Cannot reach the server.";
    if (asked !== mine || !dialog.open) return notify(text, "bad");
    part("go").disabled = false;
    if (plan === undefined) part("plan").replaceChildren();
    show(text);
  }
}

/** What came of it, in words. */
function outcomeOf({ projectionName, projectionNames, keys, log, ok }, done) {
  if (keys) {
    const count = (wanted) =>
      keys.filter(({ change }) => change === wanted).length;
    const [changed, added, removed] = ["changed", "added", "removed"].map(
      count,
    );
    const text = changed + added + removed === 0
      ? "nothing was to be mended."
      : `${changed} changed, ${added} added, ${removed} removed.`;
    return { text: `Repair of ${projectionName}: ${text}`, tone: "good" };
  }
  if (log) {
    return ok
      ? { text: "Nothing is damaged.", tone: "good" }
      : { text: "Damage was found: see under Damage.", tone: "bad" };
  }
  const isIdle = projectionNames?.length === 0;
  return {
    text: isIdle ? "Nothing needed a rebuild." : `${done}.`,
    tone: "good",
  };
}

/** What a problem (RFC 9457) says. */
async function problemOf(response) {
  const { title, detail, requestId } = await response.json().catch(() => ({}));
  const text = title ? `${title}: ${detail}.` : `Status ${response.status}.`;
  return requestId ? `${text} Request ${requestId}.` : text;
}

function show(problem) {
  part("problem").textContent = problem;
  part("problem").hidden = false;
}

function selected() {
  return [...live.querySelectorAll("input[name=projection]:checked")]
    .map(({ value }) => value);
}

/** Not every page may ask for UUIDs: one over plain HTTP may not. */
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

document.documentElement.dataset.script = "";
document.addEventListener("click", ({ target }) => {
  const button = target.closest("button[data-action]");
  if (button) ask(button);
});
part("close").addEventListener("click", () => dialog.close());
dialog.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!part("go").hidden) act();
});
document.addEventListener("visibilitychange", refresh);
setInterval(refresh, IDLE_REFRESH_MS);
setInterval(sample, SAMPLE_MS);
watch();
