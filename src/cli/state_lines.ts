/**
 * Documents as lines of text: what `export` prints and `digest` hashes.
 *
 * @module
 */
import type { Projections } from "../projections/projections.ts";
import type { Progress } from "./progress.ts";

/** Characters that are handed on at once, about. */
const CHUNK_UNITS = 64 * 1_024;

/**
 * The documents of a projection, one JSON text each, in order of key.
 *
 * @param projections Where to read them.
 * @param name The projection.
 * @param separator What stands between two documents. @default {"\n"}
 * @param onDocuments Told how many documents were handed on.
 * @returns The text, in pieces; nothing after the last document.
 * @throws {UnknownProjectionError | ProjectionNotBuiltError | ProjectionDamagedError} If there is
 * nothing to read from; before the first piece.
 */
export async function* stateTexts(
  projections: Projections,
  name: string,
  separator: string = "\n",
  onDocuments: (count: number) => void = () => {},
): AsyncGenerator<string> {
  let chunk = "";
  let count = 0;
  let isFirst = true;
  for await (const { state } of projections.documents(name)) {
    chunk += `${isFirst ? "" : separator}${JSON.stringify(state)}`;
    isFirst = false;
    count++;
    if (chunk.length < CHUNK_UNITS) continue;
    yield chunk;
    onDocuments(count);
    chunk = "";
  }
  if (chunk !== "") yield chunk;
  onDocuments(count);
}

/**
 * Says when documents are not those of the newest events.
 *
 * @param projections Where to look.
 * @param name The projection.
 * @returns A warning, or `undefined` when the projection is up to date.
 */
export async function warningOf(
  projections: Projections,
  name: string,
): Promise<string | undefined> {
  const { state, lag, checkpoint } = await projections.info(name);
  if (state === "stale") {
    return `${name} was built from another definition: rebuild it`;
  }
  return lag > 0
    ? `${name} is ${lag} events behind the log, at position ${checkpoint}: run "rebuild", ` +
      "or start a server"
    : undefined;
}

/**
 * Shows how many documents were read.
 *
 * @param progress Where.
 * @param projections Knows how many there are.
 * @param name The projection.
 * @returns What to give to {@linkcode stateTexts}.
 */
export async function documentsShown(
  progress: Progress,
  projections: Projections,
  name: string,
): Promise<(count: number) => void> {
  const { documents: total } = await projections.info(name);
  return (count) =>
    progress.show({
      name,
      phase: "reading",
      // Others may be added meanwhile.
      value: Math.min(count, total),
      total,
    });
}
