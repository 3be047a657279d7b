/**
 * A build as those see it who scan for it: a worker, or the serving thread.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { LiveUpdater } from "../projections/live_updater.ts";
import type { GenerationLocation } from "../projections/projection_store.ts";
import type { ProjectionRegistry } from "../projections/registry.ts";
import type { Member } from "./begin_build.ts";
import type { PassMember, PassProgress } from "./scan_pass.ts";
import type { WorkerAssignment } from "./scan_workers.ts";

/** Up to where a scan goes, and up to where the work goes in the end. */
export interface ScanRange {
  readonly upTo: Position;
  readonly target: Position;
}

/** What builds are seen with. */
export interface ScanMemberOptions {
  readonly registry: ProjectionRegistry;
  readonly live: LiveUpdater;
}

/**
 * A build, for a worker.
 *
 * @param options What it is seen with.
 * @param member The build.
 * @param scan What it is scanned for: where it is, and who is told that it failed.
 */
export function toAssignment(
  { registry, live }: ScanMemberOptions,
  member: Member,
  { range, location, fail }: {
    readonly range: ScanRange;
    readonly location: GenerationLocation;
    readonly fail: (error: unknown) => void;
  },
): WorkerAssignment {
  const { task, definition, notes } = member;
  task.runIn("worker");
  return {
    definition,
    location,
    fail,
    watchIndex: registry.names.indexOf(task.projectionName),
    identity: live.identity(task.projectionName),
    signal: task.signal,
    get isPaused() {
      return task.isPaused;
    },
    onPause: (listener) => task.onPause(listener),
    advance: (progress) => advance(member, progress, range),
    flushed: notes?.flushed,
  };
}

/**
 * A build, for this thread.
 *
 * @param options What it is seen with.
 * @param member The build.
 * @param scan What it is scanned for, and who ends it when it fails.
 */
export async function toPassMember(
  { live }: ScanMemberOptions,
  member: Member,
  { range, fail }: {
    readonly range: ScanRange;
    readonly fail: (error: unknown) => Promise<void>;
  },
): Promise<PassMember> {
  const { task, definition, build, notes } = member;
  task.runIn("process");
  const { checkpoint } = await build.generation.status();
  return {
    definition,
    checkpoint,
    fail,
    generation: build.generation,
    watch: live.watch(task.projectionName),
    get isRunning() {
      return !task.hasEnded;
    },
    throwIfStopped: () => task.signal.throwIfAborted(),
    advance: (progress) => advance(member, progress, range),
    flushed: notes?.flushed,
  };
}

function advance(
  { task, eventsBefore, notes }: Member,
  progress: PassProgress,
  { upTo, target }: ScanRange,
): void {
  const { position, eventsApplied, share } = progress;
  notes?.advance(progress);
  task.advance({
    position,
    target,
    eventsProcessed: eventsBefore + eventsApplied,
    share: target > 0 ? share * upTo / target : share,
  });
}
