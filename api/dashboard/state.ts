/**
 * What the dashboard shows, gathered at one time.
 *
 * @module
 */
import type {
  AppendHealth,
  DeadLetter,
  Opossum,
  ProjectionGeneration,
  ProjectionInfo,
  ProjectionRebuildStatus,
  RebuildOperation,
  RebuildWindowStatus,
  ScrubProgress,
  ScrubReport,
} from "../../mod.ts";
import type { Principal } from "../principal.ts";
import { visibleTo } from "../samples.ts";

/** Operations that have ended and are shown. */
const HISTORY_LENGTH = 20;

/** What the dashboard shows. */
export interface DashboardState {
  /** Who looks. */
  readonly principal: Principal;
  /** Whether they signed in, and so can sign out. */
  readonly hasSession: boolean;
  readonly nowMs: number;
  /** Position of the newest event. */
  readonly head: number;
  readonly appendState: AppendHealth["state"];
  readonly projections: readonly ProjectionInfo[];
  readonly status: ProjectionRebuildStatus;
  /** Operations that run, wait or are paused; the newest first. */
  readonly underWay: readonly RebuildOperation[];
  /** Operations that have ended; the newest first. */
  readonly history: readonly RebuildOperation[];
  readonly windows: readonly RebuildWindowStatus[];
  /** What the last scrub found. */
  readonly lastScrub: ScrubReport | undefined;
  /** Since when a scrub is under way, ISO 8601. */
  readonly scrubbingSince: string | undefined;
  /** How far it is. */
  readonly scrubProgress: ScrubProgress | undefined;
}

/** What the page of one projection shows besides. */
export interface ProjectionDetails {
  readonly info: ProjectionInfo;
  readonly deadLetters: readonly DeadLetter[];
  /** The newest first. */
  readonly generations: readonly ProjectionGeneration[];
}

/** Who looks. */
export type Viewer = Pick<DashboardState, "principal" | "hasSession">;

/**
 * Gathers what the dashboard shows.
 *
 * @param opossum The store.
 * @param viewer Who looks.
 * @returns The state.
 */
export async function gather(
  opossum: Opossum,
  viewer: Viewer,
): Promise<DashboardState> {
  const { projections, rebuilder, daemon, events, options } = opossum;
  const [head, infos, status, operations, lastScrub] = await Promise.all([
    events.head(),
    Promise.all(projections.names.map((name) => projections.info(name))),
    rebuilder.getRebuildStatus(),
    rebuilder.listOperations({ limit: HISTORY_LENGTH }),
    opossum.lastScrub(),
  ]);
  // However many came after them, those that run are shown.
  const running = await Promise.all(
    status.operationIds.map((id) => rebuilder.getOperation(id)),
  );
  const newestFirst = running.filter((operation) => operation !== undefined)
    .sort((a, b) => a.startedAt < b.startedAt ? 1 : -1);
  const shown = new Set(newestFirst.map(({ id }) => id));
  const isOpen = ({ id, result, state }: RebuildOperation) =>
    !shown.has(id) && result === null && state !== "interrupted";
  return visibleTo(viewer.principal, {
    ...viewer,
    nowMs: options.clock.now().getTime(),
    head,
    appendState: opossum.appendHealth.state,
    projections: infos,
    status,
    underWay: [...newestFirst, ...operations.filter(isOpen)],
    history: operations.filter((operation) =>
      !shown.has(operation.id) && !isOpen(operation)
    ),
    windows: daemon.schedule(),
    lastScrub,
    scrubbingSince: opossum.scrubbingSince,
    scrubProgress: opossum.scrubProgress,
  });
}

/**
 * Gathers what the page of one projection shows besides.
 *
 * @param opossum The store.
 * @param state What was gathered for the whole.
 * @param name The projection.
 * @returns The details, or `undefined` for an unknown projection.
 */
export async function gatherDetails(
  { projections }: Opossum,
  state: DashboardState,
  name: string,
): Promise<ProjectionDetails | undefined> {
  const info = state.projections.find((each) => each.name === name);
  if (info === undefined) return undefined;
  // Without a generation there is nothing to ask.
  const isReadable = info.generation !== null && info.state !== "damaged";
  return {
    info,
    deadLetters: isReadable ? await projections.deadLetters(name) : [],
    generations: (await projections.generations(name)).toReversed(),
  };
}
