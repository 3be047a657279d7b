/**
 * HTTP/1.1 by hand, for requests that no well-behaved client sends.
 *
 * @module
 */

/** A response as it came over the wire. */
export interface RawResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** A connection to a server. Dispose it to close it. */
export class RawConnection implements Disposable {
  readonly #connection: Deno.TcpConn;
  #received = "";

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Connects to where a URL points. */
  static async to(url: string): Promise<RawConnection> {
    const { hostname, port } = new URL(url);
    const options = { hostname, port: Number(port) };
    return new RawConnection(await Deno.connect(options));
  }

  /** Sends text, one byte for each of its characters. */
  async send(text: string): Promise<void> {
    const bytes = Uint8Array.from(text, (unit) => unit.charCodeAt(0));
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.#connection.write(bytes.subarray(sent));
    }
  }

  /** Waits for text to arrive, and takes all up to its end. */
  async until(text: string): Promise<string> {
    while (!this.#received.includes(text)) {
      if (!await this.#receive()) {
        throw new Error(`Closed before ${JSON.stringify(text)} arrived`);
      }
    }
    return this.#take(this.#received.indexOf(text) + text.length);
  }

  /** The next response to a request of a method; `HEAD` has no body, whatever its length. */
  async response(method = "GET"): Promise<RawResponse> {
    let head = await this.until("\r\n\r\n");
    while (/^HTTP\/1\.1 1/.test(head)) head = await this.until("\r\n\r\n");
    const [statusLine = "", ...lines] = head.trimEnd().split("\r\n");
    const headers = new Headers(lines.map((line): [string, string] => {
      const at = line.indexOf(":");
      return [line.slice(0, at), line.slice(at + 1).trim()];
    }));
    const length = method === "HEAD"
      ? 0
      : Number(headers.get("content-length") ?? 0);
    while (this.#received.length < length) {
      if (!await this.#receive()) throw new Error("Closed within a body");
    }
    const status = Number(statusLine.split(" ")[1]);
    return { status, headers, body: this.#take(length) };
  }

  /** Waits until the server closes the connection; returns what came before that. */
  async rest(): Promise<string> {
    while (await this.#receive());
    return this.#take(this.#received.length);
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }

  async #receive(): Promise<boolean> {
    const buffer = new Uint8Array(65_536);
    try {
      const length = await this.#connection.read(buffer);
      if (length === null) return false;
      this.#received += String.fromCharCode(...buffer.subarray(0, length));
      return true;
    } catch (error) {
      // A server that closes with bytes unread resets the connection.
      if (error instanceof Deno.errors.ConnectionReset) return false;
      throw error;
    }
  }

  #take(length: number): string {
    const taken = this.#received.slice(0, length);
    this.#received = this.#received.slice(length);
    return taken;
  }
}

/** Sends one request and returns the response. */
export async function sendRaw(
  url: string,
  request: string,
): Promise<RawResponse> {
  using connection = await RawConnection.to(url);
  await connection.send(request);
  return await connection.response();
}

/** Text of a request: its line, its headers and its body. */
export function rawRequest(
  line: string,
  headers: readonly string[],
  body = "",
): string {
  return [`${line} HTTP/1.1`, ...headers, "", body].join("\r\n");
}
