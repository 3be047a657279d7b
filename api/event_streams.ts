/**
 * Streams of events that a server sends: they have no end of their own, and a server that stops
 * must not wait for one.
 *
 * @module
 */

/** Knows the streams under way, and ends them. */
export class EventStreams {
  readonly #ends = new Set<() => void>();
  #isStopping = false;

  /**
   * Takes note of a response if it is a stream of events.
   *
   * @param response What the application answers.
   * @returns What to send: the same, but for a stream, which can be ended.
   */
  track(response: Response): Response {
    const mediaType = response.headers.get("content-type") ?? "";
    // Its body is not even looked at: the runtime would send it in chunks, without its length.
    if (!/^text\/event-stream\b/i.test(mediaType)) return response;
    if (!response.body) return response;
    return new Response(this.#endable(response.body), response);
  }

  /** Ends all streams, and those that begin later. */
  end(): void {
    this.#isStopping = true;
    for (const end of [...this.#ends]) end();
  }

  #endable(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const reader = body.getReader();
    let isOver = false;
    let end = () => {};
    const over = () => {
      isOver = true;
      this.#ends.delete(end);
    };
    return new ReadableStream({
      start: (controller) => {
        end = () => {
          if (isOver) return;
          over();
          controller.close();
          // Whoever writes learns that nobody reads.
          reader.cancel().catch(() => {});
        };
        this.#ends.add(end);
        if (this.#isStopping) end();
      },
      async pull(controller) {
        let next: ReadableStreamReadResult<Uint8Array>;
        try {
          next = await reader.read();
        } catch (error) {
          // What has failed cannot be ended any more.
          over();
          throw error;
        }
        if (isOver) return;
        if (!next.done) return controller.enqueue(next.value);
        over();
        controller.close();
      },
      cancel(reason) {
        over();
        return reader.cancel(reason);
      },
    });
  }
}
