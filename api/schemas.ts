/**
 * The shapes of what the admin API takes and gives, for validation and for the OpenAPI document.
 * Each is typed by the library's own interface, so that the two cannot drift apart.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import {
  type DeadLetter,
  isProjectionName,
  type OperationState,
  type PlannedRebuild,
  type ProjectionFault,
  type ProjectionGeneration,
  type ProjectionInfo,
  type ProjectionLastBuild,
  type ProjectionLastError,
  type ProjectionOwner,
  type ProjectionRebuildDetail,
  type ProjectionRebuildProgress,
  type ProjectionRebuildResult,
  type ProjectionRebuildStatus,
  type RebuildFailure,
  type RebuildOperation,
  type RebuildPlan,
} from "../mod.ts";
import { Comparison, Generation } from "./generation_schemas.ts";
import { LastRepair, Repair } from "./repair_schemas.ts";

const Count = z.int().nonnegative();
const Milliseconds = z.number().nonnegative();
const Time = z.iso.datetime();

/** The name of a projection, in a path or a body. */
export const ProjectionName: z.ZodType<string, string> = z.string()
  .refine(isProjectionName, {
    error:
      'must be a letter followed by at most 127 letters, digits, "_" or "-"',
  })
  .openapi({
    pattern: "^[A-Za-z][A-Za-z0-9_-]{0,127}$",
    example: "CourseDetails",
  });

/** The id of a rebuild operation. */
export const OperationId: z.ZodType<string, string> = z.string()
  .regex(/^[0-9a-f]{32}$/)
  .openapi({ example: "0b5ad2f1c4e94a7f8d3b6c1e2a9f7d40" });

const Phase = z.enum([
  "queued",
  "scanning",
  "catchingUp",
  "awaitingPromotion",
  "swapping",
  "succeeded",
  "failed",
  "cancelled",
  "interrupted",
]).openapi("RebuildPhase");

/** Where an operation stands. */
export const State: z.ZodType<OperationState, OperationState> = z.enum([
  "queued",
  "running",
  "paused",
  "succeeded",
  "failed",
  "cancelled",
  "interrupted",
]).openapi("OperationState");

const Reason = z.enum([
  "absent",
  "versionChanged",
  "fingerprintChanged",
  "damaged",
  "ahead",
  "faulted",
  "interrupted",
  "forced",
  "requested",
  "rolledBack",
  "awaitingPromotion",
  "upToDate",
]).openapi("RebuildReason");

const Trigger = z.enum([
  "api",
  "code",
  "cli",
  "startup",
  "resume",
  "schedule",
  "damage",
]).openapi("RebuildTrigger");

const Failure: z.ZodType<RebuildFailure> = z.object({
  name: z.string().openapi({ example: "ProjectionApplyError" }),
  message: z.string(),
  position: Count.nullable(),
  eventType: z.string().nullable(),
}).openapi("RebuildFailure");

const detailFields = {
  projectionName: z.string().openapi({ example: "CourseDetails" }),
  success: z.boolean(),
  state: Phase,
  duration: Milliseconds.openapi({
    description: "Milliseconds from start to end, without queueing",
    example: 15_123.5,
  }),
  eventsProcessed: Count.openapi({
    description: "Events applied: a count, not a position",
    example: 1_523,
  }),
  eventsScanned: Count,
  documents: Count,
  checkpoint: Count,
  reason: Reason,
  errorMessage: z.string().nullable(),
  error: Failure.nullable(),
  comparison: Comparison.nullable().exactOptional(),
};

/** Outcome of one projection's rebuild. */
export const RebuildDetail: z.ZodType<ProjectionRebuildDetail> = z.object(
  detailFields,
).openapi("ProjectionRebuildDetail");

/** Outcome of an operation. */
export const RebuildResult: z.ZodType<ProjectionRebuildResult> = z.object({
  operationId: z.string(),
  state: State,
  totalRebuilt: Count.openapi({ example: 4 }),
  duration: Milliseconds.openapi({
    description: "Milliseconds from the request to the end",
    example: 15_140.2,
  }),
  details: z.array(RebuildDetail),
  success: z.boolean(),
  failedProjections: z.array(z.string()),
  nothingToDo: z.boolean(),
  startedAt: Time,
  completedAt: Time,
}).openapi("ProjectionRebuildResult");

