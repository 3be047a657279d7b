// What came of what was asked for: notices on top of the page, until they are dismissed.

import { focusOn } from "./focus.js";

const NOTICES_MAX = 4;

const notices = document.getElementById("notices");

/** Shows what came of something. */
export function notify(text, tone, operation) {
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
  close.addEventListener("click", () => dismiss(notice));
  notice.append(" ", close);
  notices.prepend(notice);
  while (notices.children.length > NOTICES_MAX) dismiss(notices.lastChild);
}

/** The focus goes to the next notice, so that all can be dismissed one after the other. */
function dismiss(notice) {
  const hasFocus = notice.contains(document.activeElement);
  const next = notice.nextElementSibling ?? notice.previousElementSibling;
  notice.remove();
  if (!hasFocus) return;
  if (next) next.querySelector("button").focus();
  else focusOn("verdict-heading");
}
