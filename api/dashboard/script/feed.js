// What happens, as the server tells it (server-sent events).

import { lags, rates } from "./charts.js";
import { streamLost, streamOpened } from "./connection.js";
import { refresh } from "./live.js";
import { notify } from "./notices.js";

const RECONNECT_MS = 10_000;
/** Phases in which events are looked at. */
const READING = new Set(["scanning", "catchingUp"]);
/** What is told of a bar to those who hear it: every quarter. */
const TOLD_PERCENT = 25;

/** For those who hear the page. */
const progressTold = document.getElementById("progress-told");
const quarters = new Map();

/** Begins to listen. */
export function watch() {
  const source = new EventSource("/admin/events");
  source.onopen = () => streamOpened();
  source.onerror = () => {
    streamLost();
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
  source.addEventListener("scrub", () => refresh());
  source.addEventListener("projection", ({ data }) => {
    const { name, lag } = JSON.parse(data);
    lags.set(name, lag);
    refresh();
  });
}

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
