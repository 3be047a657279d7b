/**
 * Operations that a crash or a shutdown interrupted.
 *
 * @module
 */
import {
  ProjectionDamagedError,
  ProjectionNotBuiltError,
} from "../projections/errors.ts";
import { isSameDefinition } from "../projections/fingerprint.ts";
import type { LiveUpdater } from "../projections/live_updater.ts";
import type {
  ProjectionStore,
  RolledBack,
} from "../projections/projection_store.ts";
import type { ProjectionRegistry } from "../projections/registry.ts";
import { isFileTrouble } from "./errors.ts";
import type {
  ProjectionInfo,
  Projections,
} from "../projections/projections.ts";
import type {
  PlannedRebuild,
  ProjectionRebuildDetail,
  RebuildOperation,
} from "./operation.ts";
import type { OperationStore, StoredOperation } from "./operation_store.ts";
import { isOpen } from "./promotion.ts";

/** Where to look. */
export interface InterruptedSearch {
  /** The operations so far. */
  readonly history: OperationStore;
  /** Knows which builds are alive, and which generations serve. */
  readonly store: ProjectionStore;
  /** Knows which generations were built by the registered definitions. */
  readonly live: Pick<LiveUpdater, "isCurrent" | "identity">;
  /** Which projections there still are. */
  readonly registry: ProjectionRegistry;
  /** Whether an operation runs in this process. */
  readonly isRunning: (id: string) => boolean;
  /** Only this one. @default {all} */
  readonly only?: string | undefined;
}

/** An operation to continue. */
export interface InterruptedOperation {
  /** As it was written down last. */
  readonly operation: StoredOperation;
  /** Its projections that are not rebuilt yet. */
  readonly names: readonly string[];
  /** Its projections that are. */
  readonly done: readonly string[];
  /** Its projections that an operator has gone back on since. */
  readonly overruled: readonly string[];
}

/**
 * Finds operations that ended neither well nor badly, that nobody continued, and that no process
 * is working on.
 *
 * @param search Where to look.
 * @returns The operations, the newest first.
 */
export async function findInterrupted(
  search: InterruptedSearch,
): Promise<InterruptedOperation[]> {
  const { history, store, registry, isRunning, only } = search;
  const found: InterruptedOperation[] = [];
  const candidate = only === undefined ? undefined : history.get(only);
  const candidates = candidate ? [candidate] : history.newest();
  /** Who continued whom. The newest come first, so whoever continued is known by then. */
  const continuedBy = new Map<string, string>();
  for (const operation of candidates) {
    if (operation.resumes) continuedBy.set(operation.resumes, operation.id);
    if (!isOpen(operation) || operation.resumedBy || isRunning(operation.id)) {
      continue;
    }
    const resumedBy = continuedBy.get(operation.id);
    if (resumedBy !== undefined) {
      // The process was killed before it had said so.
      await history.save({ ...operation, state: "interrupted", resumedBy });
      continue;
    }
    const succeeded = new Set(
      operation.result?.details.filter(({ success }) => success)
        .map(({ projectionName }) => projectionName),
    );
    const open = operation.projectionNames.filter((name) =>
      registry.names.includes(name) && !succeeded.has(name)
    );
    if (open.some((name) => isBeingBuilt(store, name))) continue;
    const names: string[] = [];
    const overruled: string[] = [];
    for (const name of open) {
      if (await wasRolledBack(search, operation, name)) overruled.push(name);
      else if (!await wasSwappedIn(search, operation, name)) names.push(name);
    }
    const done = operation.projectionNames.filter((name) =>
      registry.names.includes(name) && !names.includes(name) &&
      !overruled.includes(name)
    );
    found.push({ operation, names, done, overruled });
  }
  return found;
}

/** Whether an operator went back since: whoever asked before that is overruled. */
async function wasRolledBack(
  { store, live }: InterruptedSearch,
  { rollbacksBefore }: StoredOperation,
  name: string,
): Promise<boolean> {
  try {
    const { rolledBack } = await store.numbers(name);
    // Not by time: another machine may have been asked, or a clock set back.
    return rolledBack !== null &&
      isSameDefinition(rolledBack, live.identity(name)) &&
      nameOf(rolledBack) !== rollbacksBefore?.[name];
  } catch (error) {
    // It cannot be built then either; the others of the operation can be.
    const isUseless = error instanceof ProjectionDamagedError ||
      isFileTrouble(error);
    if (isUseless) return false;
    throw error;
  }
}

/**
 * Whether another generation serves than when the operation was asked for. A process that was
 * killed has written down no outcome, but it may have swapped in some of what it built.
 */
