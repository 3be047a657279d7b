/**
 * Rebuilds single documents in the generation that serves: those that are asked for, or those that
 * are missing or damaged.
 *
 * They are folded anew aside, while the projection serves and is updated. Then, with its live lock
 * held, the fold catches up, and what differs is changed in one transaction.
 *
 * @module
 */
import { abortable } from "@std/async/abortable";
import { Semaphore } from "@std/async/unstable-semaphore";
import type { Clock } from "../events/clock.ts";
import type { Position } from "../events/event.ts";
import type { EventStore } from "../events/event_store.ts";
import type { ProjectionRepairProgress } from "../projections/build_info.ts";
import type { LiveUpdater } from "../projections/live_updater.ts";
import type { Mending } from "../projections/mending.ts";
import type { ProjectionStore } from "../projections/projection_store.ts";
import type { ProjectionRegistry } from "../projections/registry.ts";
import type { Logger } from "../telemetry/logger.ts";
import { ATTRIBUTES, SPANS } from "../telemetry/names.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { reasonOf } from "../log/errors.ts";
import { openedReadOnly } from "./errors.ts";
import { compareKeys } from "./key_comparison.ts";
import { KeyFold } from "./key_fold.ts";
import { asRefusal, assertKey, assertMendable } from "./key_refusals.ts";
import { KeySurvey } from "./key_survey.ts";
import { RepairMeter } from "./repair_meter.ts";
import { findTags, type TagsFound } from "./key_tags.ts";
import { LastRepairs } from "./last_repairs.ts";
import { RebuildConflictError, RebuilderClosedError } from "./rebuilder.ts";
import {
  type DocumentRebuilds,
  KeyRebuildError,
  KEYS_MAX,
  type RebuildKeysOptions,
  type RebuiltKeys,
  type RepairOutcome,
} from "./rebuilt_keys.ts";
import type { RebuildThrottle } from "./throttle.ts";

/** What it is made of. */
export interface KeyRebuilderOptions {
  readonly registry: ProjectionRegistry;
  readonly store: ProjectionStore;
  readonly events: EventStore;
  readonly live: LiveUpdater;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly throttle: RebuildThrottle;
  readonly clock: Clock;
  /** Events a batch. */
  readonly batchSize: number;
  /** How many projections are repaired at once. */
  readonly concurrency: number;
  /** Whether nothing may be written. @default {false} */
  readonly readOnly?: boolean | undefined;
}

/** Which documents: these, or those that a survey finds. */
type Wanted = ReadonlySet<string> | "missingOrDamaged";

/** What was asked for. */
interface Asked {
  readonly name: string;
  readonly wanted: Wanted;
  readonly meter: RepairMeter;
  readonly signal: AbortSignal;
}

interface MendOptions extends Asked {
  readonly mending: Mending;
}

/** Rebuilds single documents. */
export class KeyRebuilder implements DocumentRebuilds, AsyncDisposable {
  readonly #options: KeyRebuilderOptions;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  /** Each goes through the whole log, and holds documents and events. */
  readonly #places: Semaphore;
  readonly #meters = new Map<string, RepairMeter>();
  readonly #last: LastRepairs;

  /** @param options What it is made of. */
  constructor(options: KeyRebuilderOptions) {
    this.#options = options;
    this.#places = new Semaphore(options.concurrency);
    this.#last = new LastRepairs(options.clock);
  }

  /** How far the repair of a projection is, or `null` when none is under way here. */
  progress(name: string): ProjectionRepairProgress | null {
    return this.#meters.get(name)?.progress ?? null;
  }

  /** What came of the last repair of a projection, if one has ended here. */
  outcome(name: string): RepairOutcome | undefined {
    return this.#last.of(name);
  }

  /** See {@linkcode DocumentRebuilds.lastRepair}. */
  // deno-lint-ignore require-await -- turns what is thrown into a rejection
  readonly lastRepair: DocumentRebuilds["lastRepair"] = async (name) => {
    this.#options.registry.get(name);
    return this.#last.of(name);
  };

  /** See {@linkcode DocumentRebuilds.rebuildKeys}. */
  readonly rebuildKeys: DocumentRebuilds["rebuildKeys"] = async (
    name,
    keys,
    options = {},
  ) => {
    this.#options.registry.get(name);
    const wanted = new Set(keys);
    if (wanted.size > KEYS_MAX) throw new KeyRebuildError(name, "tooManyKeys");
    for (const key of wanted) assertKey(key);
    return await this.#begin(name, wanted, options);
  };

