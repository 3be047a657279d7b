/**
 * What it looks like over HTTP when documents cannot be rebuilt one by one.
 *
 * @module
 */
import { KeyRebuildError, ProjectionApplyError } from "../mod.ts";
import type { ProblemInit } from "./problem.ts";

/**
 * The problem that an error of rebuilding documents stands for.
 *
 * @param error What was thrown.
 * @returns The problem, or `undefined` for any other error.
 */
export function keyProblemOf(error: unknown): ProblemInit | undefined {
  if (error instanceof KeyRebuildError) {
    const { projectionName, refusal } = error;
    return {
      kind: "documents-not-rebuilt",
      status: 409,
      title: "Documents cannot be rebuilt one by one",
      detail: error.message,
      extensions: { projectionName, refusal },
    };
  }
  if (error instanceof ProjectionApplyError) {
    const { projectionName, event: { position, type: eventType } } = error;
    return {
      kind: "projection-code-failed",
      status: 409,
      title: "Projection's code failed",
      // Not what it threw: that may hold data of the event.
      detail: `The code of projection "${projectionName}" fails on the event ` +
        `at position ${position}, which was applied before: mend the code`,
      extensions: { projectionName, position, eventType },
      isFault: true,
    };
  }
  return undefined;
}
