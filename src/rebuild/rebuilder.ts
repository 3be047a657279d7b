/**
 * The rebuilder: the one way to rebuild, for code, daemon, API and command line. Types, and the
 * errors its callers handle.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { RollbackOptions } from "./roll_back_projection.ts";
import type { DocumentRebuilds } from "./rebuilt_keys.ts";
import type {
  OperationState,
  PlannedRebuild,
  ProjectionRebuildResult,
  ProjectionRebuildStatus,
  RebuildOperation,
  RebuildPlan,
  RebuildPromotion,
  RebuildTrigger,
} from "./operation.ts";

/** How to rebuild. */
export interface RebuildOptions {
  /**
   * At most this many of the operation's projections at once. Lowers `maxConcurrentRebuilds`,
   * never exceeds it. An integer from 1. @default {maxConcurrentRebuilds}
   */
  readonly concurrency?: number;
  /**
   * Who gets a free place first: an integer from -100 to 100, higher goes first.
   * @default {the definition's priority}
   */
  readonly priority?: number;
  /** Words for the history, at most 256 characters. */
  readonly note?: string;
  /** Id of whoever asks, for the history, at most 256 characters; never a token. @default {none} */
  readonly requestedBy?: string;
  /**
   * Starts also when the estimate does not fit on the disk. Rebuilds at start-up, by schedule, and
   * of what was found to be damaged always do. @default {false}
   */
  readonly ignoreDiskSpace?: boolean;
  /** What asks. @default {"code"} */
  readonly trigger?: RebuildTrigger;
  /**
   * What to do with a projection that is queued or running already: wait for that build, or
   * throw {@linkcode RebuildConflictError}. @default {"join"}
   */
  readonly whenRunning?: "join" | "reject";
  /**
   * Compares each new build with the generation that serves, at the same position, before it is
   * swapped in: see {@linkcode RebuildComparison}. Live updates go on meanwhile. @default {false}
   */
  readonly verify?: boolean;
  /**
   * `"manual"`: a build that is complete waits for {@linkcode Rebuilder.promote}, however long,
   * also over restarts; it is caught up then. @default {"automatic"}
   */
  readonly promote?: RebuildPromotion;
  /**
   * Cancels the operation. Projections already swapped in stay; the others keep their old
   * generation. The returned promise resolves with the partial result, state `cancelled`.
   */
  readonly signal?: AbortSignal;
}

/** How to rebuild whatever needs it. */
export interface RebuildAllOptions extends RebuildOptions {
  /** Rebuild also what is up to date. @default {false} */
  readonly forceRebuild?: boolean;
}

/** How to start an operation. */
export interface StartOptions extends RebuildAllOptions {
  /**
   * Asking again with the same key, by the same `requestedBy`, answers with the operation of the
   * first time, also after a restart, as long as the history remembers it: 1 to 255 visible ASCII
   * characters. Only its digest is kept. @default {none: each call is a new operation}
   */
  readonly idempotencyKey?: string;
}

/** Which operations to list. */
export interface ListOperationsOptions {
  /** An integer from 1 to 1,000. @default {50} */
  readonly limit?: number;
  /** Only those that were asked for before the operation of this id. @default {from the newest} */
  readonly before?: string;
  /** Only those in this state. @default {all} */
  readonly state?: OperationState;
}

/** A projection asked for is being rebuilt already, by the operation named here. */
export class RebuildConflictError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "RebuildConflictError";

  /**
   * Creates the error.
   *
   * @param projectionName The projection.
   * @param operationId The operation that rebuilds it, also of another process, or `null` when
   * that process does not say.
   */
  constructor(
    /** The projection. */
    readonly projectionName: string,
    /** The operation that rebuilds it, or `null` when another process does and does not say. */
    readonly operationId: string | null,
  ) {
    super(
      `Cannot rebuild projection "${projectionName}" as it is being rebuilt already: ` +
        (operationId === null
          ? "by another process, or its documents are being repaired"
          : `by operation ${operationId}`),
    );
  }
}

/** What an operation builds cannot be promoted yet, or was not meant to be. */
export class PromotionRefusedError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "PromotionRefusedError";

  /**
   * Creates the error.
   *
   * @param operationId The operation.
   * @param projectionNames Its projections that do not wait to be promoted.
   */
  constructor(
    /** The operation. */
    readonly operationId: string,
    /** Its projections that do not wait to be promoted. */
    readonly projectionNames: readonly string[],
  ) {
    super(
      `Cannot promote what operation ${operationId} builds as it does not wait for that: ` +
        projectionNames.join(", "),
    );
  }
}

