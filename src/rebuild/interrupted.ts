/**
 * Operations that a crash or a shutdown interrupted.
 *
 * @module
 */
import type { ProjectionStore } from "../projections/projection_store.ts";
import type { ProjectionRegistry } from "../projections/registry.ts";
import type { RebuildOperation } from "./operation.ts";
import type { OperationStore } from "./operation_store.ts";

/** Where to look. */
export interface InterruptedSearch {
  /** The operations so far. */
  readonly history: OperationStore;
  /** Knows which builds are alive. */
  readonly store: ProjectionStore;
  /** Which projections there still are. */
  readonly registry: ProjectionRegistry;
  /** Whether an operation runs in this process. */
  readonly isRunning: (id: string) => boolean;
}

/** An operation to continue. */
export interface InterruptedOperation {
  /** As it was written down last. */
  readonly operation: RebuildOperation;
  /** Its projections that are not rebuilt yet. */
  readonly names: readonly string[];
}

/** Of the newest so many operations. */
const HISTORY_LIMIT = 1_000;

/**
 * Finds operations that ended neither well nor badly, that nobody continued, and that no process
 * is working on.
 *
 * @param search Where to look.
 * @returns The operations, the newest first.
 */
export function findInterrupted(
  search: InterruptedSearch,
): InterruptedOperation[] {
  const { history, store, registry, isRunning } = search;
  const found: InterruptedOperation[] = [];
  for (const operation of history.list(HISTORY_LIMIT)) {
    const isOpen = ["queued", "running", "paused", "interrupted"].includes(
      operation.state,
    );
    if (!isOpen || operation.resumedBy || isRunning(operation.id)) continue;
    const succeeded = new Set(
      operation.result?.details.filter(({ success }) => success)
        .map(({ projectionName }) => projectionName),
    );
    const names = operation.projectionNames.filter((name) =>
      registry.names.includes(name) && !succeeded.has(name)
    );
    if (!names.some((name) => isBeingBuilt(store, name))) {
      found.push({ operation, names });
    }
  }
  return found;
}

/** Whoever holds a build lock is alive: the operation is not interrupted. */
function isBeingBuilt(store: ProjectionStore, name: string): boolean {
  const lock = store.tryLockBuild(name);
  lock?.[Symbol.dispose]();
  return lock === undefined;
}
