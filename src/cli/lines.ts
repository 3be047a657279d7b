/**
 * Lines of a byte stream, one at a time. Only `\n` ends a line: JSON texts may hold every other
 * character that Unicode counts as a line end.
 *
 * @module
 */

/** Longer than any event the store takes. */
const LINE_LENGTH_MAX = 8_388_608;

/**
 * Reads a stream line by line, in memory bounded by the longest line. Leaving the loop early
 * closes the stream.
 *
 * @param stream UTF-8 text.
 * @returns The lines without their ends; a last one without an end counts, an empty one does not.
 * @throws {TypeError} If the bytes are not UTF-8.
 * @throws {RangeError} If a line is longer than 8,388,608 characters.
 */
export async function* readLines(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
    if (rest.length > LINE_LENGTH_MAX) {
      throw new RangeError(
        `Cannot read a line of more than ${LINE_LENGTH_MAX} characters`,
      );
    }
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}
