/**
 * The determinism check: folds events in many ways that must not make a difference, and says
 * where they do.
 *
 * @module
 */
import { join } from "node:path";
import type { EventInput, StoredEvent } from "../../events/event.ts";
import { resolveOptions } from "../../options.ts";
import type { ProjectionDefinition } from "../../projections/definition.ts";
import { freezeEvents } from "../../projections/freeze_events.ts";
import {
  loadProjections,
  ProjectionRegistry,
} from "../../projections/registry.ts";
import { MemoryEventStore } from "../memory_event_store.ts";
import { toReport } from "./compare.ts";
import { rehearse } from "./rehearsal.ts";
import { DeterminismError, type DeterminismReport } from "./report.ts";
import { foldWithRestart } from "./restart.ts";
import { foldByRebuilding, foldLive } from "./run_ways.ts";
import {
  liveWays,
  rebuildWays,
  type Trial,
  type WayResults,
  type WayValues,
  WITH_RESTART,
} from "./ways.ts";

/** What to check, and in which ways. */
export interface DeterminismOptions {
  /** Definitions, or the URL of a module that exports them, as for `openOpossum()`. */
  readonly projections: string | readonly ProjectionDefinition[];
  /**
   * The events to fold. They can only show what they lead to: let them hold every type, in usual
   * and unusual orders. A few thousand are a matter of seconds.
   */
  readonly events: Iterable<EventInput> | AsyncIterable<EventInput>;
  /**
   * Sizes of the batches of live updates and of rebuilds: see `batchSize` of `openOpossum()`.
   * @default {[1, 7, 1_000]}
   */
  readonly batchSizes?: readonly number[];
  /** How many projections to rebuild at the same time. @default {[1, 2, 4]} */
  readonly maxConcurrentRebuilds?: readonly number[];
  /** Memory for documents while rebuilding, in bytes. @default {[1_048_576, 1_073_741_824]} */
  readonly rebuildMemoryBytesMax?: readonly number[];
  /** Gives up by throwing its reason; the temporary folder is removed. */
  readonly signal?: AbortSignal;
}

/**
 * Checks that projections give the same documents in whatever way their events are folded: by a
 * plain loop, live in batches of several sizes, rebuilt with several degrees of concurrency, sizes
 * of batches and of memory, rebuilt twice and, when they are given as a module, by a thread that
 * goes on half-way from what another one had stored.
 *
 * Besides, it looks for the usual mistakes in their code: asking for the time, drawing lots,
 * asking for the machine's time zone, depending on variables that outlive a call, and documents
 * that do not survive being stored as JSON. While it does, every function of a definition is
 * called more than once for an event.
 *
 * Works in a temporary folder, which is removed. Needs the permissions to read and write it.
 *
 * @param options What to check.
 * @returns What was found.
 * @throws {TypeError | RangeError} If an option, a definition or an event is malformed.
 *
 * @example
 * ```ts
 * import { defineProjection } from "@opossum/deno";
 * import { checkDeterminism } from "@opossum/deno/testing";
 * import { assertEquals } from "@std/assert";
 *
 * type Deposited = { type: "Deposited"; data: { account: string; cents: number } };
 * const balances = defineProjection<{ cents: number; at: number }, Deposited>({
 *   name: "Balances",
 *   version: 1,
 *   eventTypes: ["Deposited"],
 *   key: (event) => event.data.account,
 *   apply: (state, event) => ({
 *     cents: (state?.cents ?? 0) + event.data.cents,
 *     at: Date.now(),
 *   }),
 * });
 *
 * const report = await checkDeterminism({
 *   projections: [balances],
 *   events: [{ type: "Deposited", data: { account: "ada", cents: 500 } }],
 * });
 * assertEquals(report.isDeterministic, false);
 * assertEquals(report.projections[0]?.problems[0]?.kind, "clock");
 * ```
 */
