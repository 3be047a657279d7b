/**
 * Opossum: an embedded event store in a folder of text files, with projections (read models) that
 * can be rebuilt at any moment.
 *
 * @module
 */

// src/opossum.ts and src/options.ts
export { type AppendHealth, openOpossum, type Opossum } from "./src/opossum.ts";
export type { OpossumOptions, ResolvedOptions } from "./src/options.ts";

// src/events/
export {
  type AppendCondition,
  AppendConditionError,
} from "./src/events/append_condition.ts";
export { type Clock, systemClock } from "./src/events/clock.ts";
export {
  composeDecisionModels,
  decide,
  type DecideOptions,
  type DecideResult,
  type DecisionModel,
} from "./src/events/decision_model.ts";
export type {
  DomainEvent,
  EventInput,
  Position,
  StoredEvent,
  Tag,
} from "./src/events/event.ts";
export type {
  AppendOptions,
  AppendResult,
  EventBatch,
  EventStore,
  ReadBatchesOptions,
  ReadOptions,
} from "./src/events/event_store.ts";
export {
  matchesQuery,
  type Query,
  type QueryItem,
} from "./src/events/query.ts";

// src/projections/
export {
  type ApplyContext,
  type Checkpoint,
  defineProjection,
  type ErrorPolicy,
  isProjectionName,
  type ProjectionDefinition,
  type ProjectionDocument,
  type RelatedEvents,
} from "./src/projections/definition.ts";
export type {
  ProjectionBuildInfo,
  ProjectionLastBuild,
  ProjectionLastError,
  ProjectionLastRepair,
  ProjectionRebuildProgress,
  ProjectionRepairProgress,
  RebuildPhase,
  RepairPhase,
} from "./src/projections/build_info.ts";
export {
  ProjectionApplyError,
  ProjectionDamagedError,
  ProjectionNotBuiltError,
  ProjectionRollbackError,
  ProjectionsClosedError,
  ProjectionSkipError,
  ProjectionUnavailableError,
  type RollbackRefusal,
  type SkipRefusal,
  SuspectedEventError,
  UnknownProjectionError,
} from "./src/projections/errors.ts";
export type {
  DeadLetter,
  DocumentPage,
  GenerationRole,
  PageOptions,
  ProjectionFault,
  ProjectionGeneration,
  ProjectionInfo,
  ProjectionOwner,
  Projections,
  ProjectionState,
  WaitOptions,
} from "./src/projections/projections.ts";

// src/rebuild/
export type {
  ComparisonSample,
  OperationState,
  PlannedRebuild,
  ProjectionRebuildDetail,
  ProjectionRebuildResult,
  ProjectionRebuildStatus,
  RebuildComparison,
  RebuildFailure,
  RebuildOperation,
  RebuildPlan,
  RebuildPromotion,
  RebuildReason,
  RebuildThrottleStatus,
  RebuildTrigger,
} from "./src/rebuild/operation.ts";
export {
  type ListOperationsOptions,
  PromotionRefusedError,
  type RebuildAllOptions,
  RebuildConflictError,
  type Rebuilder,
  RebuilderClosedError,
  type RebuildOptions,
  type StartOptions,
} from "./src/rebuild/rebuilder.ts";
export {
  type DocumentRebuilds,
  KeyRebuildError,
  type KeyRebuildRefusal,
  type RebuildKeysOptions,
  type RebuiltKey,
  type RebuiltKeys,
  type RepairOutcome,
} from "./src/rebuild/rebuilt_keys.ts";
export type { GoodNeighbourOptions } from "./src/rebuild/good_neighbour.ts";
export {
  IdempotencyKeyError,
  InsufficientDiskSpaceError,
  OperationNotRecordedError,
  RebuildQueueFullError,
  UnknownOperationError,
} from "./src/rebuild/refusals.ts";
export { RebuildNotStartedError } from "./src/rebuild/errors.ts";
export type { RollbackOptions } from "./src/rebuild/roll_back_projection.ts";

// src/audit/
export {
  type AuditEntry,
  type AuditListOptions,
  type AuditLog,
  type AuditPage,
  type AuditRecord,
  type AuditResult,
  AuditUnavailableError,
} from "./src/audit/audit_log.ts";

// src/daemon/
export type { Daemon, DaemonState } from "./src/daemon/daemon.ts";
export {
  type ScrubbedProjection,
  type ScrubOptions,
  type ScrubProgress,
  type ScrubReport,
  ScrubRunningError,
} from "./src/daemon/scrub.ts";
export type { ScrubbedGenerations } from "./src/projections/generation_scrub.ts";
export type {
  GivenSchedule,
  RebuildWindow,
  RebuildWindowStatus,
} from "./src/daemon/rebuild_window.ts";

// src/telemetry/
export {
  combineLoggers,
  createJsonLogger,
  isLevelWanted,
  type JsonLoggerOptions,
  LOG_LEVELS,
  type LogAttributes,
  type Logger,
  type LogLevel,
  parseLogLevel,
  silentLogger,
} from "./src/telemetry/logger.ts";
export {
  LOG_FIELDS,
  type LogField,
  type LogFieldDefinition,
} from "./src/telemetry/log_fields.ts";
export {
  createOtelLogger,
  type OtelLoggerOptions,
  toOtelAttributes,
} from "./src/telemetry/otel_logger.ts";

// src/log/
export {
  AppendFailedError,
  AppendOutcomeUnknownError,
  LogCorruptionError,
  type LogDamage,
  LogReadError,
  OpenedReadOnlyError,
  StoreClosedError,
  StoreFormatError,
  StoreOpenError,
  StoreReadOnlyError,
} from "./src/log/errors.ts";
export type { VerifyProblem, VerifyReport } from "./src/log/verify.ts";

// src/storage/
export { LockTimeoutError } from "./src/storage/file_lock.ts";
export { NetworkFileSystemError } from "./src/storage/network_file_system.ts";
