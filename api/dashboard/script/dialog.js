// Asks before anything is done, and does it when that is confirmed.

import { focusOn, placeOf } from "./focus.js";
import { live, parse, refresh } from "./live.js";
import { notify } from "./notices.js";
import { outcomeOf, problemOf } from "./outcome.js";

const dialog = document.getElementById("confirm");
const part = (name) => document.getElementById(`confirm-${name}`);
let asked;

/** Makes the buttons of the page ask. */
export function startAsking() {
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button[data-action]");
    if (button) ask(button);
  });
  part("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    // The browser gives the focus back to the button, unless that is gone.
    if (!asked.button.isConnected) focusOn(asked.place);
  });
  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!part("go").hidden) act();
  });
}

async function ask(button) {
  const { title, text, confirm, plan, selection, rebuild } = button.dataset;
  const names = selection === undefined ? undefined : selected();
  const place = placeOf(button);
  asked = { ...button.dataset, button, place, names, key: newKey() };
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
  if (button.ariaDisabled === "true") return refuse(`${button.title}.`);
  if (names?.length === 0) {
    return refuse("Tick the projections in the table first.");
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
    const planned = part("plan").querySelector("[data-names]");
    // What is confirmed is what was seen, whatever else needs it by then.
    if (mine.asPlanned !== undefined) {
      mine.names = planned?.dataset.names.split(",");
    }
  } catch {
    if (asked === mine) show("Cannot reach the server. Try again.");
  }
}

/** Says why it cannot be done, also where nothing tells it on pointing at a button. */
function refuse(text) {
  part("text").textContent = text;
  part("go").hidden = true;
  part("rebuild").hidden = true;
}

async function act() {
  const { url, done, plan, names, rebuild, key } = asked;
  const mine = asked;
  const go = part("go");
  const hadFocus = document.activeElement === go;
  const goOn = () => {
    go.disabled = false;
    if (hadFocus) go.focus();
    if (plan === undefined) part("plan").replaceChildren();
  };
  go.disabled = true;
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
    if (isSeen) goOn();
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
    goOn();
    show(text);
  }
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
