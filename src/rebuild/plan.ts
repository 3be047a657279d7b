/**
 * The plan: which projections to rebuild, and why.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { ProjectionStore } from "../projections/projection_store.ts";
import type { ProjectionInfo } from "../projections/projections.ts";
import { isFileTrouble } from "./errors.ts";
import type { PlannedRebuild, RebuildReason } from "./operation.ts";
import { type RebuildAllOptions, RebuildConflictError } from "./rebuilder.ts";

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
  /** Whether nobody asks, but a start or a schedule. */
  readonly automatic: boolean;
  /** Whether a build waits, or is to wait, to be promoted. */
  readonly awaiting: boolean;
}

/**
 * What to do with one projection.
 *
 * @param input How it stands and what was asked for.
 * @returns The plan for it, frozen.
 */
export function planRebuild(
  input: PlanInput,
): PlannedRebuild {
  const { info, head, interrupted, insist } = input;
  const needed = reasonToRebuild(info, head, interrupted);
  const wanted = needed ?? insist;
  const held = wanted && reasonToHold(input, wanted);
  const rebuild = wanted !== undefined && held === undefined;
  return Object.freeze({
    projectionName: info.name,
    reason: held ?? wanted ?? "upToDate",
    rebuild,
    events: rebuild ? head : 0,
    checkpoint: info.checkpoint,
  });
}

/** What an operator decided is undone by operators alone. */
function reasonToHold(
  { info, insist, automatic, awaiting }: PlanInput,
  wanted: RebuildReason,
): RebuildReason | undefined {
  if (insist !== undefined && !automatic) return undefined;
  if (awaiting) return "awaitingPromotion";
  // Where nothing can be read, there is no decision left to be undone; and an interrupted build was
  // begun after it.
  const isServed = !["absent", "damaged", "interrupted"].includes(wanted);
  return info.rolledBackAt !== null && isServed ? "rolledBack" : undefined;
}

/**
 * What to do with a projection of which cannot be told how it stands: its files are another
 * user's, or none. The others are planned all the same, and its rebuild says what is wrong.
 *
 * @param projectionName The projection.
 * @param head Position of the last event.
 * @param error Why it cannot be told; thrown again when it does not lie in the projection's files.
 * @returns The plan for it, frozen.
 */
export function planUnusable(
  projectionName: string,
  head: Position,
  error: unknown,
): PlannedRebuild {
  if (!isFileTrouble(error)) throw error;
  return Object.freeze({
    projectionName,
    reason: "damaged",
    rebuild: true,
    events: head,
    checkpoint: 0,
  });
}

/**
 * Takes the lock that a projection is built under.
 *
 * @param store Where.
 * @param projectionName The projection.
 * @param operationId What it is taken for.
 * @returns The lock, or why it cannot be had.
 */
export function lockBuild(
  store: ProjectionStore,
  projectionName: string,
  operationId: string,
): Disposable | Error {
  try {
    return store.tryLockBuild(projectionName, operationId) ??
      new RebuildConflictError(
        projectionName,
        store.operationBuilding(projectionName),
      );
  } catch (error) {
    if (!isFileTrouble(error)) throw error;
    return error;
  }
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

/**
 * Whether a projection is not up to date, and is left alone all the same.
 *
 * @param planned What the plan says of it.
 * @returns Whether it is held back.
 */
export function isHeldBack({ rebuild, reason }: PlannedRebuild): boolean {
  return !rebuild && reason !== "upToDate";
}

/** What to rebuild of what needs it. */
export interface DueOptions extends RebuildAllOptions {
  /** Leaves alone what is stale. @default {false} */
  readonly onlyMissing?: boolean;
}

/** Reasons of what serves documents, if not those that it should. */
const STALE_REASONS: readonly RebuildReason[] = [
  "versionChanged",
  "fingerprintChanged",
  "ahead",
];

/**
 * Whether a projection is to be rebuilt that can be read meanwhile, as it was before its definition
 * changed or another log was put in its place.
 *
 * @param plan What is planned for it.
 */
export function servesOldDocuments({ reason }: PlannedRebuild): boolean {
  return STALE_REASONS.includes(reason);
}
