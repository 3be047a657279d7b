/**
 * Sends made-up requests to a server and judges each answer: of which status, and in which shape,
 * the OpenAPI document must have said; and nothing may fail inside.
 *
 * @module
 */
import { SeededRandom } from "../../../../examples/course_management/seeding/random.ts";
import type { Rebuilder } from "@opossum/deno";
import { RawConnection, type RawResponse } from "../raw_connection.ts";
import { type Sample, startSample } from "../sample_server.ts";
import { DescribedApi } from "./described_api.ts";
import { type FuzzRequest, RequestMaker } from "./requests.ts";

/** How much to send. */
export interface FuzzOptions {
  readonly requests: number;
  /** Repeats a run. */
  readonly seed: number;
  /** Told how many were sent, now and then. */
  readonly onProgress?: (sent: number) => void;
}

/** What came of it. */
export interface FuzzReport {
  /** How often each status was answered; 0 where the connection was ended without an answer. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Routes that answered something good at least once. */
  readonly reached: ReadonlySet<string>;
  /** All routes. */
  readonly routes: readonly string[];
  /** What may not be, with what led to it. */
  readonly offences: readonly string[];
  /** Bytes of the heap in use, soon after the beginning and at the end; if it can be told. */
  readonly heapBytes: readonly [before: number, after: number] | undefined;
}

/** What stands before the routes answers this, whatever is asked for. */
const BEFORE_ROUTES = new Set([400, 401, 403, 404, 405, 421, 429]);
/** Offences kept; more would tell nothing more. */
const OFFENCES_MAX = 10;
/** After so many requests all code has run, and caches are filled. */
const WARM_UP = 5_000;
/** Operations that a store remembers, and events that a server keeps. */
const REMEMBERED_MAX = 1_000;

/** Fuzzes a sample server of its own. */
export async function fuzz(
  { requests, seed, onProgress }: FuzzOptions,
): Promise<FuzzReport> {
  await using sample = await startSample({
    limits: {
      failedLoginsPerMinute: 1_000_000,
      triggersPerMinute: 1_000_000,
      bodyTimeoutMs: 20,
    },
  });
  const { rebuilder } = sample.server.opossum;
  // Whoever waits for a rebuild would wait for ever for one that a request has paused.
  using _resuming = rebuilder.watch(({ id, state }) => {
    if (state === "paused") rebuilder.resume(id).catch(() => {});
  });
  const api = new DescribedApi(
    await (await sample.ask("/openapi.json")).json(),
  );
  const { host } = new URL(sample.url);
  const maker = new RequestMaker(api, new SeededRandom(seed), host);
  const wire = new Wire(sample.url);
  const statuses = new Map<number, number>();
  const reached = new Set<string>();
  const offences: string[] = [];
  let heapBefore: number | undefined;
  for (let i = 0; i < requests && offences.length < OFFENCES_MAX; i++) {
    if (i === WARM_UP && canTellHeap()) {
      await fillMemories(sample);
      heapBefore = heapBytes();
    }
    const request = maker.next();
    const response = await wire.exchange(request);
    const status = response?.status ?? 0;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    const matching = api.matching(request.method, request.target);
    const fault = faultOf(response, request, matching);
    if (fault !== undefined) {
      const { method, target, headers, body } = request;
      offences.push(
        `${fault}: #${i} ${method} ${target} ` +
          `${JSON.stringify({ headers, body: body.slice(0, 500) })} -> ` +
          JSON.stringify(response?.body.slice(0, 1_500)),
      );
    }
    if (status >= 200 && status < 300) {
      for (const { method, path } of matching) reached.add(`${method} ${path}`);
    }
    maker.learn(response?.body ?? "");
    if (i % 1_000 === 999) onProgress?.(i + 1);
  }
  wire[Symbol.dispose]();
  // Rebuilds that nobody waited for are over before memory is looked at.
  await cancelAll(rebuilder);
  const heapAfter = heapBytes();
  return {
    statuses,
    reached,
    routes: api.operations.map(({ method, path }) => `${method} ${path}`),
    offences,
    heapBytes: heapBefore === undefined || heapAfter === undefined
      ? undefined
      : [heapBefore, heapAfter],
  };
}

