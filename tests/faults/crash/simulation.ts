/**
 * All workloads, one after the other.
 *
 * @module
 */
import { auditWorkload } from "./audit_workload.ts";
import { type Counts, explore, type Scale } from "./explore.ts";
import { fileWorkloads } from "./file_workloads.ts";
import { LOG_WORKLOADS } from "./log_workloads.ts";
import type { Workload } from "./workload.ts";
import { Random, seededIds } from "./random.ts";
import { Recording } from "./recording.ts";

/** All workloads. */
export function allWorkloads(): Workload[] {
  return [...LOG_WORKLOADS, ...fileWorkloads(), auditWorkload()];
}

/**
 * Does the work once, and crashes it in as many ways as wanted.
 *
 * @param workload The work.
 * @param seed What chance depends on.
 * @param scale How much to look at.
 * @returns What was looked at.
 * @throws {CrashStateError} For the first state in which something is wrong.
 */
export async function simulate(
  workload: Workload,
  seed: number,
  scale: Scale,
): Promise<Counts> {
  const { run, check, recover, segmentBytesMax } = workload;
  const counts: Counts = { moments: 0, states: 0, nested: 0, killed: 0 };
  using _ids = seededIds(seed);
  using recording = new Recording(
    segmentBytesMax === undefined ? {} : { segmentBytesMax },
  );
  await run(recording, seed);
  await explore({
    recording,
    random: new Random(seed),
    scale,
    counts,
    check,
    recover,
  });
  return counts;
}