export async function checkDeterminism(
  options: DeterminismOptions,
): Promise<DeterminismReport> {
  const { projections, signal } = options;
  const values = resolveValues(options);
  const definitions = typeof projections === "string"
    ? await loadProjections(projections)
    : projections;
  const registry = new ProjectionRegistry(definitions);
  const { names } = registry;
  const events = await recordAll(options.events);
  const rehearsals = new Map(
    names.map((name) => [name, rehearse(registry.get(name), events)]),
  );
  const path = await Deno.makeTempDir({ prefix: "opossum_determinism_" });
  try {
    const trial = { projections, definitions, names, events, path, signal };
    return toReport(events, rehearsals, await foldInAllWays(trial, values));
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

/**
 * Checks as {@linkcode checkDeterminism} does, and throws when a projection is not deterministic.
 *
 * @param options What to check.
 * @returns What was found, when all is well.
 * @throws {DeterminismError} If a projection is not deterministic; it holds the report.
 * @throws {TypeError | RangeError} If an option, a definition or an event is malformed.
 *
 * @example
 * ```ts
 * import { defineProjection } from "@opossum/deno";
 * import { assertDeterministic } from "@opossum/deno/testing";
 *
 * type Deposited = { type: "Deposited"; data: { account: string; cents: number } };
 * const balances = defineProjection<{ cents: number }, Deposited>({
 *   name: "Balances",
 *   version: 1,
 *   eventTypes: ["Deposited"],
 *   key: (event) => event.data.account,
 *   apply: (state, event) => ({ cents: (state?.cents ?? 0) + event.data.cents }),
 * });
 *
 * await assertDeterministic({
 *   projections: [balances],
 *   events: [
 *     { type: "Deposited", data: { account: "ada", cents: 500 } },
 *     { type: "Deposited", data: { account: "ada", cents: 250 } },
 *   ],
 * });
 * ```
 */
export async function assertDeterministic(
  options: DeterminismOptions,
): Promise<DeterminismReport> {
  const report = await checkDeterminism(options);
  if (!report.isDeterministic) throw new DeterminismError(report);
  return report;
}

function resolveValues(options: DeterminismOptions): WayValues {
  const {
    projections,
    batchSizes = [1, 7, 1_000],
    maxConcurrentRebuilds = [1, 2, 4],
    rebuildMemoryBytesMax = [2 ** 20, 2 ** 30],
  } = options;
  const lists = {
    batchSize: batchSizes,
    maxConcurrentRebuilds,
    rebuildMemoryBytesMax,
  };
  for (const [option, values] of Object.entries(lists)) {
    if (values.length === 0) {
      throw new RangeError(
        `Cannot check determinism as '${option}' must have at least one value: it has none`,
      );
    }
    for (const value of values) {
      resolveOptions({ path: ".", projections, [option]: value });
    }
  }
  return { batchSizes, maxConcurrentRebuilds, rebuildMemoryBytesMax };
}

/** The events as every way gets them, with the same ids and timestamps. */
async function recordAll(
  inputs: DeterminismOptions["events"],
): Promise<readonly StoredEvent[]> {
  const store = new MemoryEventStore();
  for await (const input of inputs) await store.append([input]);
  const events = await Array.fromAsync(store.read("all"));
  freezeEvents(events);
  return events;
}

async function foldInAllWays(
  trial: Trial,
  values: WayValues,
): Promise<Map<string, WayResults>> {
  const { path, projections, definitions } = trial;
  const results = new Map<string, WayResults>();
  for (const [index, way] of liveWays(values).entries()) {
    const place = { ...trial, path: join(path, `live${index}`) };
    results.set(way.name, await foldLive(place, way));
  }
  const url = typeof projections === "string" ? projections : undefined;
  const ways = rebuildWays(values, url === undefined ? undefined : definitions);
  const place = { ...trial, path: join(path, "rebuilt") };
  for (const [way, found] of await foldByRebuilding(place, ways)) {
    results.set(way.name, found);
  }
  if (url !== undefined) {
    results.set(WITH_RESTART, await foldWithRestart(trial, url));
  }
  return results;
}
