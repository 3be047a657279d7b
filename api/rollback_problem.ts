/**
 * What it looks like over HTTP when a projection cannot be rolled back.
 *
 * @module
 */
import type { ProjectionRollbackError } from "../mod.ts";
import type { ProblemInit } from "./problem.ts";

/**
 * The problem that a refused rollback stands for.
 *
 * @param error What was thrown.
 * @param operation Path of the operation that is in the way, or `null`.
 * @returns The problem.
 */
export function rollbackProblem(
  { projectionName, refusal, operationId, generation, message }:
    ProjectionRollbackError,
  operation: string | null,
): ProblemInit {
  if (refusal === "anotherGeneration") {
    return {
      kind: "generation-changed",
      status: 409,
      title: "Generation changed",
      detail: message,
      extensions: { projectionName, generation },
    };
  }
  if (refusal === "noPreviousGeneration") {
    return {
      kind: "no-previous-generation",
      status: 409,
      title: "No previous generation",
      detail: message,
      extensions: { projectionName },
    };
  }
  const isAwaiting = refusal === "awaitingPromotion";
  return {
    kind: isAwaiting ? "awaiting-promotion" : "rebuild-running",
    status: 409,
    title: isAwaiting ? "Build awaits promotion" : "Rebuild running",
    detail: message,
    extensions: {
      projectionName,
      ...operation === null ? {} : { operationId, operation },
    },
  };
}
