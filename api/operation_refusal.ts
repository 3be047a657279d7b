/**
 * What is answered to an order that an operation cannot take.
 *
 * @module
 */
import type { RebuildOperation } from "../mod.ts";
import { operationPath, type ProblemInit } from "./problem.ts";

const DONE = {
  cancel: "cancelled",
  pause: "paused",
  resume: "resumed",
  promote: "promoted",
};

/**
 * Why nothing was done to an operation.
 *
 * @param operation The operation, as it stands now.
 * @param action What was ordered.
 * @returns What to answer: who has it, or what became of it.
 */
export function refusedOrder(
  { state, result, resumedBy }: RebuildOperation,
  action: keyof typeof DONE,
): ProblemInit {
  const what = `The operation cannot be ${DONE[action]} as it`;
  if (resumedBy !== undefined) {
    const operation = operationPath(resumedBy);
    return {
      kind: "operation-ended",
      status: 409,
      title: "Operation ended",
      detail: `${what} was interrupted and continued by another one: ask that`,
      extensions: { state, resumedBy, operation },
      headers: { "Link": `<${operation}>; rel="related"` },
    };
  }
  if (result !== null || state === "interrupted") {
    return {
      kind: "operation-ended",
      status: 409,
      title: "Operation ended",
      detail: `${what} has ended: ${state}`,
      extensions: { state },
    };
  }
  return {
    kind: "operation-elsewhere",
    status: 409,
    title: "Operation elsewhere",
    detail:
      `${what} is one of another process, or of one that was ended: ask ` +
      "that process, or restart the server to have it continued",
    extensions: { state },
  };
}
