// Keeps the page up to date: asks the server how things stand, and puts that into the page.

import { draw } from "./charts.js";
import { serverAnswered, serverFailed } from "./connection.js";
import { keepFocus } from "./focus.js";
import { morphChildren } from "./morph.js";

/** What is refreshed. */
export const live = document.getElementById("live");

/** Between two refreshes at least, in milliseconds. */
const REFRESH_MS = 1_000;
/** So that "3 min ago" stays true when nothing happens. */
const IDLE_REFRESH_MS = 30_000;

/** HTML without a document around it. */
export function parse(html) {
  return new DOMParser().parseFromString(html, "text/html").body;
}

let isLoading = false;
let isWanted = false;
/** Whether somebody was at it since the last refresh: else the session is to end in time. */
let wasUsed = true;

/** Asks the server how things stand, once a second at most. */
export async function refresh() {
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

/** Begins to refresh also when nothing happens. */
export function startRefreshing() {
  for (const type of ["pointerdown", "pointermove", "keydown", "wheel"]) {
    addEventListener(type, () => void (wasUsed = true), { passive: true });
  }
  document.addEventListener("visibilitychange", refresh);
  setInterval(refresh, IDLE_REFRESH_MS);
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
    keepFocus(() => morphChildren(live, wanted));
    draw();
    serverAnswered();
  } catch {
    serverFailed();
  }
}
