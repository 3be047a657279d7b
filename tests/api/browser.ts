/**
 * What a browser does between a test and an application: it keeps cookies, and says where a
 * request comes from.
 *
 * @module
 */
import { createApp, type RequestLimits } from "@opossum/deno/api";
import type { AdminTokens } from "../../api/auth.ts";
import type { Opossum } from "../../mod.ts";

/** Tokens by what they may do. */
export const TOKENS = {
  operate: "operate-0123456789abcdefghijklmnopqrstuv",
  read: "read-0123456789abcdefghijklmnopqrstuvwxyz",
} as const;

/** Accepts both. */
export const ACCEPTED: AdminTokens = [
  { id: "ada", token: TOKENS.operate, scopes: ["operate"] },
  { id: "grafana", token: TOKENS.read, scopes: ["read"] },
];

/** What a request of a page of the same site bears. */
export const SAME_SITE = { "sec-fetch-site": "same-origin" };

/** How to ask. */
export interface BrowserRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInit;
}

/** A browser that looks at an application. */
export class Browser {
  /** One that is signed in. */
  static async signedIn(
    opossum: Opossum,
    token: string = TOKENS.operate,
  ): Promise<Browser> {
    const browser = new Browser(opossum);
    await browser.signIn(token);
    return browser;
  }

  readonly cookies = new Map<string, string>();
  /** As the server sent them last, with their attributes. */
  setCookies: readonly string[] = [];
  readonly #app: ReturnType<typeof createApp>;
  readonly #origin: string;

  /**
   * @param opossum What the application administers.
   * @param options `tokens`: those accepted. `origin`: how it is reached.
   */
  constructor(
    opossum: Opossum,
    { tokens = ACCEPTED, origin = "http://127.0.0.1:8000", limits }: {
      readonly tokens?: AdminTokens | (() => AdminTokens);
      readonly origin?: string;
      readonly limits?: RequestLimits;
    } = {},
  ) {
    this.#app = createApp({
      opossum,
      auth: { tokens },
      allowedHosts: "any",
      ...(limits ? { limits } : {}),
    });
    this.#origin = origin;
  }

  /** Asks; redirects are not followed. */
  async ask(
    path: string,
    { method = "GET", headers = SAME_SITE, body }: BrowserRequest = {},
  ): Promise<Response> {
    const cookie = [...this.cookies].map((pair) => pair.join("=")).join("; ");
    const response = await this.#app.request(`${this.#origin}${path}`, {
      method,
      headers: {
        host: new URL(this.#origin).host,
        accept: "text/html,application/xhtml+xml,*/*;q=0.8",
        ...(method === "GET" ? {} : this.#lengthOf(body)),
        ...(cookie ? { cookie } : {}),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    }, { remoteAddr: { hostname: "192.0.2.1" } });
    this.setCookies = response.headers.getSetCookie();
    for (const line of this.setCookies) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (line.includes("Max-Age=0")) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return response;
  }

  /** Whether a request has a body, its headers tell. */
  #lengthOf(body: BodyInit | undefined): Record<string, string> {
    return body === undefined ? {} : { "transfer-encoding": "chunked" };
  }

  /** The text of what a page answers. */
  async read(path: string): Promise<string> {
    return await (await this.ask(path)).text();
  }

  /** Sends the form of the sign-in page. */
  async signIn(
    token: string = TOKENS.operate,
    headers: Readonly<Record<string, string>> = SAME_SITE,
  ): Promise<Response> {
    return await this.ask("/admin/session", {
      method: "POST",
      headers,
      body: new URLSearchParams({ token }),
    });
  }
}
