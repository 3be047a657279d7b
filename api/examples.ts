/**
 * Worked values for the OpenAPI document: one rebuild of the course-management sample, seen from
 * every side.
 *
 * @module
 */
import type {
  DeadLetter,
  PlannedRebuild,
  ProjectionInfo,
  ProjectionLastRepair,
  ProjectionRebuildDetail,
  ProjectionRebuildResult,
  ProjectionRebuildStatus,
  RebuildOperation,
  RebuildPlan,
} from "../mod.ts";
import type { ProjectionDetails } from "./schemas.ts";

const OPERATION_ID = "0b5ad2f1c4e94a7f8d3b6c1e2a9f7d40";
const STARTED_AT = "2026-01-15T10:30:00.000Z";
const COMPLETED_AT = "2026-01-15T10:30:15.140Z";
const ESTIMATED_AT = "2026-01-15T10:35:00.000Z";

/** One projection, rebuilt. */
export const detailExample: ProjectionRebuildDetail = {
  projectionName: "CourseDetails",
  success: true,
  state: "succeeded",
  duration: 15_123.5,
  eventsProcessed: 1_120,
  eventsScanned: 1_523,
  documents: 84,
  checkpoint: 1_523,
  reason: "requested",
  errorMessage: null,
  error: null,
};

/** An operation's outcome. */
export const resultExample: ProjectionRebuildResult = {
  operationId: OPERATION_ID,
  state: "succeeded",
  totalRebuilt: 1,
  duration: 15_140.2,
  details: [detailExample],
  success: true,
  failedProjections: [],
  nothingToDo: false,
  startedAt: STARTED_AT,
  completedAt: COMPLETED_AT,
};

/** An operation under way. */
export const operationExample: RebuildOperation = {
  id: OPERATION_ID,
  state: "running",
  trigger: "api",
  projectionNames: ["CourseDetails"],
  generationsBefore: { CourseDetails: 6 },
  note: "After the fix of the enrolment count",
  requestedBy: "deployer",
  priority: null,
  concurrency: 4,
  pausedAt: null,
  resumes: null,
  startedAt: STARTED_AT,
  completedAt: null,
  progress: [{
    projectionName: "CourseDetails",
    phase: "scanning",
    position: 612,
    target: 1_523,
    eventsScanned: 612,
    eventsProcessed: 455,
    percent: 40.2,
    paused: false,
    stalled: false,
    runsIn: "worker",
    eventsPerSecond: 100.4,
    estimatedCompletionAt: ESTIMATED_AT,
  }],
  result: null,
};

/** The status while two projections are built and two wait. */
export const statusExample: ProjectionRebuildStatus = {
  isRebuilding: true,
  inProgressProjections: ["CourseDetails", "StudentDetails"],
  queuedProjections: ["CourseShortInfo", "StudentShortInfo"],
  startedAt: STARTED_AT,
  estimatedCompletionAt: ESTIMATED_AT,
  progress: operationExample.progress,
  operationIds: [OPERATION_ID],
  lastResult: null,
  throttle: { share: 1, reason: null, eventsPerSecondMax: null },
};

/** Checkpoints with one projection that was never built. */
export const checkpointsExample: Record<string, number> = {
  CourseDetails: 1_523,
  CourseShortInfo: 1_523,
  StudentDetails: 1_523,
  StudentShortInfo: 0,
};

/** A repair that found one document to mend. */
export const lastRepairExample: ProjectionLastRepair = {
  scope: "missingOrDamaged",
  outcome: "succeeded",
  startedAt: STARTED_AT,
  completedAt: COMPLETED_AT,
  keys: 1,
  keysChanged: 1,
  error: null,
};

/** A projection that serves. */
export const infoExample: ProjectionInfo = {
  name: "CourseDetails",
  state: "ready",
  generation: 7,
  previousGeneration: 6,
  rolledBackAt: null,
  version: 2,
  builtVersion: 2,
  fingerprint: "7f83b1657ff1fc53b92dc18148a1d65d",
  builtFingerprint: "7f83b1657ff1fc53b92dc18148a1d65d",
  checkpoint: 1_523,
  lag: 0,
  documents: 84,
  bytes: 126_976,
  builtAt: COMPLETED_AT,
  owner: { pid: 4711, since: COMPLETED_AT, isSelf: true },
  fault: null,
  errorPolicy: "stop",
  deadLetters: 0,
  build: null,
  repair: null,
  lastRepair: lastRepairExample,
  lastBuild: {
    operationId: OPERATION_ID,
    state: "succeeded",
    startedAt: STARTED_AT,
    completedAt: COMPLETED_AT,
    duration: 15_123.5,
    eventsProcessed: 1_120,
  },
  lastError: null,
};

/** The same projection with its generations. */
export const detailsExample: ProjectionDetails = {
  ...infoExample,
  generations: [
    {
      number: 6,
      role: "previous",
      version: 1,
      fingerprint: "9f2c41d07be8a3c5",
      checkpoint: 1_480,
      documents: 82,
      bytes: 122_880,
      builtAt: STARTED_AT,
    },
    {
      number: 7,
      role: "current",
      version: 2,
      fingerprint: "03be5f7714aa90d2",
      checkpoint: 1_523,
      documents: 84,
      bytes: 126_976,
      builtAt: COMPLETED_AT,
    },
  ],
};

/** An event that was passed over for one document. */
export const deadLetterExample: DeadLetter = {
  position: 1_207,
  eventType: "StudentEnrolledToCourse",
  key: "7d0d5c1e-6f0b-4a55-9d7b-2f6d0f3b9a10",
  reason: "failed",
  message: "Cannot read properties of undefined (reading 'seats')",
  at: COMPLETED_AT,
};

/** A projection whose definition changed. */
export const plannedExample: PlannedRebuild = {
  projectionName: "CourseDetails",
  reason: "versionChanged",
  rebuild: true,
  events: 1_523,
  checkpoint: 1_523,
};

/** What rebuilding it would take. */
export const planExample: RebuildPlan = {
  projections: [plannedExample],
  events: 1_523,
  estimatedDuration: 15_123,
  estimatedBytes: 126_976,
  freeBytes: 52_428_800_000,
};
