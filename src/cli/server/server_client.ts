/**
 * Requests to the admin API of a running server: one place that knows the token, what to repeat,
 * and which error an answer stands for.
 *
 * @module
 */
import { context, propagation, trace } from "@opentelemetry/api";
import { systemClock } from "../../events/clock.ts";
import { harmless } from "../../telemetry/harmless.ts";
import { UsageError } from "../command.ts";
import type { CommandIo } from "../io.ts";
import { ServerUnreachableError } from "./server_errors.ts";
import { problemOf } from "./server_problem.ts";

/** What a request holds, besides method and path. */
export interface ServerRequest {
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Whether it may be sent again when nobody knows what became of it: it changes nothing, or the
   * server knows it again. @default {of GET only}
   */
  readonly isRepeatable?: boolean;
  /** Whether the answer comes when work of any length is done. @default {false} */
  readonly isLong?: boolean;
}

/** What a client is made of. */
export interface ServerClientOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly io: Pick<CommandIo, "signal" | "report">;
  /** How long the server may take to answer, in milliseconds. @default {60_000} */
  readonly timeoutMs?: number;
  /** Before a request that got no answer is sent again, in milliseconds. @default {500} */
  readonly repeatMs?: number;
}

const TIMEOUT_MS = 60_000;
/** A server that asks for more patience than this is told of instead. */
const PATIENCE_SECONDS = 60;
const RETRY_SECONDS_DEFAULT = 5;
const REPEAT_MS = 500;
/** A server that is restarted answers again within so many tries. */
const REPEATS_MAX = 60;

/** What the system says of a connection that there was. */
const LOST = /connection (closed|reset)|broken pipe/i;

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** Asks one server. */
export class ServerClient {
  /** Its address, without a slash at the end. */
  readonly url: string;
  readonly #token: string | undefined;
  readonly #io: ServerClientOptions["io"];
  readonly #timeoutMs: number;
  readonly #repeatMs: number;

  /**
   * @param options What it is made of.
   * @throws {UsageError} If the address is none.
   */
  constructor(options: ServerClientOptions) {
    const { url, token, io } = options;
    const { protocol, hostname } = checkedUrl(url);
    this.url = url.replace(/\/+$/, "");
    this.#token = token;
    this.#io = io;
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#repeatMs = options.repeatMs ?? REPEAT_MS;
    if (
      token !== undefined && protocol === "http:" && !LOOPBACK.test(hostname)
    ) {
      io.report(
        `The token goes to ${hostname} unencrypted: use https where others may listen`,
      );
    }
  }

  /**
   * Asks, and reads the answer.
   *
   * @param method The method.
   * @param path The path, beginning with `/admin`.
   * @param request What else it holds.
   * @returns The JSON of the answer.
   * @throws {ServerProblemError | UnknownOperationError | RebuildConflictError |
   * InsufficientDiskSpaceError} If the server refuses.
   * @throws {ServerUnreachableError} If there is no answer.
   */
  async json<T>(
    method: string,
    path: string,
    request: ServerRequest = {},
  ): Promise<T> {
    const response = await this.#withPatience(method, path, request);
    try {
      return await response.json() as T;
    } catch (cause) {
      this.#io.signal.throwIfAborted();
      throw new ServerUnreachableError(
        this.url,
        "its answer broke off, or is no JSON",
        { cause },
      );
    }
  }

