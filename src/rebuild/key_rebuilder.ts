/**
 * Rebuilds single documents in the generation that serves: those that are asked for, or those that
 * are missing or damaged.
 *
 * They are folded anew aside, while the projection serves and is updated. Then, with its live lock
 * held, the fold catches up, and what differs is changed in one transaction.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { EventStore } from "../events/event_store.ts";
import type { LiveUpdater } from "../projections/live_updater.ts";
import { IrreparableError, type Mending } from "../projections/mending.ts";
import type { ProjectionStore } from "../projections/projection_store.ts";
import {
  ProjectionDamagedError,
  ProjectionNotBuiltError,
} from "../projections/errors.ts";
import { asUnusable } from "../projections/unusable_files.ts";
import { isRowDamage } from "../projections/row_sums.ts";
import type { ProjectionRegistry } from "../projections/registry.ts";
import type { Logger } from "../telemetry/logger.ts";
import { ATTRIBUTES, SPANS } from "../telemetry/names.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { fileErrorCode, reasonOf } from "../log/errors.ts";
import { openedReadOnly } from "./errors.ts";
import { compareKeys } from "./key_comparison.ts";
import { KeyFold } from "./key_fold.ts";
import { KeySurvey } from "./key_survey.ts";
import { RebuildConflictError, RebuilderClosedError } from "./rebuilder.ts";
import {
  type DocumentRebuilds,
  KeyRebuildError,
  KEYS_MAX,
  type RebuildKeysOptions,
  type RebuiltKeys,
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
  /** Events a batch. */
  readonly batchSize: number;
  /** Whether nothing may be written. @default {false} */
  readonly readOnly?: boolean | undefined;
}

/** Which documents: these, or those that a survey finds. */
type Wanted = ReadonlySet<string> | "missingOrDamaged";

/** Rebuilds single documents. */
export class KeyRebuilder implements DocumentRebuilds, AsyncDisposable {
  readonly #options: KeyRebuilderOptions;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  /** @param options What it is made of. */
  constructor(options: KeyRebuilderOptions) {
    this.#options = options;
  }

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
    { signal }: RebuildKeysOptions,
  ): Promise<RebuiltKeys> {
    const { readOnly } = this.#options;
    if (readOnly) throw openedReadOnly("rebuild documents");
    const signals = [this.#closing.signal, ...(signal ? [signal] : [])];
    const running = this.#traced(name, wanted, AbortSignal.any(signals));
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Which documents is nothing for a span: how many there were is. */
  #traced(
    name: string,
    wanted: Wanted,
    signal: AbortSignal,
  ): Promise<RebuiltKeys> {
    const isRepair = wanted === "missingOrDamaged";
    return this.#options.telemetry.span(
      isRepair ? SPANS.repair : SPANS.rebuildKeys,
      { attributes: { [ATTRIBUTES.projectionName]: name } },
      async (span) => {
        const rebuilt = await this.#locked(name, wanted, signal);
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

  async #locked(
    name: string,
    wanted: Wanted,
    signal: AbortSignal,
  ): Promise<RebuiltKeys> {
    const { store, events } = this.#options;
    signal.throwIfAborted();
    // Nothing is made of a log of which events are missing.
    if (events.damage) throw events.damage;
    // Nobody swaps another generation in, or goes back to one, or mends this one.
    using lock = store.tryLockBuild(name);
    if (!lock) {
      throw new RebuildConflictError(name, store.operationBuilding(name));
    }
    try {
      using mending = await store.care.mend(name);
      return await this.#mend(name, mending, wanted, signal);
    } catch (error) {
      const refusal = asRefusal(name, error);
      const damage = await this.#damageOf(name, refusal);
      lock[Symbol.dispose]();
      // Also when it was known: whoever rebuilds what is damaged was kept from it meanwhile.
      if (damage !== undefined) store.care.condemn(name, damage);
      throw refusal;
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
    name: string,
    mending: Mending,
    wanted: Wanted,
    signal: AbortSignal,
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
    if (isRepair) await survey.checkRows();
    await fold.feed(look.checkpoint, async (eventsScanned) => {
      survey.assertFew();
      await rest(eventsScanned);
    });
    isSurveying = false;
    if (isRepair) {
      await survey.addForeign();
      await fold.flush();
      using folded = scratch.look();
      await survey.compareRelated(folded);
    }
    look[Symbol.dispose]();
    await this.#approach(mending, fold, rest);
    passes.dispose();
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
      changed: changed.length,
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
    rest: (eventsScanned: number) => Promise<void>,
  ): Promise<void> {
    const { batchSize } = this.#options;
    for (let before = Infinity;;) {
      const upTo = checkpointOf(mending);
      const left = upTo - fold.checkpoint;
      // When as much is applied meanwhile, there would be no end to it.
      if (left <= batchSize || left >= before) return;
      before = left;
      await fold.feed(upTo, rest);
    }
  }
}

/** Refuses a generation of which more may be damaged than documents, or than those asked for. */
function assertMendable(
  { damage }: Mending,
  { isRepair }: { readonly isRepair: boolean },
): void {
  if (damage === undefined || (isRepair && isRowDamage(damage))) return;
  throw new IrreparableError(damage);
}

function checkpointOf(mending: Mending): Position {
  using look = mending.look();
  return look.checkpoint;
}

/** What is thrown, told as what callers handle. */
function asRefusal(name: string, thrown: unknown): unknown {
  const isOfDisk = thrown instanceof Error &&
    ("errcode" in thrown || fileErrorCode(thrown) !== undefined);
  const error = isOfDisk
    ? asUnusable(name, `projections/${name}`, thrown)
    : thrown;
  if (error instanceof ProjectionNotBuiltError) {
    return new KeyRebuildError(name, "notBuilt", { cause: error });
  }
  if (
    error instanceof ProjectionDamagedError || error instanceof IrreparableError
  ) return new KeyRebuildError(name, "damaged", { cause: error });
  return error;
}

const KEY_BYTES_MAX = 1_024;

function assertKey(key: string): void {
  const isKey = typeof key === "string" && key !== "" && key.isWellFormed() &&
    !key.includes("\0") &&
    new TextEncoder().encode(key).length <= KEY_BYTES_MAX;
  if (isKey) return;
  throw new RangeError(
    "Cannot rebuild documents as a key must be a well-formed text of 1 to " +
      `${KEY_BYTES_MAX} bytes without U+0000`,
  );
}