/** The store was closed while a rebuild was asked for. Nothing was started: open it, ask again. */
export class RebuilderClosedError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "RebuilderClosedError";

  /** Creates the error. */
  constructor() {
    super("Cannot rebuild as the store is closed: open it and ask again");
  }
}

/**
 * Rebuilds projections aside while the old generations keep serving, and swaps each in when it
 * has caught up. One process-wide scheduler bounds how many are built at once.
 */
export interface Rebuilder extends DocumentRebuilds {
  /**
   * Rebuilds what needs it (absent, stale, damaged, faulted), or everything with
   * `forceRebuild`. One that fails never stops the others: see the result.
   *
   * @throws {RangeError} If an option is out of range.
   * @throws {RebuildConflictError} If asked to reject what is running.
   * @throws {InsufficientDiskSpaceError} If the estimate does not fit on the disk.
   */
  rebuildAll(options?: RebuildAllOptions): Promise<ProjectionRebuildResult>;

  /**
   * Rebuilds the named projections whether they need it or not. Repeated names count once.
   *
   * @throws {UnknownProjectionError} If any name is not registered; nothing was started.
   * @throws {RangeError} If an option is out of range.
   * @throws {RebuildConflictError} If asked to reject what is running.
   * @throws {InsufficientDiskSpaceError} If the estimate does not fit on the disk.
   */
  rebuild(
    names: string | readonly string[],
    options?: RebuildOptions,
  ): Promise<ProjectionRebuildResult>;

  /**
   * Starts what {@linkcode rebuild} (or, without names, {@linkcode rebuildAll}) does and returns
   * at once with the operation, which has succeeded already when there is nothing to do.
   *
   * @throws {InsufficientDiskSpaceError} If the estimate does not fit on the disk.
   * @throws {RebuildQueueFullError} If `rebuildQueueMax` operations are under way already.
   * @throws {IdempotencyKeyError} If the key stands for another request.
   */
  start(
    names: readonly string[] | undefined,
    options?: StartOptions,
  ): Promise<RebuildOperation>;

  /**
   * The result of an operation, as soon as it has ended; `undefined` for an unknown id.
   * Aborting the signal ends the waiting (by throwing its reason), not the operation.
   */
  wait(
    id: string,
    options?: { readonly signal?: AbortSignal },
  ): Promise<ProjectionRebuildResult | undefined>;

  /** Cancels an operation, also one that is paused. Returns whether it was under way. */
  cancel(id: string): Promise<boolean>;

  /**
   * Holds an operation up: what it builds stops within a moment, keeps what it has, and goes on
   * with {@linkcode resume}. Builds that other operations wait for, too, and those that share
   * their pass over the log, are held up with it, until every operation that paused them was
   * resumed. A swap is not held up any more.
   *
   * Durable when it returns: it waits under the same id after a restart, also of a process that
   * was killed, until it is resumed or cancelled. Rebuilds at start-up and by schedule leave its
   * projections alone.
   *
   * @returns Whether it was under way.
   * @throws {OperationNotRecordedError} If it cannot be written down; it goes on then.
   *
   * @example
   * ```ts
   * import { defineProjection, openOpossum, silentLogger } from "@opossum/deno";
   * import { assertEquals } from "@std/assert";
   *
   * const names = defineProjection<{ name: string }>({
   *   name: "Names",
   *   version: 1,
   *   eventTypes: ["Named"],
   *   key: ({ position }) => String(position),
   *   apply: () => ({ name: "somebody" }),
   * });
   * const path = await Deno.makeTempDir();
   * const options = { path, projections: [names], enableAutoRebuild: false };
   * let id;
   * {
   *   await using opossum = await openOpossum({ ...options, logger: silentLogger });
   *   id = (await opossum.rebuilder.start(["Names"])).id;
   *   await opossum.rebuilder.pause(id);
   * }
   * {
   *   await using opossum = await openOpossum({ ...options, logger: silentLogger });
   *   await opossum.daemon.whenStarted();
   *   assertEquals((await opossum.rebuilder.getOperation(id))?.state, "paused");
   *   await opossum.rebuilder.resume(id);
   *   assertEquals((await opossum.rebuilder.wait(id))?.state, "succeeded");
   * }
   * await Deno.remove(path, { recursive: true });
   * ```
   */
  pause(id: string): Promise<boolean>;

