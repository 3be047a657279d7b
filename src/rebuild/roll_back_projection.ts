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

/**
 * Rolls a projection back: see `Rebuilder.rollback`.
 *
 * @param options Where.
 * @param name The projection.
 */
export async function rollBackProjection(
  { registry, store, live, logger, readOnly }: RollBackProjectionOptions,
  name: string,
): Promise<void> {
  registry.get(name);
  if (readOnly) throw openedReadOnly("roll back the projection");
  // Whoever swaps in what is built now would take back what is decided here.
  using building = store.tryLockBuild(name);
  if (!building) {
    throw new ProjectionRollbackError(
      name,
      "rebuilding",
      "it is being rebuilt",
      { operationId: store.operationBuilding(name) },
    );
  }
  using _lock = await store.lockLive(name);
  const before = await store.numbers(name);
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