  /** See {@linkcode DocumentRebuilds.repair}. */
  readonly repair: DocumentRebuilds["repair"] = async (name, options = {}) => {
    this.#options.registry.get(name);
    return await this.#begin(name, "missingOrDamaged", options);
  };

  /** Stops what runs; everything stays as it was. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new RebuilderClosedError());
    await Promise.allSettled(this.#running);
  }

  async #begin(
    name: string,
    wanted: Wanted,
    { signal, onProgress = () => {} }: RebuildKeysOptions,
  ): Promise<RebuiltKeys> {
    const { readOnly, clock } = this.#options;
    if (readOnly) throw openedReadOnly("rebuild documents");
    const signals = [this.#closing.signal, ...(signal ? [signal] : [])];
    const meter = new RepairMeter({
      clock,
      projectionName: name,
      isRepair: wanted === "missingOrDamaged",
      onProgress,
    });
    const running = this.#traced({
      name,
      wanted,
      meter,
      signal: AbortSignal.any(signals),
    });
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Which documents is nothing for a span: how many there were is. */
  #traced(asked: Asked): Promise<RebuiltKeys> {
    const { name, wanted } = asked;
    const isRepair = wanted === "missingOrDamaged";
    return this.#options.telemetry.span(
      isRepair ? SPANS.repair : SPANS.rebuildKeys,
      { attributes: { [ATTRIBUTES.projectionName]: name } },
      async (span) => {
        const rebuilt = await this.#locked(asked);
        const changed = rebuilt.keys.filter(({ change }) =>
          change !== "unchanged"
        );
        span.setAttributes({
          [ATTRIBUTES.documentsRebuilt]: rebuilt.keys.length,
          [ATTRIBUTES.documentsChanged]: changed.length,
          [ATTRIBUTES.eventsScanned]: rebuilt.eventsScanned,
          [ATTRIBUTES.positionLast]: rebuilt.checkpoint,
        });
        return rebuilt;
      },
    );
  }

  async #locked(asked: Asked): Promise<RebuiltKeys> {
    const { name, wanted, meter, signal } = asked;
    const { store, events } = this.#options;
    signal.throwIfAborted();
    // Nothing is made of a log of which events are missing.
    if (events.damage) throw events.damage;
    // Nobody swaps another generation in, or goes back to one, or mends this one.
    using lock = store.tryLockBuild(name);
    if (!lock) {
      throw new RebuildConflictError(name, store.operationBuilding(name));
    }
    const ending = {
      name,
      isRepair: wanted === "missingOrDamaged",
      startedAt: meter.progress.startedAt,
    };
    this.#meters.set(name, meter);
    try {
      using _place = await this.#place(signal);
      using mending = await store.care.mend(name);
      const rebuilt = await this.#mend({ ...asked, mending });
      // Together with the progress: whoever does not see the one sees the other.
      this.#last.succeeded(ending, rebuilt);
      return rebuilt;
    } catch (error) {
      const refusal = asRefusal(name, error);
      const damage = await this.#damageOf(name, refusal);
      lock[Symbol.dispose]();
      // Also when it was known: whoever rebuilds what is damaged was kept from it meanwhile.
      if (damage !== undefined) store.care.condemn(name, damage);
      this.#last.failed(ending, refusal, signal.aborted);
      throw refusal;
    } finally {
      this.#meters.delete(name);
    }
  }

  /** Waits until few enough others are at work. */
  async #place(signal: AbortSignal): Promise<Disposable> {
    const granted = this.#places.acquire();
    try {
      return await abortable(granted, signal);
    } catch (error) {
      // Whoever has given up takes no place from those who wait.
      granted.then((place) => place[Symbol.dispose]());
      throw error;
    }
  }

  /** What is wrong with the generation that could not be mended, if that is to be told. */
  async #damageOf(name: string, refusal: unknown): Promise<string | undefined> {
    try {
      using mending = await this.#options.store.care.mend(name);
      const isFound = refusal instanceof KeyRebuildError &&
        refusal.cause !== undefined;
      return mending.damage ??
        (isFound ? reasonOf(refusal.cause) : undefined);
    } catch {
      // Whoever opens it finds out by himself.
      return undefined;
    }
  }

  async #mend(
    { name, mending, wanted, meter, signal }: MendOptions,
  ): Promise<RebuiltKeys> {
    const { registry, store, events, live, logger, throttle } = this.#options;
    const definition = registry.get(name);
    if (!live.isCurrent(mending.identity)) {
      throw new KeyRebuildError(name, "stale");
    }
    const isRepair = wanted === "missingOrDamaged";
    assertMendable(mending, { isRepair });
    const scratch = mending.scratch();
    using look = mending.look();
    if (look.checkpoint > await events.head()) {
      throw new KeyRebuildError(name, "stale");
    }
    using passes = new DisposableStack();
    const pass = passes.use(throttle.enterHere([signal]));
    const rest = async (eventsScanned: number) => {
      await pass.rest(eventsScanned);
      signal.throwIfAborted();
    };
    const survey = new KeySurvey({
      definition,
      look,
      rest: () => rest(0),
      onChecked: (documents) => meter.checked(documents, survey.keys.size),
    });
    const keys = wanted === "missingOrDamaged" ? survey.keys : wanted;
    let isSurveying = isRepair;
    const fold = new KeyFold({
      ...this.#options,
      definition,
      wants: (key) => isSurveying ? survey.sees(key) : keys.has(key),
      generation: scratch.generation,
      signal,
      watch: live.watch(name),
    });
    // All that may be long, while others go on.
    const findTagsOf = () => findTags({ look, keys, rest: () => rest(0) });
    let tagsBefore: TagsFound;
    const restInScan = async (eventsScanned: number) => {
      meter.scanned(fold.checkpoint, keys.size);
      await rest(eventsScanned);
    };
    if (isRepair) {
      meter.check(look.documentCount);
      await survey.checkRows();
      meter.scan(look.checkpoint);
      await fold.feed(look.checkpoint, async (eventsScanned) => {
        survey.assertFew();
        await restInScan(eventsScanned);
      });
      isSurveying = false;
      meter.compare();
      await survey.addForeign();
      await fold.flush();
      using folded = scratch.look();
      await survey.compareRelated(folded);
      tagsBefore = await findTagsOf();
    } else tagsBefore = await findTagsOf();
    // What is committed while it is looked at takes room.
    look[Symbol.dispose]();
    await this.#approach(mending, fold, async (left, eventsScanned) => {
      if (!isRepair) meter.scan(left);
      await (isRepair ? rest(eventsScanned) : restInScan(eventsScanned));
    });
    passes.dispose();
    meter.change(keys.size);
    using _lock = await store.lockLive(name, signal);
    const checkpoint = checkpointOf(mending);
    // Under the lock, so that it does not wait for others.
    await fold.feed(checkpoint);
    await fold.flush();
    const found = await compareKeys({
      definition,
      mending,
      folded: scratch.generation,
      keys,
      before: tagsBefore,
      signal,
    });
    // Live updates may have come upon something else meanwhile.
    assertMendable(mending, { isRepair: true });
    if (found.isDifferent || isRepair) {
      await mending.commit({ ...found.changes, isSound: isRepair });
      live.swapped(name);
    }
    const changed = found.keys.filter(({ change }) => change !== "unchanged");
    logger.log("info", "Documents of the projection were rebuilt", {
      projection: name,
      documents: found.keys.length,
      documentsChanged: changed.length,
      checkpoint,
    });
    return Object.freeze({
      projectionName: name,
      checkpoint,
      eventsScanned: checkpoint,
      keys: Object.freeze(found.keys),
    });
  }

  /** Catches up with live updates until little is left. */
  async #approach(
    mending: Mending,
    fold: KeyFold,
    rest: (upTo: Position, eventsScanned: number) => Promise<void>,
  ): Promise<void> {
    const { batchSize } = this.#options;
    for (let before = Infinity;;) {
      const upTo = checkpointOf(mending);
      const left = upTo - fold.checkpoint;
      // When as much is applied meanwhile, there would be no end to it.
      if (left <= batchSize || left >= before) return;
      before = left;
      await fold.feed(upTo, (eventsScanned) => rest(upTo, eventsScanned));
    }
  }
}

function checkpointOf(mending: Mending): Position {
  using look = mending.look();
  return look.checkpoint;
}
