/**
 * Serving an application over HTTP: on the loopback interface unless told otherwise, never open
 * to a network without a token, and stopping without cutting anybody off.
 *
 * @module
 */
import { createJsonLogger, type Logger } from "../mod.ts";
import { type AdminAuth, requireAuth } from "./auth.ts";
import { EventStreams } from "./event_streams.ts";
import { DEFAULT_HEADERS } from "./headers.ts";
import { isLoopback } from "./hosts.ts";
import { assertInteger } from "./integer_option.ts";
import { PROBLEM_MEDIA_TYPE, problemType } from "./problem.ts";
import type { Problem } from "./responses.ts";

const STOPPING: Problem = {
  type: problemType("stopping"),
  title: "Stopping",
  status: 503,
  detail: "The server stopped before the request was done with: try again " +
    "when it is back",
};

const TOO_BUSY: Problem = {
  type: problemType("too-busy"),
  title: "Too busy",
  status: 503,
  detail: "Too many requests are under way: try again later",
};

/** What can be served: a Hono application, for one. */
export interface FetchHandler {
  /** Answers a request. */
  fetch(
    request: Request,
    info: Deno.ServeHandlerInfo,
  ): Response | Promise<Response>;
}

/** How to serve. */
export interface ServeOptions {
  /** What to serve. */
  readonly app: FetchHandler;
  /** Who may use the admin API, as given to `createApp()`. */
  readonly auth: AdminAuth;
  /** Address to listen on. @default {"127.0.0.1"} */
  readonly host?: string;
  /** Port to listen on; 0 for any that is free. @default {8_000} */
  readonly port?: number;
  /** Where to say what is served. @default {JSON lines on standard error} */
  readonly logger?: Logger;
  /** Stops the server, as `shutdown()` does. */
  readonly signal?: AbortSignal;
  /**
   * How long requests under way may take to end once the server stops, in milliseconds.
   * @default {10_000}
   */
  readonly drainTimeoutMs?: number;
  /**
   * How many requests may be under way at a time before more are answered 503: 1 to 1,000,000. A
   * tenth of them is kept for the admin API, so that strangers who send slowly to other routes do
   * not keep operators out. @default {1_000}
   */
  readonly requestsMax?: number;
}

/** A server that listens. */
export interface RunningServer extends AsyncDisposable {
  /** Where it answers, such as `http://127.0.0.1:8000`. */
  readonly url: string;
  /** The address it listens on. */
  readonly hostname: string;
  /** The port it listens on. */
  readonly port: number;
  /** Resolves when it has stopped. */
  readonly finished: Promise<void>;
  /**
   * Takes no more requests, ends streams of events, lets other requests under way end within
   * `drainTimeoutMs`, and answers 503 to the rest. Does nothing more when called again.
   */
  shutdown(): Promise<void>;
}

/** The admin API would have been open to a network. Configure a token, or bind to loopback. */
export class UnsafeBindError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "UnsafeBindError";

  /**
   * Creates the error.
   *
   * @param host The address that was asked for.
   */
  constructor(
    /** The address that was asked for. */
    readonly host: string,
  ) {
    super(
      "Cannot serve the admin API without a token on an address that others " +
        "can reach: configure a token, or listen on 127.0.0.1: current host " +
        `is ${JSON.stringify(host)}`,
    );
  }
}

/** The address cannot be listened on: it is in use, not of this machine, or not permitted. */
export class BindError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "BindError";

  /**
   * Creates the error.
   *
   * @param host The address.
   * @param port The port.
   * @param options `cause`: what the system said.
   */
  constructor(
    /** The address. */
    readonly host: string,
    /** The port. */
    readonly port: number,
    options: { readonly cause: unknown },
  ) {
    const { cause } = options;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const hint = cause instanceof Deno.errors.AddrInUse
      ? ". Choose another port, or end the program that uses it"
      : "";
    super(
      `Cannot listen on ${host} port ${port}: ${reason}${hint}`,
      options,
    );
  }
}

/**
 * Checks that the admin API may be served at an address: before anything is opened or written.
 *
 * @param auth Who may use the admin API.
 * @param host The address.
 * @throws {UnsafeBindError} If no token is needed and the address is not a loopback one.
 * @throws {TypeError | RangeError} If a token is unusable.
 */
export function assertSafeToServe(auth: AdminAuth, host: string): void {
  // Building the guard checks the tokens.
  requireAuth(auth);
  if ("allowUnauthenticated" in auth && !isLoopback(host)) {
    throw new UnsafeBindError(host);
  }
}

/**
 * Serves an application until it is told to stop.
 *
 * @param options What to serve and where.
 * @returns The server, once it listens.
 * @throws {UnsafeBindError} If no token is needed and the address is not a loopback one.
 * @throws {BindError} If the address cannot be listened on.
 * @throws {RangeError} If `requestsMax` is out of range.
 *
 * @example
 * ```ts
 * import { serveApp } from "@opossum/deno/api";
 * import { silentLogger } from "@opossum/deno";
 * import { assertEquals } from "@std/assert";
 * import { Hono } from "hono";
 *
 * const app = new Hono().get("/", (c) => c.text("hello"));
 * await using server = serveApp({
 *   app,
 *   auth: { allowUnauthenticated: true },
 *   port: 0,
 *   logger: silentLogger,
 * });
 * assertEquals(await (await fetch(server.url)).text(), "hello");
 * ```
 */
