/**
 * Folding by the real engine, in temporary folders, with options that must not make a difference.
 *
 * @module
 */
import type { EventInput, StoredEvent } from "../../events/event.ts";
import { openOpossum, type Opossum } from "../../opossum.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Documents } from "./plain_fold.ts";
import type { Trial, Way, WayResult, WayResults } from "./ways.ts";

/** Far from the limits of one append. */
const APPEND_UNITS_MAX = 1_000_000;
const APPEND_EVENTS_MAX = 1_000;

/**
 * Folds live: the projections are there before the first event, and follow the log.
 *
 * @param trial What is folded, and where.
 * @param way With which options.
 * @returns What each projection came to.
 */
export async function foldLive(trial: Trial, way: Way): Promise<WayResults> {
  const { names, events, path, signal } = trial;
  const faults = new FaultListener(names, signal);
  await using opossum = await openOpossum({
    enableAutoRebuild: false,
    ...way.options,
    path,
    projections: way.projections ?? trial.projections,
    startDaemon: false,
    logger: faults,
  });
  const { failedProjections } = await opossum.rebuilder.rebuildAll();
  if (failedProjections.length > 0) {
    // Nobody would ever see them follow the log.
    throw new Error(
      `Cannot fold live as empty projections could not be built: ${
        failedProjections.join(", ")
      }`,
    );
  }
  await appendAll(opossum, events, signal);
  // Only now, so that batches are as large as they may be.
  await opossum.daemon.start();
  const results = new Map<string, WayResult>();
  for (const name of names) {
    try {
      const waiting = { names: [name], signal: faults.signal(name) };
      await opossum.projections.waitFor(events.length, waiting);
      results.set(name, { documents: await documentsOf(opossum, name) });
    } catch (error) {
      signal?.throwIfAborted();
      results.set(name, { error: messageOf(error) });
    }
  }
  return results;
}

/**
 * Rebuilds, in one store, once for each of the ways.
 *
 * @param trial What is folded, and where.
 * @param ways With which options.
 * @returns What each projection came to, by way.
 */
export async function foldByRebuilding(
  trial: Trial,
  ways: readonly Way[],
): Promise<Map<Way, WayResults>> {
  const { names, events, path, signal } = trial;
  const results = new Map<Way, WayResults>();
  for (const [index, way] of ways.entries()) {
    await using opossum = await openOpossum({
      ...way.options,
      path,
      projections: way.projections ?? trial.projections,
      startDaemon: false,
      logger: new FaultListener(names, signal),
    });
    if (index === 0) await appendAll(opossum, events, signal);
    const { details } = await opossum.rebuilder.rebuildAll({
      forceRebuild: true,
      ...(signal ? { signal } : {}),
    });
    signal?.throwIfAborted();
    const found = new Map<string, WayResult>();
    for (const { projectionName: name, success, errorMessage } of details) {
      const result = success
        ? { documents: await documentsOf(opossum, name) }
        : { error: errorMessage ?? "It was not rebuilt" };
      found.set(name, result);
    }
    results.set(way, found);
  }
  return results;
}

async function appendAll(
  { events: store }: Opossum,
  events: readonly StoredEvent[],
  signal: AbortSignal | undefined,
): Promise<void> {
  let block: EventInput[] = [];
  let units = 0;
  const flush = async () => {
    signal?.throwIfAborted();
    if (block.length > 0) await store.append(block);
    block = [];
    units = 0;
  };
  for (const { position: _position, ...event } of events) {
    const size = JSON.stringify(event).length;
    const isFull = block.length >= APPEND_EVENTS_MAX ||
      units + size > APPEND_UNITS_MAX;
    if (isFull) await flush();
    block.push(event);
    units += size;
  }
  await flush();
}

async function documentsOf(
  { projections }: Opossum,
  name: string,
): Promise<Documents> {
  const documents = new Map<string, string>();
  for await (const { key, state } of projections.documents(name)) {
    documents.set(key, JSON.stringify(state));
  }
  return documents;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Hears from the log when a projection stands still, so that nobody waits for it for ever. */
class FaultListener implements Logger {
  readonly #faults: ReadonlyMap<string, AbortController>;
  readonly #signal: AbortSignal | undefined;

  constructor(names: readonly string[], signal: AbortSignal | undefined) {
    this.#faults = new Map(names.map((name) => [name, new AbortController()]));
    this.#signal = signal;
  }

  /** Aborts when that projection stands still, or all is to stop. */
  signal(name: string): AbortSignal {
    const signals = [this.#faults.get(name)?.signal, this.#signal];
    return AbortSignal.any(signals.filter((signal) => signal !== undefined));
  }

  log(
    level: string,
    message: string,
    attributes: Readonly<Record<string, unknown>> = {},
  ): void {
    if (level !== "error") return;
    const { projection, error = message } = attributes;
    const cause = error instanceof Error ? error.message : String(error);
    for (const [name, fault] of this.#faults) {
      // One that names no projection is about all of them.
      if (projection === undefined || projection === name) {
        fault.abort(new Error(cause));
      }
    }
  }
}
