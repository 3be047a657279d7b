/**
 * Going back to the generation that served before, between live updates and rebuilds.
 *
 * @module
 */
import { fileErrorCode } from "../log/errors.ts";
import { ProjectionRollbackError } from "../projections/errors.ts";
import type { LiveUpdater } from "../projections/live_updater.ts";
import type { ProjectionStore } from "../projections/projection_store.ts";
import type { ProjectionRegistry } from "../projections/registry.ts";
import type { Logger } from "../telemetry/logger.ts";
import { openedReadOnly, RebuildNotStartedError } from "./errors.ts";

/** Where to go back. */
export interface RollBackProjectionOptions {
  readonly registry: ProjectionRegistry;
  readonly store: ProjectionStore;
  readonly live: LiveUpdater;
  readonly logger: Logger;
  /** Whether nothing may be written. */
  readonly readOnly?: boolean | undefined;
}

/** From where to go back. */
export interface RollbackOptions {
  /**
   * Goes back only while this generation serves, so that two who saw the same do not undo each
   * other's rollback: its number, from 1. @default {whichever serves}
   */
  readonly from?: number;
}

/**
 * Rolls a projection back: see `Rebuilder.rollback`.
 *
 * @param options Where.
 * @param name The projection.
 * @param how From where.
 */
export async function rollBackProjection(
  { registry, store, live, logger, readOnly }: RollBackProjectionOptions,
  name: string,
  { from }: RollbackOptions,
): Promise<void> {
  registry.get(name);
  if (from !== undefined && !(Number.isSafeInteger(from) && from >= 1)) {
    throw new RangeError(
      `Cannot roll back as 'from' must be the number of a generation: current value is ${from}`,
    );
  }
  if (readOnly) throw openedReadOnly("roll back the projection");
  // Whoever swaps in what is built now would take back what is decided here.
  using building = store.tryLockBuild(name);
  if (!building) throw await inTheWay(store, name);
  using _lock = await store.lockLive(name);
  const before = await store.numbers(name);
  if (from !== undefined && before.current !== from) {
    throw new ProjectionRollbackError(
      name,
      "anotherGeneration",
      `generation ${before.current ?? "none"} serves, not ${from}: look again`,
      { generation: before.current },
    );
  }
  try {
    await store.rollBack(live.identity(name));
  } catch (cause) {
    const code = fileErrorCode(cause);
    const now = await store.numbers(name).catch(() => undefined);
    const isAsBefore = now?.current === before.current;
    if (code === undefined || !isAsBefore) throw cause;
    throw new RebuildNotStartedError(code, { cause });
  } finally {
    // Also after a sync that failed: readers may see the other one already.
    live.swapped(name);
  }
  const { current, rolledBack } = await store.numbers(name);
  logger.log("warn", "Projection serves its previous generation again", {
    projection: name,
    generation: current,
    generationBefore: before.current,
    isHeldBack: rolledBack !== null,
  });
}

/** Why nobody else may decide what serves: something is built, or waits for an operator. */
async function inTheWay(
  store: ProjectionStore,
  name: string,
): Promise<ProjectionRollbackError> {
  const operationId = store.operationBuilding(name);
  // It is only to tell more: what cannot be read tells nothing.
  const generations = await store.generations(name).catch(() => []);
  const isAwaiting = generations.some(({ role }) =>
    role === "awaitingPromotion"
  );
  if (!isAwaiting) {
    return new ProjectionRollbackError(
      name,
      "rebuilding",
      "it is being rebuilt",
      { operationId },
    );
  }
  const which = operationId === null
    ? "the operation that built it"
    : `operation ${operationId}`;
  return new ProjectionRollbackError(
    name,
    "awaitingPromotion",
    `a new build of it waits to be promoted: promote or cancel ${which} first`,
    { operationId },
  );
}
