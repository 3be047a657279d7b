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
  { target, location, fail }: {
    /** Up to where the work goes in the end. */
    readonly target: Position;
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
    advance: (progress) => advance(member, progress, target),
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
  { target, fail }: {
    /** Up to where the work goes in the end. */
    readonly target: Position;
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
    advance: (progress) => advance(member, progress, target),
    flushed: notes?.flushed,
  };
}

function advance(
  { task, eventsBefore, notes }: Member,
  progress: PassProgress,
  target: Position,
): void {
  const { position, eventsApplied, worked } = progress;
  notes?.advance(progress);
  task.advance({
    position,
    target,
    eventsProcessed: eventsBefore + eventsApplied,
    worked,
  });
}
