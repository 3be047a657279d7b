/**
 * The options of `openOpossum()`: names, defaults and ranges.
 *
 * @module
 */
import { type Clock, systemClock } from "./events/clock.ts";
import type { ProjectionDefinition } from "./projections/definition.ts";
import {
  createJsonLogger,
  libraryLogger,
  type Logger,
} from "./telemetry/logger.ts";
import type { GivenSchedule, RebuildWindow } from "./daemon/rebuild_window.ts";
import {
  assertBoolean,
  assertInteger,
  refusal,
  resolveConcurrency,
  resolveCron,
  resolveGoodNeighbour,
  resolveWindows,
} from "./option_checks.ts";
import type { GoodNeighbourOptions } from "./rebuild/good_neighbour.ts";

/** How to open a store. Only `path` is needed. */
export interface OpossumOptions {
  /** The data folder. Created when missing or empty. */
  readonly path: string;

  /**
   * The projections: definitions, or the URL of a module that exports them (by any name, single
   * or in arrays), such as `import.meta.resolve("./projections.ts")`. @default {[]}
   */
  readonly projections?: string | readonly ProjectionDefinition[];

  /**
   * What to rebuild when the daemon starts.
   *
   * - `true`: projections that are missing, stale (their definition changed) or damaged.
   *   For development: a fresh checkout or a changed projection is ready by itself. Also one in
   *   which damage is found later, at once.
   * - `"missing"`: projections that are missing or damaged, but not those that are stale: they serve
   *   the documents that they have, and stand still, until you rebuild them. For production where
   *   a new version may come up by itself, but not replace what serves. Damage that is found later
   *   is mended at once.
   * - `false`: nothing. For production with manual control: a new projection stays *absent*, and
   *   says so when read, until you rebuild it (`POST /admin/projections/rebuild`).
   * - `"force"`: everything, at each start. For tests of the projections themselves.
   *
   * @default {true}
   */
  readonly enableAutoRebuild?: boolean | "missing" | "force";

  /**
   * How many projections may be rebuilt at the same time, over all callers of this process. An
   * integer from 1 to 64, or `"auto"` for the number of cores.
   *
   * | disk             | recommended |
   * | ---------------- | ----------- |
   * | HDD, single disk | 2-4         |
   * | SSD              | 4-8         |
   * | NVMe SSD         | 8-16        |
   * | RAID array       | 16-32       |
   *
   * Projections that start together share one pass over the log, so a higher value costs memory
   * (see `rebuildMemoryBytesMax`) and delays requests a little rather than multiplying disk
   * reads. A lower value leaves more of the machine to the requests and means more passes.
   *
   * @default {4}
   */
  readonly maxConcurrentRebuilds?: number | "auto";

  /**
   * How often to look for events that other processes appended, in milliseconds, 100 to
   * 3,600,000. Events appended by this process wake the daemon at once. Lower means fresher read
   * models when several processes write, and more wake-ups.
   *
   * @default {5_000}
   */
  readonly pollingInterval?: number;

  /**
   * Events read at a time by live updates, and applied in one transaction (up to 64 times as many
   * while far behind), an integer from 1 to 100,000. Higher means more throughput while catching
   * up, more memory and longer pauses for requests.
   *
   * @default {1_000}
   */
  readonly batchSize?: number;

  /**
   * Memory for documents held while rebuilding, in bytes, over all projections being rebuilt at
   * once; 1 MiB to 64 GiB. Over half of it, events are put aside in a temporary file and documents
   * are completed one part after the other. The other half is for related events; over it they
   * are looked up in the file of the projection, which is slower.
   *
   * @default {1_073_741_824} 1 GiB
   */
  readonly rebuildMemoryBytesMax?: number;

  /**
   * When a running rebuild saves its state, in milliseconds, 100 to 3,600,000: about this much
   * work is repeated after a crash. More when saving takes long: at most a tenth of the time goes
   * into it.
   *
   * @default {10_000}
   */
  readonly rebuildCheckpointInterval?: number;

  /**
   * How long a worker that rebuilds may show no sign of life before it is given up and its
   * projections fail, in milliseconds, 1,000 to 3,600,000. Must be longer than `apply` ever takes
   * for one event. @default {60_000}
   */
  readonly rebuildStallTimeout?: number;

  /**
   * Events of the log that all rebuilds of this process together may read a second, an integer
   * from 100 to 1,000,000,000; events that go by unread count, those appended meanwhile do not.
   * A window of `rebuildSchedule` may lower it. @default {any number}
   */
  readonly rebuildEventsPerSecondMax?: number;

