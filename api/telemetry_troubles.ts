/**
 * What becomes of troubles with exporting: they are logged, and hold nobody up.
 *
 * @module
 */
import { diag, type DiagLogFunction, DiagLogLevel } from "@opentelemetry/api";
import type { Logger } from "../mod.ts";

/** How many different ones are told: a collector that is down fails with each batch. */
const TOLD_MAX = 20;

/**
 * Logs what OpenTelemetry's packages complain of, each complaint once.
 *
 * @param logger Where to; it must not export what it takes.
 */
export function tellOfTroubles(logger: Logger): void {
  const told = new Set<string>();
  const tell: DiagLogFunction = (...args) => {
    const { error, text } = troubleOf(args);
    if (told.has(text) || told.size === TOLD_MAX) return;
    told.add(text);
    logger.log("warn", "Telemetry has trouble", { error: error ?? text });
  };
  const drop = () => {};
  diag.setLogger({
    error: tell,
    warn: tell,
    info: drop,
    debug: drop,
    verbose: drop,
  }, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}

/** They are given as errors, as texts, and as errors made a JSON text. */
function troubleOf(
  args: readonly unknown[],
): { readonly error: Error | undefined; readonly text: string } {
  const error = args.find((arg) => arg instanceof Error);
  if (error) return { error, text: error.message };
  const text = args.map(String).join(" ");
  try {
    const { message } = JSON.parse(text);
    return { error: undefined, text: String(message) };
  } catch {
    return { error: undefined, text };
  }
}

/**
 * Waits for something, but not for ever.
 *
 * @param work What to wait for. It goes on when nobody waits any more.
 * @param timeoutMs How long, in milliseconds.
 * @returns Whether it was done by then. Rejects only as `work` does.
 */
export async function isDoneWithin(
  work: Promise<void>,
  timeoutMs: number,
): Promise<boolean> {
  const { promise: tooLate, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeoutMs);
  try {
    return await Promise.race([
      work.then(() => true),
      tooLate.then(() => false),
    ]);
  } finally {
    clearTimeout(timer);
  }
}
