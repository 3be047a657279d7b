/**
 * Opens a store: the event log on files, with projections, rebuilder and daemon over it.
 *
 * @module
 */
import { join } from "node:path";
import { assemble } from "./assembly.ts";
import type { AuditLog } from "./audit/audit_log.ts";
import { FileAuditLog } from "./audit/file_audit_log.ts";
import type { Daemon } from "./daemon/daemon.ts";
import type {
  ScrubOptions,
  ScrubProgress,
  ScrubReport,
} from "./daemon/scrub.ts";
import type { EventStore } from "./events/event_store.ts";
import {
  type FileEventStore,
  openFileEventStore,
} from "./log/file_event_store.ts";
import { StoreOpenError } from "./log/errors.ts";
import { measureEventStore } from "./log/measured_event_store.ts";
import type { VerifyReport } from "./log/verify.ts";
import {
  type OpossumOptions,
  type ResolvedOptions,
  resolveOptions,
} from "./options.ts";
import { disownAhead } from "./projections/disown_ahead.ts";
import type { ProjectionDefinition } from "./projections/definition.ts";
import type { Projections } from "./projections/projections.ts";
import { loadProjections, ProjectionRegistry } from "./projections/registry.ts";
import type { Rebuilder } from "./rebuild/rebuilder.ts";
import { throttleOf } from "./rebuild/throttle.ts";
import { tellOfFewDescriptors } from "./few_descriptors.ts";
import { denoFileSystem } from "./storage/deno_file_system.ts";
import type { FileSystem } from "./storage/file_system.ts";
import { refuseLinksIn } from "./storage/symbolic_links.ts";
import { createTelemetry } from "./telemetry/telemetry.ts";

/** Whether events can be appended. */
export interface AppendHealth {
  /**
   * - `"accepted"`: the last append went well, or there was none.
   * - `"failing"`: the last one could not be written, as on a full disk. Nothing of it was stored;
   *   the next one is tried again, and goes well once there is room. No restart is needed.
   * - `"refused"`: none is tried until the cause is repaired and the store opened again.
   */
  readonly state: "accepted" | "failing" | "refused";
  /** Why, or `undefined` while all is well. */
  readonly cause: Error | undefined;
}

/** An open store with its projections. Dispose it to stop, drain and close everything. */
export interface Opossum extends AsyncDisposable {
  /** The options in force. */
  readonly options: ResolvedOptions;
  /** Append and read events. */
  readonly events: EventStore;
  /** Read documents. */
  readonly projections: Projections;
  /** Rebuild projections. */
  readonly rebuilder: Rebuilder;
  /** Keeps the projections up to date. */
  readonly daemon: Daemon;
  /** Who asked for what over the admin API; durable, in the folder `audit`. */
  readonly audit: AuditLog;
  /** Whether events can be appended: what operators want to be told of. */
  readonly appendHealth: AppendHealth;
  /**
   * Reads the whole log and checks every frame and line of it.
   *
   * @param options `signal`: gives up by throwing its reason.
   * @returns What was found; an empty list of problems when all is well.
   */
  verify(options?: { readonly signal?: AbortSignal }): Promise<VerifyReport>;
  /**
   * Looks for damage in all that is stored, before anybody comes upon it: verifies the log, and
   * checks every row of the generations that serve and that are kept for going back. Reads all of
   * it, as slowly as rebuilds would, and lets others read and write meanwhile.
   *
   * A projection that is damaged is marked, so that it is refused and, with `enableAutoRebuild`,
   * rebuilt; not with `readOnly`. What cannot be read just now is not called damaged.
   *
   * @param options Which projections, and a signal to give up.
   * @returns What was found. It is kept as {@linkcode lastScrub}.
   * @throws {ScrubRunningError} If a scrub is under way.
   * @throws {UnknownProjectionError} If a name is not registered.
   */
  scrub(options?: ScrubOptions): Promise<ScrubReport>;
  /** What the last scrub found, also of an earlier process; `undefined` if there was none. */
  lastScrub(): Promise<ScrubReport | undefined>;
  /**
   * When the scrub under way began, ISO 8601; `undefined` when none is. One that has ended by then
   * without being the {@linkcode lastScrub} has failed.
   */
  readonly scrubbingSince: string | undefined;
  /** How far the scrub under way is; `undefined` when none is, or it has only just begun. */
  readonly scrubProgress: ScrubProgress | undefined;
}

