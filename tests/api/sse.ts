/**
 * Reading server-sent events, one by one.
 *
 * @module
 */

/** An event as it was sent. */
export interface SentEvent {
  readonly event: string;
  readonly id: number;
  // deno-lint-ignore no-explicit-any -- tests look at what they expect
  readonly data: any;
}

/** Reads a response's events. */
export class EventReader implements AsyncDisposable {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";
  /** Comments and the like that went by. */
  readonly others: string[] = [];

  /** @param response Whose body to read. */
  constructor(response: Response) {
    if (!response.body) throw new TypeError("No body");
    this.#reader = response.body.pipeThrough(new TextDecoderStream())
      .getReader();
  }

  /** The next event, or `undefined` at the end. */
  async next(): Promise<SentEvent | undefined> {
    for (;;) {
      const block = await this.#block();
      if (block === undefined) return undefined;
      const fields = new Map(
        block.split("\n").map((line) => {
          const at = line.indexOf(": ");
          return [line.slice(0, at), line.slice(at + 2)];
        }),
      );
      const data = fields.get("data");
      if (data === undefined) {
        this.others.push(block);
        continue;
      }
      return {
        event: fields.get("event") ?? "",
        id: Number(fields.get("id")),
        data: JSON.parse(data),
      };
    }
  }

  /** So many events. */
  async take(count: number): Promise<SentEvent[]> {
    const events: SentEvent[] = [];
    while (events.length < count) {
      const event = await this.next();
      if (!event) break;
      events.push(event);
    }
    return events;
  }

  /** The next block that is no event. */
  async comment(): Promise<string> {
    while (this.others.length === 0) {
      const block = await this.#block();
      if (block === undefined) throw new Error("The stream ended");
      if (!block.includes("data: ")) this.others.push(block);
    }
    return this.others.shift() ?? "";
  }

  /** Goes away. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }

  async #block(): Promise<string | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return block;
      }
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.#text += value;
    }
  }
}