/** What a successful rebuild of one projection answers. */
export interface SingleRebuildResult extends ProjectionRebuildDetail {
  /** `"Rebuilt"`, whatever else the detail says. */
  readonly status: "Rebuilt";
  /** The operation that rebuilt it. */
  readonly operationId: string;
}

/** What a successful rebuild of one projection answers. */
export const SingleRebuild: z.ZodType<SingleRebuildResult> = z.object({
  ...detailFields,
  status: z.literal("Rebuilt"),
  operationId: z.string(),
}).openapi("SingleRebuildResult");

const Progress: z.ZodType<ProjectionRebuildProgress> = z.object({
  projectionName: z.string().openapi({ example: "CourseDetails" }),
  phase: Phase,
  position: Count,
  target: Count,
  eventsScanned: Count,
  eventsProcessed: Count,
  percent: z.number().min(0).max(100),
  paused: z.boolean(),
  stalled: z.boolean().openapi({
    description: "Nothing has moved for 10 seconds though it is not paused",
  }),
  runsIn: z.enum(["worker", "process"]).nullable(),
  eventsPerSecond: z.number().nonnegative().nullable(),
  estimatedCompletionAt: Time.nullable(),
  comparison: Comparison.nullable().exactOptional(),
}).openapi("ProjectionRebuildProgress");

/** A rebuild operation, running or ended. */
export const Operation: z.ZodType<RebuildOperation> = z.object({
  id: z.string(),
  state: State,
  trigger: Trigger,
  projectionNames: z.array(z.string()),
  generationsBefore: z.record(z.string(), Count).exactOptional(),
  verify: z.boolean().exactOptional(),
  promote: z.enum(["automatic", "manual"]).exactOptional(),
  promotedAt: Time.nullable().exactOptional(),
  note: z.string().nullable(),
  requestedBy: z.string().nullable().openapi({
    description: "Id of whoever asked; null when that is not known",
  }),
  priority: z.int().min(-100).max(100).nullable(),
  concurrency: z.int().positive(),
  pausedAt: Time.nullable().openapi({
    description: "When it was ordered to wait; outlasts restarts",
  }),
  resumes: z.string().nullable(),
  resumedBy: z.string().exactOptional().openapi({
    description: "The operation that continued it after an interruption",
  }),
  startedAt: Time,
  completedAt: Time.nullable(),
  progress: z.array(Progress),
  result: RebuildResult.nullable(),
}).openapi("RebuildOperation");

/** What is being rebuilt right now. */
export const RebuildStatus: z.ZodType<ProjectionRebuildStatus> = z.object({
  isRebuilding: z.boolean(),
  inProgressProjections: z.array(z.string()),
  queuedProjections: z.array(z.string()),
  startedAt: Time.nullable(),
  estimatedCompletionAt: Time.nullable(),
  progress: z.array(Progress),
  operationIds: z.array(z.string()),
  lastResult: RebuildResult.nullable(),
  throttle: z.object({
    share: z.number().positive().max(1).openapi({
      description: "Share of the time that each pass over the log works",
    }),
    reason: z.enum(["eventLoop", "appends"]).nullable(),
    eventsPerSecondMax: z.number().positive().nullable(),
  }),
}).openapi("ProjectionRebuildStatus");

/** Positions by the name of the projection. */
export const Checkpoints: z.ZodType<Record<string, number>> = z.record(
  z.string(),
  Count,
).openapi("ProjectionCheckpoints");

const Fault: z.ZodType<ProjectionFault> = z.object({
  position: Count,
  eventType: z.string(),
  message: z.string(),
  at: Time,
  attempts: Count,
  retryAt: Time.nullable().openapi({
    description:
      "When it is tried again; null if only when it is asked for, as its code is suspected to " +
      "have ended a process",
  }),
}).openapi("ProjectionFault");