/**
 * Opens the store in `options.path`, creating it if missing, and starts its daemon.
 *
 * @param options Where, which projections, and how.
 * @returns The open store.
 * @throws {TypeError | RangeError} If an option is unusable; nothing was opened.
 * @throws {NetworkFileSystemError} If the folder is on a network file system.
 * @throws {LogCorruptionError} If the log is damaged where it was acknowledged.
 * @throws {StoreOpenError} If the disk or the permissions stand against it.
 *
 * @example
 * ```ts
 * import { defineProjection, openOpossum, silentLogger } from "@opossum/deno";
 * import { assertEquals } from "@std/assert";
 *
 * type Deposited = { type: "Deposited"; data: { account: string; cents: number } };
 * const balances = defineProjection<{ cents: number }, Deposited>({
 *   name: "Balances",
 *   version: 1,
 *   eventTypes: ["Deposited"],
 *   key: (event) => event.data.account,
 *   apply: (state, event) => ({ cents: (state?.cents ?? 0) + event.data.cents }),
 * });
 *
 * const path = await Deno.makeTempDir();
 * {
 *   await using opossum = await openOpossum({
 *     path,
 *     projections: [balances],
 *     logger: silentLogger,
 *   });
 *   await opossum.daemon.whenStarted();
 *   const { last } = await opossum.events.append<Deposited>([
 *     { type: "Deposited", data: { account: "ada", cents: 500 } },
 *   ]);
 *   await opossum.projections.waitFor(last);
 *   assertEquals(await opossum.projections.get("Balances", "ada"), { cents: 500 });
 * }
 * await Deno.remove(path, { recursive: true });
 * ```
 */
export async function openOpossum(options: OpossumOptions): Promise<Opossum> {
  return await openOpossumOn(denoFileSystem, options);
}

/**
 * Like {@linkcode openOpossum}, on any file system: for tests of disks that fail.
 *
 * @param fileSystem What every file but the databases is touched through.
 * @param options As for {@linkcode openOpossum}.
 * @returns The open store.
 */
export async function openOpossumOn(
  fileSystem: FileSystem,
  options: OpossumOptions,
): Promise<Opossum> {
  const resolved = resolveOptions(options);
  const { path, projections, clock, logger, segmentBytesMax } = resolved;
  const { allowNetworkFileSystem, readOnly } = resolved;
  const definitions: readonly ProjectionDefinition[] =
    typeof projections === "string"
      ? await loadProjections(projections)
      : projections;
  // Bad definitions are refused before any file is touched.
  new ProjectionRegistry(definitions);
  tellOfFewDescriptors(logger);
  try {
    refuseLinksIn(path);
  } catch (cause) {
    throw new StoreOpenError(path, { cause });
  }
  const telemetry = createTelemetry();
  const log = await openFileEventStore({
    path,
    clock,
    logger,
    fileSystem,
    segmentBytesMax,
    onWhole: (head, idAt) =>
      disownAhead({
        fileSystem,
        clock,
        logger,
        directory: join(path, "projections"),
        head,
        idAt,
      }),
    allowNetworkFileSystem,
    readOnly,
    telemetry,
  });
  const throttle = throttleOf(resolved);
  const events = measureEventStore(log, telemetry, throttle);
  const assembly = assemble({
    options: resolved,
    definitions,
    events,
    storeId: log.storeId,
    fileSystem,
    telemetry,
    logOnFiles: true,
    throttle,
    verify: (verifyOptions) => log.verify(verifyOptions),
  });
  const audit = new FileAuditLog({
    fileSystem,
    directory: join(path, "audit"),
    clock,
    logger,
    readOnly,
  });
  // Rates do not see the first of a series that begins with it.
  telemetry.appendEvents.add(0);
  telemetry.appendConflicts.add(0);
  using observing = new DisposableStack();
  observing.use(telemetry.watchEventLoop());
  observing.use(telemetry.observeLog(async () => ({
    position: await log.head(),
    bytes: log.bytes,
    segments: log.segmentCount,
    freeBytes: fileSystem.freeBytes?.(path),
  })));
  if (resolved.startDaemon) await assembly.daemon.start();
  const observers = observing.move();
  return {
    options: resolved,
    events,
    projections: assembly.projections,
    rebuilder: assembly.rebuilder,
    daemon: assembly.daemon,
    audit,
    get appendHealth() {
      return healthOf(log);
    },
    verify: (verifyOptions) => log.verify(verifyOptions),
    scrub: (scrubOptions) => assembly.scrubber.scrub(scrubOptions),
    lastScrub: () => assembly.scrubber.lastScrub(),
    get scrubbingSince() {
      return assembly.scrubber.scrubbingSince;
    },
    get scrubProgress() {
      return assembly.scrubber.scrubProgress;
    },
    async [Symbol.asyncDispose]() {
      observers[Symbol.dispose]();
      await assembly[Symbol.asyncDispose]();
      await log[Symbol.asyncDispose]();
      await audit[Symbol.asyncDispose]();
    },
  };
}

function healthOf(
  { readOnlyCause, appendTrouble }: Pick<
    FileEventStore,
    "readOnlyCause" | "appendTrouble"
  >,
): AppendHealth {
  if (readOnlyCause) return { state: "refused", cause: readOnlyCause };
  if (appendTrouble) return { state: "failing", cause: appendTrouble };
  return { state: "accepted", cause: undefined };
}
