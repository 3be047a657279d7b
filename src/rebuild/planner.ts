/**
 * Looking at how projections stand, and planning from that.
 *
 * @module
 */
import type { EventStore } from "../events/event_store.ts";
import type { LiveUpdater } from "../projections/live_updater.ts";
import type { ProjectionStore } from "../projections/projection_store.ts";
import type { Projections } from "../projections/projections.ts";
import type { ProjectionRegistry } from "../projections/registry.ts";
import type { PlannedRebuild, RebuildTrigger } from "./operation.ts";
import { planRebuild, planUnusable } from "./plan.ts";
import type { RebuildAllOptions } from "./rebuilder.ts";

/** Nobody asks, but the program itself. */
const AUTOMATIC: ReadonlySet<RebuildTrigger | undefined> = new Set<
  RebuildTrigger | undefined
>(["startup", "schedule", "damage"]);

/** What is looked at. */
export interface PlannerOptions {
  readonly registry: ProjectionRegistry;
  readonly projections: Projections;
  readonly events: EventStore;
  readonly store: ProjectionStore;
  readonly live: LiveUpdater;
  /** Whether nothing may be written. */
  readonly readOnly?: boolean | undefined;
  /** Whether a build of a projection waits, or is to wait, to be promoted. */
  readonly isAwaiting: (name: string) => boolean;
}

/**
 * Plans a rebuild.
 *
 * @param options What is looked at.
 * @param names The projections that are asked for by name; all that need it when left out.
 * @param asked How they are asked for.
 * @returns The plan for each.
 */
export async function planAll(
  { registry, projections, events, store, live, readOnly, isAwaiting }:
    PlannerOptions,
  names: readonly string[] | undefined,
  { forceRebuild = false, trigger }: Pick<
    RebuildAllOptions,
    "forceRebuild" | "trigger"
  >,
): Promise<readonly PlannedRebuild[]> {
  const resolved = registry.resolve(names ?? registry.names);
  const insist = forceRebuild ? "forced" : names ? "requested" : undefined;
  const automatic = AUTOMATIC.has(trigger);
  const head = await events.head();
  return await Promise.all(resolved.map(async (name) => {
    try {
      // Taking up what was begun writes.
      const interrupted = !forceRebuild && !readOnly &&
        await store.hasInterruptedBuild(live.identity(name));
      const info = await projections.info(name);
      const awaiting = isAwaiting(name);
      return planRebuild({
        info,
        head,
        interrupted,
        insist,
        automatic,
        awaiting,
      });
    } catch (error) {
      return planUnusable(name, head, error);
    }
  }));
}