async function cancelAll(rebuilder: Rebuilder): Promise<void> {
  for (const id of (await rebuilder.getRebuildStatus()).operationIds) {
    await rebuilder.cancel(id);
  }
}

/**
 * Fills what a server remembers up to a bound: operations, their keys, and the events for those who
 * come back, some megabytes. While that fills, the heap grows by more than any leak would show.
 */
async function fillMemories({ server, ask }: Sample): Promise<void> {
  const { rebuilder, projections } = server.opossum;
  // From then on events are kept.
  await (await ask("/admin/events")).body?.cancel();
  await cancelAll(rebuilder);
  for (let i = 0; i < REMEMBERED_MAX; i++) {
    const { id } = await rebuilder.start(projections.names.slice(0, 1));
    await rebuilder.wait(id);
  }
}

function faultOf(
  response: RawResponse | undefined,
  { isWhole, headers }: FuzzRequest,
  matching: ReturnType<DescribedApi["matching"]>,
): string | undefined {
  if (response === undefined) {
    // The runtime ends connections whose chunks are malformed before anybody could answer.
    return isWhole ? "no answer to a whole request" : undefined;
  }
  const { status, body } = response;
  const isBare = status === 400 && body === "";
  // What the runtime itself cannot parse.
  if (isBare) return undefined;
  const isDeclared = BEFORE_ROUTES.has(status) ||
    (status === 304 && headers.some(([name]) => name === "If-None-Match")) ||
    (matching.length === 0
      ? status === 200 && !body.startsWith("{")
      : matching.some(({ statuses }) => statuses.has(status)));
  if (status >= 500 && status !== 503) return `failed with ${status}`;
  if (!isDeclared) return `undeclared ${status}`;
  if (status < 400) return undefined;
  const type = response.headers.get("content-type");
  if (type !== "application/problem+json") return `${status} as ${type}`;
  // Of HEAD there is no body.
  if (body === "") return undefined;
  const problem = JSON.parse(body);
  return problem.status === status &&
      String(problem.type).startsWith("urn:opossum:problem:")
    ? undefined
    : `${status} without its type`;
}

/** Sends one request after the other, over the same connection while that is possible. */
class Wire implements Disposable {
  readonly #url: string;
  #connection: RawConnection | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  async exchange(request: FuzzRequest): Promise<RawResponse | undefined> {
    const { method, target, headers, body, isWhole } = request;
    const text = [
      `${method} ${target} HTTP/1.1`,
      ...headers.map(([name, value]) => `${name}: ${value}`),
      "",
      body,
    ].join("\r\n");
    const bytes = new TextEncoder().encode(text);
    const connection = this.#connection ??= await RawConnection.to(this.#url);
    try {
      await connection.send(
        Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""),
      );
      const response = await connection.response(method);
      const isOver = response.headers.get("connection")?.startsWith("close");
      // A stream of events goes on for as long as somebody listens.
      const hasEnd = response.headers.has("content-length");
      const mayFollow = isWhole && !isOver && hasEnd &&
        response.status !== 400 &&
        !headers.some(([name]) => name === "Expect" || name === "Upgrade");
      if (!mayFollow) this[Symbol.dispose]();
      return response;
    } catch {
      this[Symbol.dispose]();
      return undefined;
    }
  }

  [Symbol.dispose](): void {
    this.#connection?.[Symbol.dispose]();
    this.#connection = undefined;
  }
}

function canTellHeap(): boolean {
  return "gc" in globalThis;
}

/** What is in use once all garbage is gone, where the runtime was told to let it be collected. */
function heapBytes(): number | undefined {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) return undefined;
  gc();
  gc();
  return Deno.memoryUsage().heapUsed;
}
