/**
 * `openOpossum()` on a file system of the test's.
 *
 * @module
 */
import type { Opossum, OpossumOptions } from "../../../mod.ts";
import { assemble } from "../../../src/assembly.ts";
import { FileAuditLog } from "../../../src/audit/file_audit_log.ts";
import { openFileEventStore } from "../../../src/log/file_event_store.ts";
import { healthOf } from "../../../src/opossum.ts";
import { resolveOptions } from "../../../src/options.ts";
import { loadProjections } from "../../../src/projections/registry.ts";
import type { FileSystem } from "../../../src/storage/file_system.ts";
import { createTelemetry } from "../../../src/telemetry/telemetry.ts";

/**
 * Opens a store and starts its daemon.
 *
 * @param fileSystem What every file but the databases is touched through.
 * @param given As for `openOpossum()`; the projections are a module's.
 * @returns The open store.
 */
export async function openOn(
  fileSystem: FileSystem,
  given: OpossumOptions,
): Promise<Opossum> {
  const options = resolveOptions(given);
  const { path, clock, logger, segmentBytesMax, projections } = options;
  const definitions = typeof projections === "string"
    ? await loadProjections(projections)
    : projections;
  const events = await openFileEventStore({
    path,
    clock,
    logger,
    fileSystem,
    segmentBytesMax,
  });
  const assembly = assemble({
    options,
    definitions,
    events,
    storeId: events.storeId,
    fileSystem,
    telemetry: createTelemetry(),
    logOnFiles: true,
  });
  const audit = new FileAuditLog({
    fileSystem,
    directory: `${path}/audit`,
    clock,
    logger,
  });
  await assembly.daemon.start();
  return {
    options,
    events,
    projections: assembly.projections,
    rebuilder: assembly.rebuilder,
    daemon: assembly.daemon,
    audit,
    get appendHealth() {
      return healthOf(events);
    },
    verify: (verifyOptions) => events.verify(verifyOptions),
    scrub: (scrubOptions) => assembly.scrubber.scrub(scrubOptions),
    lastScrub: () => assembly.scrubber.lastScrub(),
    get scrubbingSince() {
      return assembly.scrubber.scrubbingSince;
    },
    async [Symbol.asyncDispose]() {
      await assembly[Symbol.asyncDispose]();
      await events[Symbol.asyncDispose]();
      audit[Symbol.dispose]();
    },
  };
}
