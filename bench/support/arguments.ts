/**
 * The arguments that the benches share: `[STORE | --events N] [--runs R]`.
 *
 * @module
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";

/** What to measure, and how often. */
export interface BenchArguments {
  /** The data folder to measure a copy of, or `undefined`: one is seeded. */
  readonly store: string | undefined;
  /** How many events to seed. */
  readonly events: number;
  /** How often to measure each case. */
  readonly runs: number;
}

/**
 * Reads the arguments of the process.
 *
 * @param defaults What holds for what is left out.
 * @returns The arguments.
 * @throws {TypeError | RangeError} If they cannot be used.
 */
export function readArguments(
  defaults: { readonly events: number; readonly runs: number },
): BenchArguments {
  const { values, positionals } = parseArgs({
    // `deno task NAME -- ARGS` hands on the dashes too.
    args: Deno.args.filter((arg) => arg !== "--"),
    allowPositionals: true,
    options: { events: { type: "string" }, runs: { type: "string" } },
  });
  const [store, ...others] = positionals;
  if (others.length > 0) {
    throw new TypeError(`Cannot measure more than one store: ${others[0]}`);
  }
  if (store !== undefined && values.events !== undefined) {
    throw new TypeError(
      "Cannot measure as both a store and --events are given",
    );
  }
  return {
    store: store === undefined ? undefined : resolve(store),
    events: toCount("--events", values.events, defaults.events),
    runs: toCount("--runs", values.runs, defaults.runs),
  };
}

function toCount(
  option: string,
  text: string | undefined,
  fallback: number,
): number {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(
      `Cannot measure as '${option}' must be an integer from 1: current value is "${text}"`,
    );
  }
  return value;
}
