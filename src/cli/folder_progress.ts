/**
 * How far looking through a folder is: reading its log, and the work on its projections.
 *
 * @module
 */
import { listSegments } from "../log/segments.ts";
import type { VerifyOptions } from "../log/verify.ts";
import type { FileSystem } from "../storage/file_system.ts";
import type { InspectStep } from "../maintenance/projection_inspection.ts";
import type { Progress } from "./progress.ts";

/**
 * Shows how many bytes of a log were read.
 *
 * @param progress Where.
 * @param folder The data folder.
 * @param name What is being done: `"Verifying"`.
 * @returns To be called with every run of frames.
 */
export function bytesShown(
  progress: Progress,
  { fileSystem, path }: {
    readonly fileSystem: FileSystem;
    readonly path: string;
  },
  name: string,
): NonNullable<VerifyOptions["onRun"]> {
  const total = sizeOf(fileSystem, path);
  let value = 0;
  return (_segment, { bytes }) => {
    // What is appended meanwhile is read as well.
    value = Math.min(value + bytes.length, total);
    progress.show({ name, phase: "reading the log", value, total });
  };
}

function sizeOf(fileSystem: FileSystem, path: string): number {
  try {
    return listSegments(fileSystem, path).reduce(
      (sum, segment) => sum + (fileSystem.stat(segment.path)?.size ?? 0),
      0,
    );
  } catch {
    // Whoever reads the log says what is wrong with it.
    return 0;
  }
}

/** What people read instead of the phases. */
const PHASES: Readonly<Record<InspectStep["phase"], string>> = {
  checking: "checking its database",
  comparing: "comparing with the log",
};

/**
 * Shows the work on projections.
 *
 * @param progress Where.
 * @returns To be called with each piece of it.
 */
export function stepsShown(progress: Progress): (step: InspectStep) => void {
  return ({ projectionName: name, phase, value, total }) =>
    progress.show({ name, phase: PHASES[phase], value, total, unit: "rows" });
}
