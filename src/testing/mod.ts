/**
 * For the tests of applications and of backends: a check that projections are deterministic, an
 * event store in memory, a clock that a test moves, and a disk that fails when told.
 *
 * @module
 */
export {
  assertDeterministic,
  checkDeterminism,
  type DeterminismOptions,
} from "./determinism/check.ts";
export {
  type DefinitionMethod,
  describeDeterminism,
  type DeterminismDifference,
  DeterminismError,
  type DeterminismOutcome,
  type DeterminismProblem,
  type DeterminismProblemKind,
  type DeterminismReport,
  type ProjectionDeterminism,
} from "./determinism/report.ts";
export { FakeClock } from "./fake_clock.ts";
export {
  type Fault,
  FaultyFileSystem,
  type FileOperation,
  type FileOperationKind,
} from "./faulty_file_system.ts";
export type {
  Database,
  FileHandle,
  FileStat,
  FileSystem,
  OpenFileOptions,
} from "../storage/file_system.ts";
export {
  MemoryEventStore,
  type MemoryEventStoreOptions,
} from "./memory_event_store.ts";
