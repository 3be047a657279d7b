/**
 * Text that obeys no terminal: events, notes and messages hold what strangers typed.
 *
 * @module
 */

/** Control characters but for line ends, and what turns the direction of text around. */
const OBEYED =
  // deno-lint-ignore no-control-regex -- these are what is looked for
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/**
 * Shows what terminals obey, or editors do not show, as it would stand in JSON.
 *
 * @param text Any text; or JSON, which means the same afterwards.
 * @returns The text, with its line ends.
 */
export function visible(text: string): string {
  return text.replace(
    OBEYED,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