async function wasSwappedIn(
  { store, live }: InterruptedSearch,
  { generationsBefore }: RebuildOperation,
  name: string,
): Promise<boolean> {
  // Operations of earlier versions do not say.
  const before = generationsBefore?.[name] ?? Infinity;
  try {
    return await store.withCurrent(
      name,
      ({ number, identity }) =>
        Promise.resolve(number > before && live.isCurrent(identity)),
    );
  } catch (error) {
    const isUseless = error instanceof ProjectionNotBuiltError ||
      error instanceof ProjectionDamagedError || isFileTrouble(error);
    if (isUseless) return false;
    throw error;
  }
}

/**
 * The outcomes of what is settled of a paused operation that is taken up.
 *
 * @param found The operation, if there is one.
 * @param projections Tells how projections stand now.
 * @returns The outcomes, as far as they are known.
 */
export async function settledBefore(
  found: InterruptedOperation | undefined,
  projections: Pick<Projections, "info">,
): Promise<readonly ProjectionRebuildDetail[]> {
  if (found === undefined) return [];
  const { operation, done, overruled } = found;
  const infos = await Promise.all(done.map((name) => projections.info(name)));
  return [
    ...infos.map((info) => detailBefore(operation, info)),
    ...overruled.map((name) => overruledDetail(operation, name)),
  ];
}

/** Of a projection that it had rebuilt before the process ended. */
function detailBefore(
  { progress }: RebuildOperation,
  { name, documents, checkpoint }: ProjectionInfo,
): ProjectionRebuildDetail {
  const last = progress.find(({ projectionName }) => projectionName === name);
  return Object.freeze({
    projectionName: name,
    success: true,
    state: "succeeded",
    duration: 0,
    eventsProcessed: last?.eventsProcessed ?? 0,
    eventsScanned: last?.eventsScanned ?? 0,
    documents,
    checkpoint,
    reason: "requested",
    errorMessage: null,
    error: null,
  });
}

/** Of a projection that an operator went back on while the operation was paused. */
function overruledDetail(
  { progress }: RebuildOperation,
  projectionName: string,
): ProjectionRebuildDetail {
  const last = progress.find((each) => each.projectionName === projectionName);
  return Object.freeze({
    projectionName,
    success: false,
    state: "cancelled",
    duration: 0,
    eventsProcessed: last?.eventsProcessed ?? 0,
    eventsScanned: last?.eventsScanned ?? 0,
    documents: 0,
    checkpoint: 0,
    reason: "rolledBack",
    errorMessage:
      "The rebuild was cancelled as the projection was rolled back meanwhile",
    error: null,
    comparison: null,
  });
}

/** How projections stood when an operation was asked for, by name. */
export interface Standing {
  /** Number of the newest generation, 0 for none. */
  readonly generationsBefore: Readonly<Record<string, number>>;
  /** The rollback that held it back, if one did. */
  readonly rollbacksBefore: Readonly<Record<string, string>>;
}

/** What tells one rollback from another. */
function nameOf({ id, at }: RolledBack): string {
  return id ?? at;
}

/**
 * What an operation notes down at its beginning for {@linkcode findInterrupted}.
 *
 * @param store Where the generations are.
 * @param planned The projections that it is to rebuild.
 * @returns How they stand, frozen.
 */
export async function standingOf(
  store: ProjectionStore,
  planned: readonly PlannedRebuild[],
): Promise<Standing> {
  const numbers: Record<string, number> = {};
  const rollbacks: Record<string, string> = {};
  for (const { projectionName } of planned) {
    try {
      const { current, previous, rolledBack } = await store.numbers(
        projectionName,
      );
      // After a rollback the newest one is the previous one.
      numbers[projectionName] = Math.max(current ?? 0, previous ?? 0);
      if (rolledBack) rollbacks[projectionName] = nameOf(rolledBack);
    } catch (error) {
      // It may be what serves again later, for all one knows.
      if (isFileTrouble(error)) continue;
      if (!(error instanceof ProjectionDamagedError)) throw error;
      numbers[projectionName] = 0;
    }
  }
  return Object.freeze({
    generationsBefore: Object.freeze(numbers),
    rollbacksBefore: Object.freeze(rollbacks),
  });
}

/** Whoever holds a build lock is alive: the operation is not interrupted. */
function isBeingBuilt(store: ProjectionStore, name: string): boolean {
  try {
    const lock = store.tryLockBuild(name);
    lock?.[Symbol.dispose]();
    return lock === undefined;
  } catch (error) {
    if (!isFileTrouble(error)) throw error;
    // Then nobody can build it. The others of the operation can be built.
    return false;
  }
}

/**
 * Says of what windows have closed upon that it goes on in the operation of the next one: it is
 * nothing to continue by itself.
 *
 * @param history The operations so far.
 * @param resumedBy The operation of the next one.
 */
export async function goOnIn(
  history: OperationStore,
  resumedBy: string,
): Promise<void> {
  for (const operation of history.newest()) {
    const { trigger, state } = operation;
    const isLeft = trigger === "schedule" && state === "interrupted" &&
      operation.resumedBy === undefined;
    if (isLeft) await history.save({ ...operation, resumedBy });
  }
}
