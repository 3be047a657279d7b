/**
 * Lines out of a text that comes in pieces.
 *
 * @module
 */

/** Splits text into lines; what follows the last line break, cut off by a kill, is dropped. */
export class TextLineStream extends TransformStream<string, string> {
  constructor() {
    let rest = "";
    super({
      transform(chunk, controller) {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) controller.enqueue(line);
      },
    });
  }
}
