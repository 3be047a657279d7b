/**
 * Rebuilding single documents of a projection: what came of it, and why it may be refused. Types,
 * and the error that callers handle.
 *
 * @module
 */
import type {
  ProjectionLastRepair,
  ProjectionRepairProgress,
} from "../projections/build_info.ts";
import type { Checkpoint } from "../projections/definition.ts";

/** Documents that may be rebuilt at a time: whoever wants more rebuilds the projection. */
export const KEYS_MAX = 10_000;

/** What became of one document. Plain JSON. */
export interface RebuiltKey {
  /** The document's key. */
  readonly key: string;
  /**
   * - `"unchanged"`: it was what the log says, or is not there and need not be.
   * - `"changed"`: its text, its tags or its dead letters were not what the log says.
   * - `"added"`: it was missing.
   * - `"removed"`: it should not have been there.
   */
  readonly change: "unchanged" | "changed" | "added" | "removed";
}

/** What came of rebuilding single documents. Plain JSON. */
export interface RebuiltKeys {
  /** The projection. */
  readonly projectionName: string;
  /** The documents are as the log up to this position says. */
  readonly checkpoint: Checkpoint;
  /** Events of the log that were gone through. */
  readonly eventsScanned: number;
  /** The documents that were looked at, in order of key. */
  readonly keys: readonly RebuiltKey[];
}

/** What came of a repair that has ended. Plain JSON. */
export interface RepairOutcome {
  /** How it ended. */
  readonly last: ProjectionLastRepair;
  /** What became of each document, or `null` unless it succeeded. */
  readonly rebuilt: RebuiltKeys | null;
}

/** How to rebuild single documents. */
export interface RebuildKeysOptions {
  /** Gives up by throwing its reason; everything stays as it was. */
  readonly signal?: AbortSignal;
  /**
   * Told how far it is, often: whenever a piece of the work is done. What it throws ends the work.
   * Others see the same in the projection's `info()`, under `repair`. @default {nobody}
   */
  readonly onProgress?: (progress: ProjectionRepairProgress) => void;
}

/** Rebuilds single documents, in the generation that serves. */
export interface DocumentRebuilds {
  /**
   * Folds single documents anew from the log, while the projection serves, and changes those that
   * are not what the log says: all in one transaction, at the checkpoint where the projection is.
   * Goes through the whole log, so that it is for a few documents.
   *
   * @param name The projection.
   * @param keys Which documents, at most 10,000.
   * @returns What became of each.
   * @throws {UnknownProjectionError} If the name is not registered.
   * @throws {RangeError} If a key is none.
   * @throws {RebuildConflictError} If the projection is being rebuilt.
   * @throws {KeyRebuildError} If it must be rebuilt as a whole: see its `refusal`.
   * @throws {ProjectionApplyError} If its code fails on an event that was applied before.
   *
   * @example
   * ```ts
   * import { defineProjection, openOpossum, silentLogger } from "@opossum/deno";
   * import { assertEquals } from "@std/assert";
   *
   * const counts = defineProjection<{ count: number }>({
   *   name: "Counts",
   *   version: 1,
   *   eventTypes: ["Happened"],
   *   key: () => "all",
   *   apply: (state) => ({ count: (state?.count ?? 0) + 1 }),
   * });
   * const path = await Deno.makeTempDir();
   * {
   *   await using opossum = await openOpossum({
   *     path,
   *     projections: [counts],
   *     logger: silentLogger,
   *   });
   *   await opossum.daemon.whenStarted();
   *   const { last } = await opossum.events.append([{ type: "Happened", data: null }]);
   *   await opossum.projections.waitFor(last);
   *   const { keys } = await opossum.rebuilder.rebuildKeys("Counts", ["all"]);
   *   assertEquals(keys, [{ key: "all", change: "unchanged" }]);
   * }
   * await Deno.remove(path, { recursive: true });
   * ```
   */
  rebuildKeys(
    name: string,
    keys: readonly string[],
    options?: RebuildKeysOptions,
  ): Promise<RebuiltKeys>;

  /**
   * Finds the documents that are missing, damaged or foreign, and does with them what
   * {@linkcode rebuildKeys} does; a projection that was found to be damaged serves again, if
   * nothing else is wrong with it. Looks at every row and every event. A document that nothing
   * but an event would know of counts as missing and is looked at; one that the projection deleted
   * by itself comes out as unchanged.
   *
   * What cannot be seen: a document that is not what the log says, but with a checksum that says
   * so. A rebuild with comparison sees it.
   *
   * @param name The projection.
   * @returns What became of each document that was looked at.
   * @throws {UnknownProjectionError} If the name is not registered.
   * @throws {RebuildConflictError} If the projection is being rebuilt.
   * @throws {KeyRebuildError} If it must be rebuilt as a whole: see its `refusal`.
   * @throws {ProjectionApplyError} If its code fails on an event that was applied before.
   */
  repair(name: string, options?: RebuildKeysOptions): Promise<RebuiltKeys>;

  /**
   * What came of the last {@linkcode repair} or {@linkcode rebuildKeys} of a projection that was
   * begun in this process, for whoever did not wait for it. One that was refused at once, since
   * the projection is being rebuilt, was not begun.
   *
   * @param name The projection.
   * @returns The outcome, or `undefined` when none has ended.
   * @throws {UnknownProjectionError} If the name is not registered.
   */
  lastRepair(name: string): Promise<RepairOutcome | undefined>;
}

/**
 * Why single documents cannot be rebuilt:
 *
 * - `"notBuilt"`: the projection was never built.
 * - `"stale"`: its documents were made by another definition, or of another log.
 * - `"damaged"`: more is damaged than documents.
 * - `"tooManyKeys"`: more than 10,000 documents would have to be looked at.
 */
export type KeyRebuildRefusal =
  | "notBuilt"
  | "stale"
  | "damaged"
  | "tooManyKeys";

const REASONS: Readonly<Record<KeyRebuildRefusal, string>> = {
  notBuilt: "it was never built",
  stale: "its documents were made by another definition, or of another log",
  damaged: "more of it is damaged than documents",
  tooManyKeys: `more than ${KEYS_MAX} of them are concerned`,
};

/** Single documents of a projection cannot be rebuilt. Nothing was changed: rebuild all of it. */
export class KeyRebuildError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "KeyRebuildError";

  /**
   * Creates the error.
   *
   * @param projectionName The projection.
   * @param refusal Why.
   * @param options `cause`: what was found.
   */
  constructor(
    /** The projection. */
    readonly projectionName: string,
    /** Why. */
    readonly refusal: KeyRebuildRefusal,
    options?: ErrorOptions,
  ) {
    super(
      `Cannot rebuild single documents of projection "${projectionName}" as ` +
        `${REASONS[refusal]}: rebuild the projection`,
      options,
    );
  }
}
