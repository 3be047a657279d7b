/**
 * Passes the scrapes of a Prometheus on to a server, so that a test knows of each.
 *
 * @module
 */

/** Stands between Prometheus and the server that it scrapes. */
export class ScrapeRelay implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #waiting: { readonly from: number; readonly resolve: () => void }[] =
    [];
  #begun = 0;

  /** @param url The server. */
  constructor(url: string) {
    this.#server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen: () => {},
    }, (request) => {
      this.#begin();
      const { pathname, search } = new URL(request.url);
      return fetch(`${url}${pathname}${search}`, { headers: request.headers });
    });
  }

  /** What to scrape: host and port. */
  get target(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }

  /**
   * Resolves when what is true now is in Prometheus: when a scrape that begins from now on is
   * followed by another, as Prometheus begins none before it has stored the one before.
   */
  scraped(): Promise<void> {
    return new Promise((resolve) =>
      this.#waiting.push({ from: this.#begun + 2, resolve })
    );
  }

  #begin(): void {
    this.#begun++;
    for (const { from, resolve } of this.#waiting) {
      if (from <= this.#begun) resolve();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
