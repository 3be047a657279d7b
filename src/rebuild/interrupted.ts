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
import type { ProjectionStore } from "../projections/projection_store.ts";
import type { ProjectionRegistry } from "../projections/registry.ts";
import { isFileTrouble } from "./errors.ts";
import type { ProjectionInfo } from "../projections/projections.ts";
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
    for (const name of open) {
      const isSettled = await wasRolledBack(search, operation, name) ||
        await wasSwappedIn(search, operation, name);
      if (!isSettled) names.push(name);
    }
    const done = operation.projectionNames.filter((name) =>
      registry.names.includes(name) && !names.includes(name)
    );
    found.push({ operation, names, done });
  }
  return found;
}

/** Whether an operator went back since: whoever asked before that is overruled. */
async function wasRolledBack(
  { store, live }: InterruptedSearch,
  { startedAt }: RebuildOperation,
  name: string,
): Promise<boolean> {
  try {
    const { rolledBack } = await store.numbers(name);
    return rolledBack !== null &&
      isSameDefinition(rolledBack, live.identity(name)) &&
      Date.parse(rolledBack.at) >= Date.parse(startedAt);
  } catch (error) {
    if (error instanceof ProjectionDamagedError) return false;
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
 * The outcome of a projection that a paused operation had rebuilt before the process ended.
 *
 * @param operation As it was written down last.
 * @param info How the projection stands now.
 * @returns Its outcome, frozen, as far as it is known.
 */
export function detailBefore(
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

/**
 * What an operation notes down at its beginning for {@linkcode findInterrupted}.
 *
 * @param store Where the generations are.
 * @param planned The projections that it is to rebuild.
 * @returns Number of the newest generation of each, 0 for none, frozen.
 */
export async function generationsOf(
  store: ProjectionStore,
  planned: readonly PlannedRebuild[],
): Promise<Readonly<Record<string, number>>> {
  const numbers: Record<string, number> = {};
  for (const { projectionName } of planned) {
    try {
      const { current, previous } = await store.numbers(projectionName);
      // After a rollback the newest one is the previous one.
      numbers[projectionName] = Math.max(current ?? 0, previous ?? 0);
    } catch (error) {
      // It may be what serves again later, for all one knows.
      if (isFileTrouble(error)) continue;
      if (!(error instanceof ProjectionDamagedError)) throw error;
      numbers[projectionName] = 0;
    }
  }
  return Object.freeze(numbers);
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