export function serveApp(options: ServeOptions): RunningServer {
  const { app, auth, host = "127.0.0.1", port = 8_000, signal } = options;
  const { logger = createJsonLogger(), drainTimeoutMs = 10_000 } = options;
  const { requestsMax = 1_000 } = options;
  assertInteger(requestsMax, {
    action: "serve",
    name: "requestsMax",
    min: 1,
    max: 1_000_000,
  });
  assertSafeToServe(auth, host);
  const isOpen = "allowUnauthenticated" in auth;

  // Said before listening: from then on it is true.
  if (isOpen) {
    logger.log(
      "warn",
      "The admin API is open to every program on this machine: no token is configured",
      { host },
    );
  } else if (!isLoopback(host)) {
    logger.log(
      "warn",
      "The server can be reached from the network, without encryption: put a TLS proxy before it",
      { host },
    );
  }
  const underWay = new RequestsUnderWay(app, requestsMax);
  const server = listen(underWay, { host, port, logger });
  const { hostname, port: boundPort } = server.addr;
  const shown = hostname.includes(":") ? `[${hostname}]` : hostname;
  const url = `http://${shown}:${boundPort}`;
  logger.log("info", "Serving HTTP", { url });

  let stopping: Promise<void> | undefined;
  const shutdown = () => stopping ??= drain(server, underWay, drainTimeoutMs);
  const onAbort = () => void shutdown();
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort, { once: true });
  const finished = server.finished.then(() => {
    signal?.removeEventListener("abort", onAbort);
    logger.log("info", "Stopped serving HTTP", { url });
  });
  return {
    url,
    hostname,
    port: boundPort,
    finished,
    shutdown,
    [Symbol.asyncDispose]: shutdown,
  };
}

function listen(
  app: FetchHandler,
  { host, port, logger }: {
    readonly host: string;
    readonly port: number;
    readonly logger: Logger;
  },
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({
      hostname: host,
      port,
      // Said by the logger, and by whoever started the server.
      onListen: () => {},
      onError: (error) => internalError(error, logger),
    }, (request, info) => app.fetch(request, info));
  } catch (cause) {
    throw new BindError(host, port, { cause });
  }
}

/** The last resort: the application's own error handler has answered everything else. */
function internalError(error: unknown, logger: Logger): Response {
  logger.log("error", "A request failed outside of the application", { error });
  return bareProblem({
    type: problemType("internal-error"),
    title: "Internal error",
    status: 500,
    detail: "The server failed unexpectedly: its log tells more",
  });
}

function bareProblem(
  problem: Problem,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: {
      ...DEFAULT_HEADERS,
      ...headers,
      "Content-Type": PROBLEM_MEDIA_TYPE,
    },
  });
}

/**
 * Knows the requests under way, so that they can be answered when the server has to stop: the
 * runtime's own server, once it shuts down, cannot be made to hurry.
 */
class RequestsUnderWay implements FetchHandler {
  readonly #app: FetchHandler;
  readonly #countMax: number;
  readonly #cutOffs = new Set<() => void>();
  /** Those that send events without end. */
  readonly streams = new EventStreams();

  constructor(app: FetchHandler, countMax: number) {
    this.#app = app;
    this.#countMax = countMax;
  }

  async fetch(
    request: Request,
    info: Deno.ServeHandlerInfo,
  ): Promise<Response> {
    if (this.#cutOffs.size >= this.#countMaxOf(request)) {
      return bareProblem(TOO_BUSY, { "Retry-After": "1" });
    }
    const { promise, resolve } = Promise.withResolvers<Response>();
    const cutOff = () => resolve(bareProblem(STOPPING));
    this.#cutOffs.add(cutOff);
    try {
      return this.streams.track(
        await Promise.race([this.#app.fetch(request, info), promise]),
      );
    } finally {
      this.#cutOffs.delete(cutOff);
    }
  }

  /** Under `/admin` nobody without a token is ever waited for. */
  #countMaxOf({ url }: Request): number {
    const path = URL.parse(url)?.pathname ?? "";
    return path.startsWith("/admin/")
      ? this.#countMax
      : this.#countMax - Math.floor(this.#countMax / 10);
  }

  cutOff(): void {
    for (const cutOff of this.#cutOffs) cutOff();
  }
}

async function drain(
  server: Deno.HttpServer<Deno.NetAddr>,
  underWay: RequestsUnderWay,
  timeoutMs: number,
): Promise<void> {
  underWay.streams.end();
  const timer = setTimeout(() => underWay.cutOff(), timeoutMs);
  try {
    await server.shutdown();
    await server.finished;
  } finally {
    clearTimeout(timer);
  }
}
