/**
 * Puts projections, rebuilder and daemon together over an event store, whichever that is.
 *
 * @module
 */
import { join } from "node:path";
import { OpossumDaemon } from "./daemon/opossum_daemon.ts";
import { Scrubber } from "./daemon/scrubber.ts";
import { Watchdog } from "./daemon/watchdog.ts";
import type { EventStore } from "./events/event_store.ts";
import type { VerifyStoreOptions } from "./log/file_event_store.ts";
import type { VerifyReport } from "./log/verify.ts";
import type { ResolvedOptions } from "./options.ts";
import type { ProjectionDefinition } from "./projections/definition.ts";
import { DocumentReader } from "./projections/document_reader.ts";
import { EventOrderStore } from "./projections/event_orders.ts";
import { EventSpill } from "./projections/event_spill.ts";
import { LiveUpdater } from "./projections/live_updater.ts";
import { ProjectionGauges } from "./projections/projection_gauges.ts";
import { ProjectionRegistry } from "./projections/registry.ts";
import { SqliteProjectionStore } from "./projections/sqlite_projection_store.ts";
import { OperationStore } from "./rebuild/operation_store.ts";
import { OpossumRebuilder } from "./rebuild/opossum_rebuilder.ts";
import { ScanWorkers } from "./rebuild/scan_workers.ts";
import { type RebuildThrottle, throttleOf } from "./rebuild/throttle.ts";
import type { FileSystem } from "./storage/file_system.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";

/** What is put together. */
export interface AssemblyInput {
  /** The options in force. */
  readonly options: ResolvedOptions;
  /** The projections. */
  readonly definitions: readonly ProjectionDefinition[];
  /** The log. */
  readonly events: EventStore;
  /** Tells this log from any other. */
  readonly storeId: string;
  /** For every file but the databases. */
  readonly fileSystem: FileSystem;
  /** Spans and metrics. */
  readonly telemetry: Telemetry;
  /** Whether the log is on files in the data folder, which workers can read by themselves. */
  readonly logOnFiles?: boolean;
  /** Verifies the log for scrubs. @default {finds nothing: a log that is not on files} */
  readonly verify?: (options: VerifyStoreOptions) => Promise<VerifyReport>;
  /** Says how fast rebuilds may go, and knows of appends. @default {what the options say} */
  readonly throttle?: RebuildThrottle;
}

/** The pieces, connected. Disposing stops and closes them, in order. */
export interface Assembly extends AsyncDisposable {
  readonly projections: DocumentReader;
  readonly rebuilder: OpossumRebuilder;
  readonly daemon: OpossumDaemon;
  readonly scrubber: Scrubber;
}

/**
 * Connects the pieces; starts nothing.
 *
 * @param input What is put together.
 * @returns The pieces.
 */
export function assemble(input: AssemblyInput): Assembly {
  const { options, definitions, events, storeId, fileSystem, telemetry } =
    input;
  const { throttle = throttleOf(options) } = input;
  const { path, clock, logger, batchSize, readOnly } = options;
  const registry = new ProjectionRegistry(definitions);
  const directory = join(path, "projections");
  const store = new SqliteProjectionStore({
    directory,
    fileSystem,
    clock,
    readOnly,
  });
  const watchdog = watchdogOf(input, registry);
  const live = new LiveUpdater({
    registry,
    store,
    storeId,
    clock,
    logger,
    telemetry,
    watch: watchdog?.watch({ canEnd: true }),
    orders: new EventOrderStore({ directory, fileSystem, clock }),
  });
  const projections = new DocumentReader({ registry, store, events, live });
  const shared = {
    registry,
    store,
    events,
    live,
    clock,
    logger,
    telemetry,
    batchSize,
  };
  const rebuilder = new OpossumRebuilder({
    ...shared,
    projections,
    history: new OperationStore(
      fileSystem,
      join(path, "operations"),
      logger,
      readOnly,
    ),
    readOnly,
    workers: workersOf(input, throttle, watchdog),
    openSpill: (name) =>
      new EventSpill({
        fileSystem,
        path: join(directory, name, `${crypto.randomUUID()}.spill.tmp`),
      }),
    concurrency: options.maxConcurrentRebuilds,
    queueMax: options.rebuildQueueMax,
    disk: {
      freeBytes: () => fileSystem.freeBytes?.(directory),
      logBytes: () =>
        input.logOnFiles ? sizeOf(fileSystem, join(path, "events")) : undefined,
    },
    memoryBytesMax: options.rebuildMemoryBytesMax,
    checkpointInterval: options.rebuildCheckpointInterval,
    throttle,
  });
  const scrubber = new Scrubber({
    ...shared,
    fileSystem,
    path,
    throttle,
    readOnly,
    events,
    verify: input.verify ?? (() => verifyNothing(events)),
  });
  projections.followBuilds(rebuilder.builds);
  const daemon = new OpossumDaemon({
    ...shared,
    scrubber,
    scrubSchedule: options.scrubSchedule,
    throttle,
    readOnly,
    rebuilder,
    pollingInterval: options.pollingInterval,
    enableAutoRebuild: options.enableAutoRebuild,
    rebuildSchedule: options.rebuildSchedule,
  });
  using observing = new DisposableStack();
  const gauges = new ProjectionGauges(shared);
  observing.use(telemetry.observeProjections(() => gauges.observe()));
  observing.use(telemetry.observeScrubs(() => scrubber.countProblems()));
  const observers = observing.move();
  return {
    projections,
    rebuilder,
    daemon,
    scrubber,
    async [Symbol.asyncDispose]() {
      observers[Symbol.dispose]();
      // First what writes, then what it writes to.
      await daemon.stop();
      await scrubber[Symbol.asyncDispose]();
      await rebuilder[Symbol.asyncDispose]();
      await daemon.whenEnded();
      live[Symbol.dispose]();
      await store[Symbol.asyncDispose]();
      // Last: also what is stopping may never return.
      await watchdog?.[Symbol.asyncDispose]();
    },
  };
}

/** Bytes of the files in a folder. */
function sizeOf(fileSystem: FileSystem, directory: string): number {
  return fileSystem.list(directory).reduce(
    (sum, name) => sum + (fileSystem.stat(join(directory, name))?.size ?? 0),
    0,
  );
}

function watchdogOf(
  { options: { liveStallTimeout: timeout, path, readOnly } }: AssemblyInput,
  registry: ProjectionRegistry,
): Watchdog | undefined {
  if (timeout === undefined || registry.names.length === 0) return undefined;
  // No code of projections runs then.
  if (readOnly) return undefined;
  const directory = join(path, "projections");
  return new Watchdog({ registry, directory, timeout });
}

async function verifyNothing(events: EventStore): Promise<VerifyReport> {
  const counts = { segments: 0, frames: 0, events: 0, bytes: 0 };
  return { ok: true, head: await events.head(), ...counts, problems: [] };
}

/** Functions do not cross threads: workers need the module that the definitions come from. */
function workersOf(
  { options, logOnFiles = false }: AssemblyInput,
  throttle: RebuildThrottle,
  watchdog: Watchdog | undefined,
): ScanWorkers | undefined {
  const { projections, path, clock, rebuildStallTimeout } = options;
  if (!logOnFiles || typeof projections !== "string") return undefined;
  return new ScanWorkers({
    projectionsUrl: projections,
    path,
    clock,
    stallTimeout: rebuildStallTimeout,
    throttle,
    watch: () => watchdog?.watch({ canEnd: false }),
  });
}
