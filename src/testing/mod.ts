/**
 * Fakes for the tests of applications and of backends: an event store in memory, a clock that a
 * test moves, and a disk that fails when told.
 *
 * @module
 */
export { FakeClock } from "./fake_clock.ts";
export {
  type Fault,
  FaultyFileSystem,
  type FileOperation,
  type FileOperationKind,
} from "./faulty_file_system.ts";
export type {
  FileHandle,
  FileStat,
  FileSystem,
  OpenFileOptions,
} from "../storage/file_system.ts";
export {
  MemoryEventStore,
  type MemoryEventStoreOptions,
} from "./memory_event_store.ts";
