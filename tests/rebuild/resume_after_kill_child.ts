/**
 * The program that `resume_after_kill_test.ts` kills: rebuilds all projections of a store while it
 * appends, or starts and thereby continues what was interrupted.
 *
 * @module
 */
import {
  type Clock,
  type EventInput,
  openOpossum,
  silentLogger,
  systemClock,
} from "../../mod.ts";
import { mark } from "./resume_after_kill_projections.ts";

/** What the parent asks for, as the JSON text of the only argument. */
export interface ChildTask {
  readonly path: string;
  readonly resume: boolean;
  readonly batchSize: number;
  readonly maxConcurrentRebuilds: number;
  /** Appended one after the other while the rebuild runs. */
  readonly blocks: readonly (readonly EventInput[])[];
}

const CLOCK_STEP_MS = 20;
let skippedMs = 0;

/** Runs ahead with each look at it, so that a short rebuild saves its state many times. */
const hastyClock: Clock = {
  now() {
    mark("n");
    return new Date();
  },
  monotonicMs() {
    mark("m");
    skippedMs += CLOCK_STEP_MS;
    return performance.now() + skippedMs;
  },
  sleep: (ms, signal) => systemClock.sleep(ms, signal),
};

async function run(task: ChildTask): Promise<void> {
  const { path, resume, blocks, batchSize, maxConcurrentRebuilds } = task;
  await using opossum = await openOpossum({
    path,
    projections: import.meta.resolve("./resume_after_kill_projections.ts"),
    batchSize,
    maxConcurrentRebuilds,
    rebuildMemoryBytesMax: 2 ** 20,
    rebuildCheckpointInterval: 100,
    enableAutoRebuild: false,
    startDaemon: resume,
    // By its clock everybody is late, always.
    rebuildGoodNeighbour: false,
    clock: hastyClock,
    logger: silentLogger,
  });
  const rebuilding = resume
    ? opossum.daemon.whenStarted()
    : opossum.rebuilder.rebuildAll({ forceRebuild: true });
  for (const block of blocks) await opossum.events.append(block);
  await rebuilding;
}

if (import.meta.main) await run(JSON.parse(Deno.args[0] ?? ""));
