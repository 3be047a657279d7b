/**
 * The words in which mistakes are reported: what the code does, what follows, what to do instead.
 *
 * @module
 */
import type { JsonLoss } from "./json_loss.ts";
import type { DefinitionMethod } from "./report.ts";

/** The code asks for the time. */
export function clock(method: DefinitionMethod, source: string): string {
  return `'${method}' asks for the time with ${source}: the same event gives another result ` +
    "at another time. Use the event's data or timestamp";
}

/** The code draws random numbers. */
export function chance(method: DefinitionMethod, source: string): string {
  return `'${method}' draws lots with ${source}: the same event gives another result each ` +
    "time. Draw when the event is recorded, and keep the outcome in its data";
}

/** The code asks where the machine stands. */
export function timeZone(method: DefinitionMethod, source: string): string {
  return `'${method}' asks for the machine's time zone or language with ${source}: another ` +
    "machine gives another result. Use UTC";
}

/** Two calls with the same arguments came to different results. */
export function twoResults(method: DefinitionMethod): string {
  return `'${method}' gave two results for the same arguments: it depends on something ` +
    "outside of them, such as a variable that outlives the call";
}

/** A document is not any more what `apply` made of it. */
export const CHANGED_MEANWHILE =
  "the document changed although no event was applied to it: it holds an object that is held " +
  "outside of it as well, by another document or a variable";

/** A new process that goes on from the stored documents comes to others. */
export const OTHER_AFTER_RESTART =
  "another process that goes on from the stored documents comes to others: something that they " +
  "depend on is kept outside of them, such as in a variable of the module";

/** The document holds what JSON does not carry. */
export function notJson({ path, found }: JsonLoss): string {
  const where = path === "" ? "is" : "holds";
  const at = path === "" ? "" : ` at '${path}'`;
  return `the document ${where} ${found}${at}: it is stored as JSON and comes back as something ` +
    "else, or not at all";
}

/** The document comes to something else once it was stored, and every part of it is JSON. */
export function otherWhenReadBack(method: DefinitionMethod): string {
  return `'${method}' gave another result when the document had been stored and read back: two ` +
    "places of it hold the same object, which become two";
}

/** The code threw. */
export function failed(method: DefinitionMethod, error: unknown): string {
  const what = error instanceof Error
    ? `${error.name}: ${error.message}`
    : String(error);
  const hint = isFrozen(error)
    ? ". Events are frozen: copy what the document keeps of them"
    : "";
  return `'${method}' failed with ${what}${hint}`;
}

/** Whether an error comes of a change to something frozen, as events are. */
export function isFrozen(error: unknown): boolean {
  return error instanceof TypeError &&
    /read only|not extensible|Cannot delete property|Cannot redefine/.test(
      error.message,
    );
}
