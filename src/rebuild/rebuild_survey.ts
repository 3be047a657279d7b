/**
 * Looking at the projections before an operation: what each needs, and whether there is room for
 * it.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { EventStore } from "../events/event_store.ts";
import type { LiveUpdater } from "../projections/live_updater.ts";
import type { ProjectionStore } from "../projections/projection_store.ts";
import type { Projections } from "../projections/projections.ts";
import type { ProjectionRegistry } from "../projections/registry.ts";
import {
  bytesOf,
  type DiskRoom,
  type ProjectionSize,
  type SurveyedProjection,
} from "./estimate.ts";
import type { PlannedRebuild, RebuildTrigger } from "./operation.ts";
import { type DueOptions, planRebuild, planUnusable } from "./plan.ts";
import { InsufficientDiskSpaceError } from "./refusals.ts";

/** What is looked at. */
export interface RebuildSurveyOptions {
  readonly registry: ProjectionRegistry;
  readonly projections: Projections;
  readonly events: EventStore;
  readonly store: ProjectionStore;
  readonly live: LiveUpdater;
  /** Whether nothing may be written. @default {false} */
  readonly readOnly?: boolean | undefined;
  /** Room on the disk. @default {not looked at} */
  readonly disk?: DiskRoom;
}

/** What a plan depends on. */
export type SurveyOptions = Pick<
  DueOptions,
  "forceRebuild" | "trigger" | "onlyMissing"
>;

/** The builds that are under way. */
export interface BuildsUnderWay {
  /** Whether a projection is being built here. */
  has(name: string): boolean;
  /** Whether a build of a projection waits, or is to wait, to be promoted, also elsewhere. */
  isAwaiting(name: string): boolean;
}

/** Nobody asks for these, but the program itself. */
const AUTOMATIC: ReadonlySet<RebuildTrigger | undefined> = new Set<
  RebuildTrigger | undefined
>(["startup", "schedule", "damage"]);

const NOTHING: ProjectionSize = { bytes: 0, checkpoint: 0 };

/** Whether nobody asks, but the program itself. */
export function isAutomatic(trigger: RebuildTrigger | undefined): boolean {
  return AUTOMATIC.has(trigger);
}

/** What the process starts by itself must not be kept from it by those who ask. */
const OWN: ReadonlySet<RebuildTrigger> = new Set<RebuildTrigger>([
  "startup",
  "schedule",
  "resume",
  "damage",
]);

/** Whether the process starts or goes on with it by itself. */
export function isOwn(trigger: RebuildTrigger): boolean {
  return OWN.has(trigger);
}

/** What a plan comes to. */
export interface Planned {
  /** What is rebuilt. */
  readonly wanted: readonly PlannedRebuild[];
  /** What is not up to date and left alone. */
  readonly heldBack: readonly PlannedRebuild[];
}

/** Looks at projections. */
export class RebuildSurvey {
  readonly #options: RebuildSurveyOptions;
  readonly #builds: BuildsUnderWay;

  /**
   * @param options What is looked at.
   * @param builds The builds that are under way.
   */
  constructor(options: RebuildSurveyOptions, builds: BuildsUnderWay) {
    this.#options = options;
    this.#builds = builds;
  }

  /**
   * What each of some projections needs.
   *
   * @param names Which; all when left out.
   * @param options Whether to insist, who asks, and whether what is stale is left alone.
   */
  async of(
    names: readonly string[] | undefined,
    { forceRebuild = false, trigger, onlyMissing = false }: SurveyOptions,
  ): Promise<readonly SurveyedProjection[]> {
    const { registry, events } = this.#options;
    const resolved = registry.resolve(names ?? registry.names);
    const insist = forceRebuild ? "forced" : names ? "requested" : undefined;
    const automatic = isAutomatic(trigger);
    const head = await events.head();
    return await Promise.all(
      resolved.map((name) =>
        this.#ofOne(name, { head, insist, automatic, onlyMissing })
      ),
    );
  }

  /** How much every projection takes; those of which it cannot be told take nothing. */
  async sizes(): Promise<readonly ProjectionSize[]> {
    return (await this.of(undefined, {})).map(({ info }) => info);
  }

  /**
   * Better than to find out after hours of work.
   *
   * @param surveyed What is to be built.
   * @throws {InsufficientDiskSpaceError} If it does not fit on the disk.
   */
  async assertFits(surveyed: readonly SurveyedProjection[]): Promise<void> {
    const { disk, events } = this.#options;
    const freeBytes = disk?.freeBytes();
    const builds = surveyed.filter(({ planned: { projectionName } }) =>
      !this.#builds.has(projectionName)
    ).map(({ info }) => info);
    if (freeBytes === undefined || builds.length === 0) return;
    const infos = await this.sizes();
    const estimatedBytes = bytesOf(
      { infos, head: await events.head(), disk },
      builds,
    );
    if (estimatedBytes > freeBytes) {
      throw new InsufficientDiskSpaceError(estimatedBytes, freeBytes);
    }
  }

  async #ofOne(
    name: string,
    { head, insist, automatic, onlyMissing }: {
      readonly head: Position;
      readonly insist: "forced" | "requested" | undefined;
      readonly automatic: boolean;
      readonly onlyMissing: boolean;
    },
  ): Promise<SurveyedProjection> {
    const { projections, store, live, readOnly } = this.#options;
    // Taking up what was begun writes.
    try {
      const info = await projections.info(name);
      // Nor is gone on with what replaces something that is to be left alone.
      const isLeft = readOnly || (onlyMissing && info.state === "stale");
      const interrupted = insist !== "forced" && !isLeft &&
        await store.hasInterruptedBuild(live.identity(name));
      const awaiting = this.#builds.isAwaiting(name);
      const planned = planRebuild({
        info,
        head,
        interrupted,
        insist,
        automatic,
        awaiting,
      });
      return { planned, info };
    } catch (error) {
      return { planned: planUnusable(name, head, error), info: NOTHING };
    }
  }
}
