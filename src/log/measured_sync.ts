/**
 * How long the disk takes to make the log durable.
 *
 * @module
 */
import type { FileHandle } from "../storage/file_system.ts";
import { errorType } from "../telemetry/error_type.ts";
import { ATTRIBUTES } from "../telemetry/names.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";

/** What a log tells of its work. */
export type LogTelemetry = Pick<
  Telemetry,
  "isHeard" | "appendBatchSize" | "logSyncDuration"
>;

/**
 * Syncs a file, and tells how long that took when anybody listens.
 *
 * @param file The file.
 * @param telemetry Who is told.
 * @throws Whatever the sync throws.
 */
export function measureSync(
  file: FileHandle,
  telemetry: LogTelemetry | undefined,
): Promise<void> {
  // Not `async`: who is not listened to need not wait for another promise.
  return telemetry?.isHeard() ? measure(file, telemetry) : file.sync();
}

async function measure(
  file: FileHandle,
  telemetry: LogTelemetry,
): Promise<void> {
  const startMs = performance.now();
  const record = (failure: { readonly [ATTRIBUTES.errorType]?: string }) =>
    telemetry.logSyncDuration.record(
      (performance.now() - startMs) / 1_000,
      failure,
    );
  try {
    await file.sync();
  } catch (error) {
    record({ [ATTRIBUTES.errorType]: errorType(error) });
    throw error;
  }
  record({});
}
