/**
 * Continuing operations that a crash or a shutdown interrupted.
 *
 * @module
 */
import type { Logger } from "../telemetry/logger.ts";
import type { BeginOptions } from "./build_tasks.ts";
import { findInterrupted, type InterruptedSearch } from "./interrupted.ts";
import type { ProjectionRebuildResult, RebuildOperation } from "./operation.ts";
import type { RunningOperation } from "./running_operation.ts";

/** Which to continue, and how. */
export interface ResumeOptions extends InterruptedSearch {
  readonly logger: Logger;
  /** Tells which of them are left to somebody else: they are only put down as interrupted. */
  readonly isLeft: (operation: RebuildOperation) => boolean;
  /** Begins the operation that continues one. */
  readonly begin: (
    names: readonly string[],
    options: BeginOptions,
  ) => Promise<{
    readonly operation: RunningOperation;
    readonly ended: Promise<ProjectionRebuildResult>;
  }>;
}

/**
 * Continues them.
 *
 * @param options Which, and how.
 * @returns Their results to wait for, but for those that end when an operator wants it.
 */
export async function resumeOperations(
  options: ResumeOptions,
): Promise<Promise<ProjectionRebuildResult>[]> {
  const { history, logger, isLeft, begin } = options;
  const resumed: Promise<ProjectionRebuildResult>[] = [];
  for (const { operation, names } of await findInterrupted(options)) {
    if (isLeft(operation)) {
      if (operation.state === "interrupted") continue;
      await history.save({ ...operation, state: "interrupted" });
      continue;
    }
    const { id, verify = false, promote = "automatic" } = operation;
    logger.log("info", "Resuming interrupted rebuild", {
      operationId: id,
      projections: names,
    });
    const begun = await begin(names, {
      trigger: "resume",
      resumes: id,
      verify,
      promote,
      promotedAt: operation.promotedAt ?? null,
    });
    const resumedBy = begun.operation.id;
    await history.save({ ...operation, state: "interrupted", resumedBy });
    if (promote === "automatic") resumed.push(begun.ended);
  }
  return resumed;
}