  /**
   * When rebuilds slow down for the sake of others: as long as the event loop of the serving
   * thread is late, or appends take long. `true` for the defaults of
   * {@linkcode GoodNeighbourOptions}, `false` to never slow down. @default {true}
   */
  readonly rebuildGoodNeighbour?: boolean | GoodNeighbourOptions;

  /**
   * How many rebuild operations may be under way at once, running, waiting or paused, an integer
   * from 1 to 10,000. Whoever asks for another one is refused; rebuilds at start-up, by schedule
   * and those that are continued are not. @default {100}
   */
  readonly rebuildQueueMax?: number;

  /**
   * How long a projection's code may run on one event, in milliseconds, 1,000 to 3,600,000, before
   * the process is ended: code that loops stops everything else on the serving thread, and cannot
   * be interrupted. A thread of its own watches, and takes note of the projection and the event
   * before, also of code that takes all memory. So run the process under a supervisor that starts
   * it again: the projection is then *faulted* at that event until you say `retry` or `skip`, and
   * everything else goes on. A debugger's breakpoint counts as code that does not return.
   *
   * @default {none: nothing is watched, and no process is ended}
   */
  readonly liveStallTimeout?: number;

  /**
   * When to rebuild what needs it at quiet hours: a cron expression (five fields, UTC), or windows
   * with an end and bounds of their own; at most 32. The daemon keeps it. @default {never}
   */
  readonly rebuildSchedule?: GivenSchedule;

  /**
   * When to look for damage in all that is stored (see `Opossum.scrub`): a cron expression of five
   * fields, UTC, such as `"0 2 * * SUN"`. The daemon keeps it. @default {never}
   */
  readonly scrubSchedule?: string;

  /** Whether to start the daemon at once. @default {true} */
  readonly startDaemon?: boolean;

  /**
   * Size at which a segment of the log is sealed and a new one begun, in bytes; 64 KiB to 1 GiB.
   * @default {67_108_864} 64 MiB
   */
  readonly segmentBytesMax?: number;

  /**
   * Opens a data folder also on a network file system (NFS, SMB and others, as far as Linux tells
   * and `--allow-sys` lets us ask). Without it that is refused: locks between machines are not to
   * be relied on there. Set it when one machine only ever opens the folder. @default {false}
   */
  readonly allowNetworkFileSystem?: boolean;

  /**
   * Only reads: nothing in the folder is created or changed, so that it may be on a read-only disk,
   * belong to somebody else, or be written to by another process meanwhile. The daemon does not
   * start; appends and rebuilds are refused. @default {false}
   */
  readonly readOnly?: boolean;

  /** Where log records go. @default {JSON lines on standard error, from "info"} */
  readonly logger?: Logger;

  /** The source of time. @default {the machine's clock} */
  readonly clock?: Clock;
}

/** Every option with its value. */
export interface ResolvedOptions {
  /** The data folder. */
  readonly path: string;
  /** The definitions, or the URL of a module that exports them. */
  readonly projections: string | readonly ProjectionDefinition[];
  /** What to rebuild when the daemon starts. */
  readonly enableAutoRebuild: boolean | "missing" | "force";
  /** Projections rebuilt at the same time, 1 to 64; `"auto"` is resolved to a number. */
  readonly maxConcurrentRebuilds: number;
  /** How often to look for events of other processes, in milliseconds. */
  readonly pollingInterval: number;
  /** Events applied in one transaction of a live update. */
  readonly batchSize: number;
  /** Memory for documents held while rebuilding, in bytes, over all projections. */
  readonly rebuildMemoryBytesMax: number;
  /** When a running rebuild saves its state, in milliseconds. */
  readonly rebuildCheckpointInterval: number;
  /** How long a worker may show no sign of life, in milliseconds. */
  readonly rebuildStallTimeout: number;
  /** Events that all rebuilds together may read a second, or `undefined` for any number. */
  readonly rebuildEventsPerSecondMax: number | undefined;
  /** When rebuilds slow down for the sake of others, or `undefined` for never. */
  readonly rebuildGoodNeighbour: Required<GoodNeighbourOptions> | undefined;
  /** How many rebuild operations may be under way at once. */
  readonly rebuildQueueMax: number;
  /** How long code may run on one event, in milliseconds, or `undefined` for no watchdog. */
  readonly liveStallTimeout: number | undefined;
  /** When to rebuild what needs it. */
  readonly rebuildSchedule: readonly RebuildWindow[];
  /** When to look for damage: a cron expression, or `undefined` for never. */
  readonly scrubSchedule: string | undefined;
  /** Whether to start the daemon at once. */
  readonly startDaemon: boolean;
  /** Size at which a segment of the log is sealed, in bytes. */
  readonly segmentBytesMax: number;
  /** Whether the data folder may be on a network file system. */
  readonly allowNetworkFileSystem: boolean;
  /** Whether nothing in the folder may be created or changed. */
  readonly readOnly: boolean;
  /** Where log records go. */
  readonly logger: Logger;
  /** The source of time. */
  readonly clock: Clock;
}

