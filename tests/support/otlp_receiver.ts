/**
 * A collector: takes what exporters send by OTLP over HTTP, in protobuf or JSON, and decodes it.
 *
 * ```ts ignore
 * await using receiver = startOtlpReceiver();
 * await using server = await ServerProcess.start(args, receiver.env());
 * const spans = await receiver.spans((spans) => spans.some(({ name }) => name === "opossum.rebuild"));
 * ```
 *
 * @module
 */
import {
  logsOf,
  metricsOf,
  type OtlpLog,
  type OtlpMetric,
  type OtlpSignal,
  type OtlpSpan,
  readMessage,
  spansOf,
} from "./otlp_decoding.ts";

export type { OtlpLog, OtlpMetric, OtlpSpan };

/** Tells whether what came so far is what is waited for. */
type Until<T> = (received: readonly T[]) => boolean;

/** A collector of what exporters send. */
export interface OtlpReceiver extends AsyncDisposable {
  /** Where to send it: `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly endpoint: string;

  /** The port that it listens on, for `--allow-net`. */
  readonly port: number;

  /**
   * An environment in which programs send everything here, soon.
   *
   * @param protocol How they encode it. @default {"http/protobuf"}
   */
  env(protocol?: "http/protobuf" | "http/json"): Record<string, string>;

  /**
   * The spans that came so far, in the order they came.
   *
   * @param until Waits until this is so. @default {does not wait}
   */
  spans(until?: Until<OtlpSpan>): Promise<readonly OtlpSpan[]>;

  /** The metrics that came so far, each as often as it came; likewise. */
  metrics(until?: Until<OtlpMetric>): Promise<readonly OtlpMetric[]>;

  /** The log records that came so far; likewise. */
  logs(until?: Until<OtlpLog>): Promise<readonly OtlpLog[]>;

  /** All that came so far as texts, to look for what must not be in there. */
  texts(): readonly string[];
}

/** How soon programs send what they have, in milliseconds. */
const DELAY_MS = "20";

/**
 * Starts a collector on a free port of this machine.
 *
 * @returns The collector. Dispose it to stop.
 */
export function startOtlpReceiver(): OtlpReceiver {
  const received = {
    traces: new Received<OtlpSpan>(),
    metrics: new Received<OtlpMetric>(),
    logs: new Received<OtlpLog>(),
  };
  const texts: string[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const signal = new URL(request.url).pathname.split("/").pop() ?? "";
      if (!(signal in received)) return new Response(null, { status: 404 });
      const body = await bodyOf(request);
      // Texts stand as they are in protobuf, too.
      texts.push(new TextDecoder().decode(body));
      const contentType = request.headers.get("content-type") ?? "";
      const message = readMessage(signal as OtlpSignal, contentType, body);
      received.traces.add(spansOf(message));
      received.metrics.add(metricsOf(message));
      received.logs.add(logsOf(message));
      // An empty answer, in either encoding: everything was taken.
      const isJson = contentType.startsWith("application/json");
      return new Response(isJson ? "{}" : new Uint8Array(), {
        headers: { "content-type": contentType },
      });
    },
  );
  const { port } = server.addr;
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    endpoint,
    port,
    env: (protocol = "http/protobuf") => ({
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_BSP_SCHEDULE_DELAY: DELAY_MS,
      OTEL_BLRP_SCHEDULE_DELAY: DELAY_MS,
    }),
    spans: (until) => received.traces.when(until),
    metrics: (until) => received.metrics.when(until),
    logs: (until) => received.logs.when(until),
    texts: () => texts,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function bodyOf(request: Request): Promise<Uint8Array> {
  const isCompressed = request.headers.get("content-encoding") === "gzip";
  const { body } = request;
  if (!isCompressed || body === null) return await request.bytes();
  return await new Response(
    body.pipeThrough(new DecompressionStream("gzip")),
  ).bytes();
}

/** What came of one kind, and who waits for more of it. */
class Received<T> {
  readonly #all: T[] = [];
  readonly #waiting = new Set<() => void>();

  add(more: readonly T[]): void {
    if (more.length === 0) return;
    this.#all.push(...more);
    for (const look of this.#waiting) look();
  }

  async when(until: Until<T> = () => true): Promise<readonly T[]> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => {
      try {
        if (until(this.#all)) resolve();
      } catch (error) {
        reject(error);
      }
    };
    this.#waiting.add(look);
    try {
      look();
      await promise;
      return [...this.#all];
    } finally {
      this.#waiting.delete(look);
    }
  }
}