  /**
   * Begins to read a stream of events.
   *
   * @param path The path.
   * @param headers Further headers.
   * @param signal Ends it.
   * @returns The response, whatever its status.
   * @throws {ServerUnreachableError} If there is no answer.
   */
  async stream(
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Response> {
    return await this.#fetch("GET", path, {
      headers: { ...headers, accept: "text/event-stream" },
    }, signal);
  }

  /** Waits once as long as the server asks for. */
  async #withPatience(
    method: string,
    path: string,
    request: ServerRequest,
  ): Promise<Response> {
    const { isRepeatable = method === "GET" } = request;
    const { signal, report } = this.#io;
    let response: Response;
    try {
      response = await this.#fetch(method, path, request);
    } catch (error) {
      if (!isRepeatable || !(error instanceof ServerUnreachableError)) {
        throw error;
      }
      response = await this.#repeat(method, path, request, error);
    }
    if (response.ok) return response;
    const seconds = patienceOf(response);
    const { error, isForGood } = await problemOf(response, this.url);
    // A server that refuses has done nothing; a proxy does not know what the server behind it did.
    const isSafe = isRepeatable || !(error instanceof ServerUnreachableError);
    if (seconds === undefined || isForGood || !isSafe) throw error;
    report(`${error.message}: trying again in ${seconds} s`);
    await systemClock.sleep(seconds * 1_000, signal);
    signal.throwIfAborted();
    const second = await this.#fetch(method, path, request);
    if (second.ok) return second;
    throw (await problemOf(second, this.url)).error;
  }

  /** Sends a request again that got no answer: once, or until a server that was there is back. */
  async #repeat(
    method: string,
    path: string,
    request: ServerRequest,
    { isLost, message }: ServerUnreachableError,
  ): Promise<Response> {
    const { signal, report } = this.#io;
    if (isLost) report(`${message}: trying again`);
    for (let tries = isLost ? REPEATS_MAX : 1;; tries--) {
      await systemClock.sleep(this.#repeatMs, signal);
      signal.throwIfAborted();
      try {
        return await this.#fetch(method, path, request);
      } catch (error) {
        const isOver = tries <= 1 || !(error instanceof ServerUnreachableError);
        if (isOver) throw error;
      }
    }
  }

  async #fetch(
    method: string,
    path: string,
    { query = {}, body, headers = {}, isLong = false }: ServerRequest,
    streamSignal?: AbortSignal,
  ): Promise<Response> {
    const stop = streamSignal ?? this.#io.signal;
    stop.throwIfAborted();
    const timeout = new AbortController();
    // Until there are headers: streams have no end.
    const timer = isLong
      ? undefined
      : setTimeout(() => timeout.abort(), this.#timeoutMs);
    try {
      return await fetch(`${this.url}${path}${queryOf(query)}`, {
        method,
        headers: {
          ...traceHeaders(),
          accept: "application/json",
          ...this.#token === undefined
            ? {}
            : { authorization: `Bearer ${this.#token}` },
          ...body === undefined ? {} : { "content-type": "application/json" },
          ...headers,
        },
        ...body === undefined ? {} : { body: JSON.stringify(body) },
        // The token is for this server alone.
        redirect: "manual",
        signal: AbortSignal.any([stop, timeout.signal]),
      });
    } catch (cause) {
      stop.throwIfAborted();
      const reason = timeout.signal.aborted
        ? `it did not answer within ${this.#timeoutMs / 1_000} s`
        : reasonOf(cause);
      throw new ServerUnreachableError(this.url, reason, {
        cause,
        isLost: LOST.test(textOf(cause)),
      });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The place in the trace of whoever asks, where there is one: nothing without an SDK. */
function traceHeaders(): Record<string, string> {
  const headers: Record<string, string> = {};
  harmless(() => {
    // Deno's own sends it with every request, and would send both.
    const isSent = trace.getTracerProvider() === Deno.telemetry.tracerProvider;
    if (!isSent) propagation.inject(context.active(), headers);
  });
  return headers;
}

function checkedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(
      `Option '--url' must be an address like "http://127.0.0.1:8000": current value is ${
        JSON.stringify(text)
      }`,
    );
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new UsageError(
      "Option '--url' must be an address alone: no password, query or fragment",
    );
  }
  return url;
}

function queryOf(query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]]
  );
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}

/** For how long the server asks to wait, in seconds, if it is worth it. */
function patienceOf({ status, headers }: Response): number | undefined {
  if (status !== 429 && status !== 503) return undefined;
  const text = headers.get("retry-after");
  const seconds = text === null || !/^\d{1,6}$/.test(text)
    ? RETRY_SECONDS_DEFAULT
    : Number(text);
  return seconds <= PATIENCE_SECONDS ? seconds : undefined;
}

function reasonOf(cause: unknown): string {
  if (cause instanceof Deno.errors.NotCapable) {
    return "this program may not use the network: run it with '--allow-net'";
  }
  const text = textOf(cause);
  if (/connection refused/i.test(text)) return "nobody listens there";
  if (/dns|failed to lookup|name or service/i.test(text)) {
    return "its name is not known";
  }
  if (/certificate|tls|ssl/i.test(text)) {
    return `there is no trusted connection: ${messagesOf(cause).at(-1)}`;
  }
  if (LOST.test(text)) return "the connection was lost";
  return messagesOf(cause).at(-1) ?? String(cause);
}

function textOf(cause: unknown): string {
  return messagesOf(cause).join(": ");
}

function messagesOf(cause: unknown): string[] {
  const texts: string[] = [];
  for (
    let error = cause;
    error instanceof Error && texts.length < 5;
    error = error.cause
  ) texts.push(error.message);
  return texts;
}