const Owner: z.ZodType<ProjectionOwner> = z.object({
  pid: Count.nullable(),
  since: Time.nullable(),
  isSelf: z.boolean(),
}).openapi("ProjectionOwner");
/** An event that a projection passed over. */
export const Letter: z.ZodType<DeadLetter> = z.object({
  position: Count,
  eventType: z.string(),
  key: z.string().nullable().openapi({
    description: "The document that it was passed over for; null for all",
  }),
  reason: z.enum(["failed", "ordered"]),
  message: z.string(),
  at: Time,
}).openapi("DeadLetter");

const LastBuild: z.ZodType<ProjectionLastBuild> = z.object({
  operationId: z.string(),
  state: Phase,
  startedAt: Time,
  completedAt: Time,
  duration: Milliseconds,
  eventsProcessed: Count,
}).openapi("ProjectionLastBuild");

const LastError: z.ZodType<ProjectionLastError> = z.object({
  message: z.string(),
  position: Count.nullable(),
  eventType: z.string().nullable(),
  at: Time,
}).openapi("ProjectionLastError");

const infoFields = {
  name: z.string().openapi({ example: "CourseDetails" }),
  state: z.enum([
    "absent",
    "building",
    "ready",
    "stale",
    "faulted",
    "damaged",
  ]),
  generation: Count.nullable(),
  previousGeneration: Count.nullable(),
  rolledBackAt: Time.nullable().openapi({
    description:
      "When an operator went back to an older generation; until the definition " +
      "changes it is rebuilt only by name or with forceAll",
  }),
  version: Count,
  builtVersion: Count.nullable(),
  fingerprint: z.string().openapi({
    description: "Of the definition that is registered",
  }),
  builtFingerprint: z.string().nullable().openapi({
    description:
      "Of the definition that the documents were made by; another version or fingerprint: stale",
  }),
  checkpoint: Count,
  lag: Count,
  documents: Count,
  bytes: Count,
  builtAt: Time.nullable(),
  fault: Fault.nullable(),
  owner: Owner.nullable(),
  errorPolicy: z.enum(["stop", "skip", "quarantine"]),
  deadLetters: Count.openapi({
    description: "Events passed over, once for each document",
  }),
  build: Progress.nullable().openapi({ description: "The build under way" }),
  repair: Repair.nullable().openapi({
    description: "The repair under way in the server's process",
  }),
  lastRepair: LastRepair.nullable().openapi({
    description: "What came of the last repair of the server's process",
  }),
  lastBuild: LastBuild.nullable(),
  lastError: LastError.nullable().openapi({
    description: "The last that went wrong, also if it goes well since",
  }),
};

/** How one projection stands. */
export const Info: z.ZodType<ProjectionInfo> = z.object(infoFields)
  .openapi("ProjectionInfo");

/** How one projection stands, with its generations. */
export interface ProjectionDetails extends ProjectionInfo {
  /** Those that can be read, the oldest first. */
  readonly generations: ProjectionGeneration[];
}

/** How one projection stands, with its generations. */
export const Details: z.ZodType<ProjectionDetails> = z.object({
  ...infoFields,
  generations: z.array(Generation),
}).openapi("ProjectionDetails");

/** What a rebuild would do to one projection. */
export const Planned: z.ZodType<PlannedRebuild> = z.object({
  projectionName: z.string(),
  reason: Reason,
  rebuild: z.boolean(),
  events: Count,
  checkpoint: Count,
}).openapi("PlannedRebuild");

/** What a rebuild would do, and what it would take. */
export const Plan: z.ZodType<RebuildPlan> = z.object({
  projections: z.array(Planned),
  events: Count.openapi({
    description: "Events to be looked at, once for each projection",
  }),
  estimatedDuration: Milliseconds.nullable().openapi({
    description:
      "Milliseconds; null until a rebuild of about that many events was measured",
  }),
  estimatedBytes: Count.openapi({
    description:
      "Bytes on the disk beside what serves meanwhile, without temporary files",
  }),
  freeBytes: Count.nullable().openapi({
    description: "Bytes free on the disk; null where that cannot be told",
  }),
}).openapi("RebuildPlan");

/** A query string without parameters: unknown ones are refused. */
export const NoQuery = z.strictObject({});
