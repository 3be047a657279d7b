/**
 * The plan: which projections to rebuild, and why. Pure functions of how they stand.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { ProjectionInfo } from "../projections/projections.ts";
import type { PlannedRebuild, RebuildReason } from "./operation.ts";

/** What the plan is made from. */
export interface PlanInput {
  /** How the projection stands. */
  readonly info: ProjectionInfo;
  /** Position of the last event. */
  readonly head: Position;
  /** Whether an interrupted build of the registered definition can be continued. */
  readonly interrupted: boolean;
  /** Rebuild whether it needs it or not, for this reason. */
  readonly insist: "forced" | "requested" | undefined;
}

/**
 * What to do with one projection.
 *
 * @param input How it stands and what was asked for.
 * @returns The plan for it, frozen.
 */
export function planRebuild(
  { info, head, interrupted, insist }: PlanInput,
): PlannedRebuild {
  const needed = reasonToRebuild(info, head, interrupted);
  const reason = needed ?? insist ?? "upToDate";
  return Object.freeze({
    projectionName: info.name,
    reason,
    rebuild: reason !== "upToDate",
    events: reason === "upToDate" ? 0 : head,
    checkpoint: info.checkpoint,
  });
}

function reasonToRebuild(
  { state, version, builtVersion, checkpoint }: ProjectionInfo,
  head: Position,
  interrupted: boolean,
): RebuildReason | undefined {
  if (interrupted) return "interrupted";
  switch (state) {
    case "absent":
    case "damaged":
    case "faulted":
      return state;
    case "building":
      return "absent";
    case "stale":
      if (checkpoint > head) return "ahead";
      return builtVersion === version ? "fingerprintChanged" : "versionChanged";
    case "ready":
      return undefined;
  }
}
