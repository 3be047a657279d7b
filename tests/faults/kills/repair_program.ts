/**
 * The program that is killed while it repairs a projection.
 *
 * @module
 */
import { silentLogger, systemClock } from "../../../mod.ts";
import { assemble } from "../../../src/assembly.ts";
import { openFileEventStore } from "../../../src/log/file_event_store.ts";
import { resolveOptions } from "../../../src/options.ts";
import { denoFileSystem } from "../../../src/storage/deno_file_system.ts";
import { createTelemetry } from "../../../src/telemetry/telemetry.ts";
import { countingProjection } from "../../support/course_fixture.ts";
import { killingFileSystem } from "./killing_file_system.ts";
import type { FaultPoint } from "./messages.ts";

/** What the program is to do, as the JSON text of its only argument. */
export interface RepairTask {
  /** The data folder. */
  readonly path: string;
  /** Where it ends. */
  readonly point: FaultPoint;
}

if (import.meta.main) {
  const { path, point }: RepairTask = JSON.parse(Deno.args[0] ?? "");
  const logger = silentLogger;
  await using events = await openFileEventStore({
    path,
    clock: systemClock,
    logger,
    fileSystem: denoFileSystem,
    segmentBytesMax: 2 ** 20,
  });
  await using assembly = assemble({
    options: resolveOptions({ path, logger }),
    definitions: [countingProjection("Sums")],
    events,
    storeId: events.storeId,
    fileSystem: killingFileSystem(point),
    telemetry: createTelemetry(),
  });
  await assembly.rebuilder.repair("Sums");
}
