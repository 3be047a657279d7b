/**
 * The beginning of a projection's rebuild: a new build, or one that was begun before.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { EventStore } from "../events/event_store.ts";
import { missesSkips } from "../projections/dead_letters.ts";
import type { LiveUpdater } from "../projections/live_updater.ts";
import type { ProjectionStore } from "../projections/projection_store.ts";
import type { ProjectionRegistry } from "../projections/registry.ts";
import { ATTRIBUTES, SPANS } from "../telemetry/names.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { BuildTask } from "./build_task.ts";
import type { ScannedBuild } from "./catch_up.ts";
import { servingOf } from "./verification.ts";

/** What is needed. */
export interface BeginBuildOptions {
  readonly registry: ProjectionRegistry;
  readonly store: ProjectionStore;
  readonly events: EventStore;
  readonly live: LiveUpdater;
  readonly telemetry: Telemetry;
}

/** A task with what it builds. */
export interface Member extends ScannedBuild {
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
 * @returns It, with its build.
 * @throws {LogCorruptionError} If the log is damaged.
 */
export async function beginBuild(
  options: BeginBuildOptions,
  task: BuildTask,
): Promise<Member> {
  const { registry, store, events, live, telemetry } = options;
  // What serves holds events that a rebuild would leave out.
  if (events.damage) throw events.damage;
  const name = task.projectionName;
  const resume = task.continues;
  const manual = task.isManual;
  const identity = live.identity(name);
  let build = await store.begin(identity, { resume, manual });
  let { checkpoint } = await build.generation.status();
  const head = await events.head();
  const note = build.readNote("comparison");
  const isSettled = note !== undefined || task.isManual && task.isApproved;
  const servesAt = task.verifies
    ? await servingAt(store, name, head)
    : undefined;
  let compareAt = isSettled ? undefined : servesAt;
  const isPast = checkpoint > (compareAt ?? Infinity);
  if (checkpoint > head || isPast || await missesSkips(build.generation)) {
    // It holds events that the log, restored from an older backup, has lost, or that were
    // ordered to be passed over since; or it cannot be compared any more.
    await build.discard();
    build = await store.begin(identity, { resume: false, manual });
    ({ checkpoint } = await build.generation.status());
    compareAt = servesAt;
  }
  if (!build.resumed) task.demote();
  else {
    // What came of it before the build was interrupted, or waited to be promoted.
    task.comparison = JSON.parse(
      note ?? "null",
      (_key, value) => Object.freeze(value),
    );
    if (manual) build.writeNote("awaiting", "");
  }
  task.begin(checkpoint);
  const span = telemetry.startSpan(SPANS.rebuildProjection, {
    parent: task.context,
    attributes: {
      [ATTRIBUTES.projectionName]: name,
      [ATTRIBUTES.rebuildReason]: task.reason,
      [ATTRIBUTES.generation]: build.generation.number,
    },
  });
  task.resting.then(() => {
    const { phase, eventsProcessed, eventsScanned } = task.progress();
    span.setAttributes({
      [ATTRIBUTES.rebuildOutcome]: phase,
      [ATTRIBUTES.eventCount]: eventsProcessed,
      [ATTRIBUTES.eventsScanned]: eventsScanned,
    });
    span.end();
  });
  const definition = registry.get(name);
  return { task, definition, build, span, eventsBefore: 0, compareAt };
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
