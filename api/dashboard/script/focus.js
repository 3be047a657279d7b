// Whoever works by keyboard goes on from where the focus is. Where what has it disappears, it goes
// to the heading of the section instead of to the top of the page.

/**
 * Where the focus goes when an element is gone.
 *
 * @returns The id of a heading.
 */
export function placeOf(element) {
  const section = element?.closest("section[aria-labelledby]");
  return section?.getAttribute("aria-labelledby") ?? "verdict-heading";
}

/** Puts the focus on a heading, and leaves the page where it is scrolled to. */
export function focusOn(place) {
  const heading = document.getElementById(place) ??
    document.getElementById("verdict-heading");
  heading?.focus({ preventScroll: true });
}

/** Changes the page without losing the focus. */
export function keepFocus(change) {
  const held = document.activeElement;
  const place = placeOf(held);
  change();
  if (held && (!held.isConnected || held.disabled)) focusOn(place);
}
