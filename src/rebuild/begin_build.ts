/**
 * The beginning of a projection's rebuild: a new build, or one that was begun before.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { EventStore } from "../events/event_store.ts";
import { missesSkips } from "../projections/dead_letters.ts";
import type { LiveUpdater } from "../projections/live_updater.ts";
import type {
  Build,
  ProjectionStore,
} from "../projections/projection_store.ts";
import type { ProjectionRegistry } from "../projections/registry.ts";
import type { Logger } from "../telemetry/logger.ts";
import { ATTRIBUTES } from "../telemetry/names.ts";
import type { OpenSpan } from "../telemetry/spans.ts";
import type { BuildTask } from "./build_task.ts";
import type { ScannedBuild } from "./catch_up.ts";
import {
  FLUSH_SPANS_MAX,
  type MemberNotes,
  type NotedMember,
} from "./scan_span.ts";
import { servingOf } from "./verification.ts";

/** What is needed. */
export interface BeginBuildOptions {
  readonly registry: ProjectionRegistry;
  readonly store: ProjectionStore;
  readonly events: EventStore;
  readonly live: LiveUpdater;
  readonly logger: Logger;
}

/** A task with what it builds. */
export interface Member extends ScannedBuild, NotedMember {
  /** Told of the scan that it takes part in, if anybody wants to know. */
  notes?: MemberNotes | undefined;
  /** Events applied by what is over. */
  eventsBefore: number;
  /** Where it is to be compared with what serves, if it is. */
  readonly compareAt: Position | undefined;
}

/**
 * Begins a task's build.
 *
 * @param options What is needed.
 * @param task The task.
 * @param span The span of its work.
 * @returns It, with its build.
 * @throws {LogCorruptionError} If the log is damaged.
 */
export async function beginBuild(
  options: BeginBuildOptions,
  task: BuildTask,
  span: OpenSpan,
): Promise<Member> {
  const { registry, events, logger } = options;
  // What serves holds events that a rebuild would leave out.
  if (events.damage) throw events.damage;
  const name = task.projectionName;
  const { build, checkpoint, compareAt } = await openBuild(options, task);
  if (task.signal.aborted) {
    // Meanwhile: it may even have ended, if it was promoted before.
    if (task.signal.reason === "interrupted") {
      await build[Symbol.asyncDispose]();
    } else await build.discard();
    task.signal.throwIfAborted();
  }
  task.begin(checkpoint);
  logger.log("info", `Rebuilding projection '${name}'...`, {
    operationId: task.operationId,
    projection: name,
    reason: task.reason,
    generation: build.generation.number,
    checkpoint,
  });
  span.setAttributes({ [ATTRIBUTES.generation]: build.generation.number });
  const definition = registry.get(name);
  return {
    task,
    definition,
    build,
    span,
    compareAt,
    projectionName: name,
    flushSpansLeft: FLUSH_SPANS_MAX,
    eventsBefore: 0,
  };
}

interface OpenedBuild extends Pick<Member, "build" | "compareAt"> {
  readonly checkpoint: Position;
}

/** A build to go on with: begun anew when what is there already is of no use. */
async function openBuild(
  { store, events, live }: BeginBuildOptions,
  task: BuildTask,
): Promise<OpenedBuild> {
  const name = task.projectionName;
  const manual = task.isManual;
  const identity = live.identity(name);
  const resume = task.continues;
  const build = await store.begin(identity, { resume, manual });
  let compareAt: Position | undefined;
  try {
    const { checkpoint } = await build.generation.status();
    const head = await events.head();
    const note = build.readNote("comparison");
    if (task.verifies) compareAt = await servingAt(store, name, head);
    // What it was compared with may have moved on since.
    const isSettled = note !== undefined || manual && task.isApproved;
    const isPast = !isSettled && checkpoint > (compareAt ?? Infinity);
    const isUseless = checkpoint > head || isPast ||
      await missesSkips(build.generation);
    if (!isUseless) {
      if (build.resumed) goOn(task, build, note);
      else task.demote();
      return {
        build,
        checkpoint,
        compareAt: isSettled && build.resumed ? undefined : compareAt,
      };
    }
  } catch (error) {
    // Nobody else knows of it, to close it. The first error is the one to report.
    await build.discard().catch(() => {});
    throw error;
  }
  // It holds events that the log, restored from an older backup, has lost, or that were ordered to
  // be passed over since; or it cannot be compared any more.
  await build.discard();
  task.demote();
  const fresh = await store.begin(identity, { resume: false, manual });
  return { build: fresh, checkpoint: 0, compareAt };
}

function goOn(task: BuildTask, build: Build, note: string | undefined): void {
  // What came of comparing it before it was interrupted, or waited to be promoted.
  task.comparison = JSON.parse(
    note ?? "null",
    (_key, value) => Object.freeze(value),
  );
  if (task.isManual) build.writeNote("awaiting", "");
}

/** How far what serves is, if a build can come exactly there. */
async function servingAt(
  store: ProjectionStore,
  name: string,
  head: Position,
): Promise<Position | undefined> {
  const serving = await servingOf(store, name);
  return serving && serving.checkpoint <= head ? serving.checkpoint : undefined;
}