  /**
   * Lets a paused operation go on. Returns whether it was under way.
   *
   * @throws {OperationNotRecordedError} If it cannot be written down; it stays paused then.
   */
  resume(id: string): Promise<boolean>;

  /**
   * Swaps in what an operation with `promote: "manual"` built: catches up with the log first.
   * Resolves once that is noted down, so that not even a crash forgets it, and goes on by itself.
   * Follows an operation that a restart interrupted to the one that continued it.
   *
   * @returns The operation, or `undefined` if it is unknown or does not run here any more.
   * @throws {PromotionRefusedError} If not all that it builds is complete.
   * @throws {LogCorruptionError} If the log is damaged: what serves may hold more than it.
   * @throws {RebuildNotStartedError} If it cannot be noted down; the build goes on waiting.
   */
  promote(id: string): Promise<RebuildOperation | undefined>;

  /**
   * Lets the previous generation of a projection serve again; the one that served becomes the
   * previous one, so that a second call goes forward again.
   *
   * A generation of the registered definition is brought up to date by the live updates. One of
   * another definition is served as it is, state `stale`. Neither a start nor a schedule undoes
   * it until another definition is registered: rebuild it by name, or with `forceRebuild`.
   *
   * @throws {UnknownProjectionError} If the name is not registered.
   * @throws {ProjectionRollbackError} If there is no previous generation that could serve, the
   * projection is being rebuilt, or another generation serves than `from` says.
   * @throws {RangeError} If `from` is no number of a generation.
   * @throws {StoreReadOnlyError} If the store was opened to be read only.
   *
   * @example
   * ```ts
   * import { defineProjection, openOpossum, silentLogger } from "@opossum/deno";
   * import { assertEquals } from "@std/assert";
   *
   * const path = await Deno.makeTempDir();
   * const open = (version: number) =>
   *   openOpossum({
   *     path,
   *     projections: [
   *       defineProjection<{ version: number }>({
   *         name: "Versions",
   *         version,
   *         eventTypes: ["Happened"],
   *         key: () => "it",
   *         apply: () => ({ version }),
   *       }),
   *     ],
   *     logger: silentLogger,
   *   });
   * for (const version of [1, 2]) {
   *   await using opossum = await open(version);
   *   await opossum.daemon.whenStarted();
   *   const { last } = await opossum.events.append([{ type: "Happened", data: null }]);
   *   await opossum.projections.waitFor(last);
   * }
   * {
   *   await using opossum = await open(2);
   *   await opossum.rebuilder.rollback("Versions");
   *   assertEquals(await opossum.projections.get("Versions", "it"), { version: 1 });
   *   assertEquals((await opossum.projections.info("Versions")).state, "stale");
   * }
   * await Deno.remove(path, { recursive: true });
   * ```
   */
  rollback(name: string, options?: RollbackOptions): Promise<void>;

  /**
   * Calls back when an operation of this process begins, is paused, goes on, or ends. Progress in
   * between is asked for. Dispose the returned object to stop.
   */
  watch(listener: (operation: RebuildOperation) => void): Disposable;

  /** What `start` would do, without doing it. */
  plan(
    names: readonly string[] | undefined,
    options?: Pick<RebuildAllOptions, "forceRebuild" | "trigger">,
  ): Promise<readonly PlannedRebuild[]>;

  /**
   * A dry run: what `start` would do, and about how long that and how much room on the disk it
   * would take.
   *
   * @throws {UnknownProjectionError} If any name is not registered.
   */
  estimate(
    names: readonly string[] | undefined,
    options?: Pick<RebuildAllOptions, "forceRebuild" | "concurrency">,
  ): Promise<RebuildPlan>;

  /** An operation, running or ended, also of earlier processes; `undefined` if unknown. */
  getOperation(id: string): Promise<RebuildOperation | undefined>;

  /**
   * The newest operations first, by when they were asked for.
   *
   * @throws {UnknownOperationError} If no operation of the id `before` is known.
   */
  listOperations(
    options?: ListOperationsOptions,
  ): Promise<readonly RebuildOperation[]>;

  /** What runs, what waits, when it will be done, and what came of the last one. */
  getRebuildStatus(): Promise<ProjectionRebuildStatus>;

  /**
   * Position up to which the projection's serving generation is complete; 0 when never built.
   *
   * @throws {UnknownProjectionError} If the name is not registered.
   */
  getCheckpoint(name: string): Promise<Position>;

  /** The registered names, sorted. */
  getRegisteredProjections(): readonly string[];
}
