/**
 * A collector that takes connections and never answers.
 *
 * @module
 */

/** The collector. Dispose it to stop. */
export interface HangingCollector extends AsyncDisposable {
  /** Where it listens: `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly endpoint: string;
  /** Resolves when somebody has connected. */
  readonly asked: Promise<void>;
  /** An environment in which programs wait for it as long as they can. */
  readonly env: Readonly<Record<string, string>>;
}

/** Longer than any test. */
const FOR_EVER_MS = "3600000";

/**
 * Starts one on a free port of this machine.
 *
 * @returns The collector.
 */
export function startHangingCollector(): HangingCollector {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.TcpConn[] = [];
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const accepting = (async () => {
    for await (const connection of listener) {
      connections.push(connection);
      resolve();
    }
  })();
  const endpoint = `http://127.0.0.1:${listener.addr.port}`;
  return {
    endpoint,
    asked,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_TIMEOUT: FOR_EVER_MS,
      OTEL_BSP_EXPORT_TIMEOUT: FOR_EVER_MS,
      OTEL_BLRP_EXPORT_TIMEOUT: FOR_EVER_MS,
      OTEL_BSP_SCHEDULE_DELAY: "20",
      OTEL_BLRP_SCHEDULE_DELAY: "20",
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      for (const connection of connections) connection.close();
    },
  };
}
