/**
 * Watches an operation of a server until it ends: by server-sent events, over lost connections and
 * restarts of the server, or by asking again and again where no events come through.
 *
 * @module
 */
import { EventSourceParserStream } from "eventsource-parser/stream";
import { systemClock } from "../../events/clock.ts";
import type { RebuildOperation } from "../../rebuild/operation.ts";
import type { ServerClient } from "./server_client.ts";
import { ServerUnreachableError } from "./server_errors.ts";

/** What to watch, and when to stop. */
export interface WatchOptions {
  readonly id: string;
  /** Sees the operation whenever it has changed. */
  readonly onChange: (operation: RebuildOperation) => void;
  /** Whether that is what was waited for. */
  readonly isOver: (operation: RebuildOperation) => boolean;
  readonly signal: AbortSignal;
  /** Told when the connection is lost. */
  readonly report: (line: string) => void;
  /** Between two tries, in milliseconds. @default {1_000} */
  readonly retryMs?: number;
}

const RETRY_MS = 1_000;
/** A server that is restarted answers again within so many tries. */
const TRIES_MAX = 60;

/**
 * Watches an operation.
 *
 * @param client Asks the server.
 * @param options What to watch.
 * @returns The operation as it was when it was over: another one, when a restart of the server
 * continued it.
 * @throws {ServerUnreachableError} If the server stays away.
 */
export async function watchOperation(
  client: ServerClient,
  options: WatchOptions,
): Promise<RebuildOperation> {
  const { signal, report, retryMs = RETRY_MS } = options;
  const watch = new Watch(client, options);
  let tries = 0;
  for (;;) {
    try {
      const over = await watch.once(() => tries = 0);
      if (over) return over;
      if (tries === 0) tries = 1;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ServerUnreachableError)) throw error;
      if (tries === 0) report(`${error.message}: trying again`);
      if (++tries > TRIES_MAX) throw error;
    }
    await systemClock.sleep(retryMs, signal);
    signal.throwIfAborted();
  }
}

class Watch {
  readonly #client: ServerClient;
  readonly #options: WatchOptions;
  #id: string;
  #lastEventId: string | undefined;
  /** Whether no events come through. */
  #isPolling = false;
  /** How often it was seen to be interrupted: the server has stopped, or is about to. */
  #interruptions = 0;

  constructor(client: ServerClient, options: WatchOptions) {
    this.#client = client;
    this.#options = options;
    this.#id = options.id;
  }

  /** Watches until it is over or the connection ends; `undefined` then. */
  async once(onAnswer: () => void): Promise<RebuildOperation | undefined> {
    const response = this.#isPolling ? undefined : await this.#open();
    if (response === undefined) {
      const operation = await this.#client.json<RebuildOperation>(
        "GET",
        `/admin/operations/${this.#id}`,
      );
      onAnswer();
      return this.#see(operation);
    }
    onAnswer();
    return await this.#follow(response);
  }

  async #open(): Promise<Response | undefined> {
    const headers = this.#lastEventId === undefined
      ? {}
      : { "last-event-id": this.#lastEventId };
    const { signal } = this.#options;
    const path = `/admin/operations/${this.#id}/events`;
    const response = await this.#client.stream(path, headers, signal);
    const type = response.headers.get("content-type") ?? "";
    if (response.ok && /^text\/event-stream\b/i.test(type)) return response;
    await response.body?.cancel();
    // Refused, or altered on the way: the operation itself tells, or why not.
    this.#isPolling = response.status !== 204;
    this.#lastEventId = undefined;
    return undefined;
  }

  async #follow(response: Response): Promise<RebuildOperation | undefined> {
    const id = this.#id;
    const events = response.body
      ?.pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream());
    try {
      for await (const { event, data, id: eventId } of events ?? []) {
        this.#lastEventId = eventId ?? this.#lastEventId;
        if (event !== "operation") continue;
        const over = this.#see(JSON.parse(data));
        if (over) return over;
        // Another one continues it.
        if (this.#id !== id) return undefined;
      }
    } catch {
      // The connection was lost, or it was told to stop.
      this.#options.signal.throwIfAborted();
    }
    return undefined;
  }

  #see(operation: RebuildOperation): RebuildOperation | undefined {
    const { onChange, isOver, report } = this.#options;
    if (operation.resumedBy !== undefined) {
      this.#id = operation.resumedBy;
      this.#lastEventId = undefined;
      return undefined;
    }
    // What a window of the schedule closes upon goes on in the next one, which may be days away.
    const isContinued = operation.state === "interrupted" &&
      operation.trigger !== "schedule" && this.#interruptions < TRIES_MAX;
    if (isContinued) {
      if (this.#interruptions++ === 0) {
        report("The server has stopped: the operation goes on when it is back");
      }
      return undefined;
    }
    onChange(operation);
    return isOver(operation) ? operation : undefined;
  }
}