const KiB = 1_024;
const MiB = KiB * KiB;
const GiB = KiB * MiB;

/**
 * Fills in the defaults and checks every value.
 *
 * @param options What the caller gave.
 * @returns All options with their values.
 * @throws {TypeError | RangeError} If a value is unusable; names the option, value and range.
 */
export function resolveOptions(options: OpossumOptions): ResolvedOptions {
  const {
    path,
    projections = [],
    enableAutoRebuild = true,
    maxConcurrentRebuilds = 4,
    pollingInterval = 5_000,
    batchSize = 1_000,
    rebuildMemoryBytesMax = GiB,
    rebuildCheckpointInterval = 10_000,
    rebuildStallTimeout = 60_000,
    rebuildEventsPerSecondMax,
    rebuildGoodNeighbour = true,
    rebuildQueueMax = 100,
    liveStallTimeout,
    rebuildSchedule = [],
    scrubSchedule,
    startDaemon = true,
    segmentBytesMax = 64 * MiB,
    allowNetworkFileSystem = false,
    readOnly = false,
    logger = createJsonLogger(),
    clock = systemClock,
  } = options;
  if (typeof path !== "string" || path === "" || path.includes("\0")) {
    throw new TypeError(refusal("path", "the path of a folder", path));
  }
  if (typeof projections !== "string" && !Array.isArray(projections)) {
    throw new TypeError(
      refusal("projections", "an array or a module URL", projections),
    );
  }
  if (![true, false, "missing", "force"].includes(enableAutoRebuild)) {
    const wanted = 'true, false, "missing" or "force"';
    throw new TypeError(
      refusal("enableAutoRebuild", wanted, enableAutoRebuild),
    );
  }
  assertBoolean("startDaemon", startDaemon);
  assertBoolean("allowNetworkFileSystem", allowNetworkFileSystem);
  assertBoolean("readOnly", readOnly);
  assertInteger("pollingInterval", pollingInterval, 100, 3_600_000);
  assertInteger("batchSize", batchSize, 1, 100_000);
  assertInteger("rebuildMemoryBytesMax", rebuildMemoryBytesMax, MiB, 64 * GiB);
  assertInteger(
    "rebuildCheckpointInterval",
    rebuildCheckpointInterval,
    100,
    3_600_000,
  );
  assertInteger("rebuildStallTimeout", rebuildStallTimeout, 1_000, 3_600_000);
  if (rebuildEventsPerSecondMax !== undefined) {
    assertInteger(
      "rebuildEventsPerSecondMax",
      rebuildEventsPerSecondMax,
      100,
      1_000_000_000,
    );
  }
  assertInteger("rebuildQueueMax", rebuildQueueMax, 1, 10_000);
  if (liveStallTimeout !== undefined) {
    assertInteger("liveStallTimeout", liveStallTimeout, 1_000, 3_600_000);
  }
  assertInteger("segmentBytesMax", segmentBytesMax, 64 * KiB, GiB);
  return {
    path,
    projections,
    enableAutoRebuild,
    maxConcurrentRebuilds: resolveConcurrency(maxConcurrentRebuilds),
    pollingInterval,
    batchSize,
    rebuildMemoryBytesMax,
    rebuildCheckpointInterval,
    rebuildStallTimeout,
    rebuildEventsPerSecondMax,
    rebuildGoodNeighbour: resolveGoodNeighbour(rebuildGoodNeighbour),
    rebuildQueueMax,
    liveStallTimeout,
    rebuildSchedule: resolveWindows(rebuildSchedule),
    scrubSchedule: resolveCron("scrubSchedule", scrubSchedule),
    startDaemon: startDaemon && !readOnly,
    segmentBytesMax,
    allowNetworkFileSystem,
    readOnly,
    logger: libraryLogger(logger),
    clock,
  };
}
