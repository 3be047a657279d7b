/**
 * Shows how far an operation is, and what came of it.
 *
 * @module
 */
import type {
  ProjectionRebuildProgress,
  RebuildOperation,
  RebuildPhase,
} from "../rebuild/operation.ts";
import type { Progress, Step } from "./progress.ts";

/** What people read instead of the phases. */
const PHASES: Readonly<Record<RebuildPhase, string>> = {
  queued: "queued",
  scanning: "scanning",
  catchingUp: "catching up",
  awaitingPromotion: "waiting to be promoted",
  swapping: "swapping in",
  succeeded: "done",
  failed: "failed",
  cancelled: "cancelled",
  interrupted: "interrupted",
};

/**
 * Shows each change of an operation.
 *
 * @param progress Where.
 * @returns To be called with the operation, again and again.
 */
export function showOperation(
  progress: Progress,
): (operation: RebuildOperation) => void {
  const shown = new Map<string, Step>();
  const show = (step: Step) => {
    shown.set(step.name, step);
    progress.show(step);
  };
  return ({ progress: states, result }) => {
    if (result === null) {
      for (const state of states) show(toStep(state));
      return;
    }
    for (
      const { projectionName: name, state, success, checkpoint } of result
        .details
    ) {
      const last = shown.get(name);
      const { value, total } = last ?? { value: checkpoint, total: checkpoint };
      // What failed did not come further than we saw.
      show({
        name,
        phase: PHASES[state],
        value: success ? total : value,
        total,
        percent: success ? 100 : last?.percent ?? 0,
      });
    }
  };
}

/**
 * How fast a build goes, and when it is about to be done, as far as that is known.
 *
 * @param progress How far it is.
 * @returns A text for each: `"25278/s"`, `"ETA 19:58:11Z"`. A time rather than how long it
 * will take: the clock of a server need not be that of whoever watches.
 */
export function paceOf(
  { paused, eventsPerSecond, estimatedCompletionAt }: ProjectionRebuildProgress,
): string[] {
  if (paused) return [];
  return [
    ...eventsPerSecond === null ? [] : [`${Math.round(eventsPerSecond)}/s`],
    ...estimatedCompletionAt === null
      ? []
      : [`ETA ${estimatedCompletionAt.slice(11, 19)}Z`],
  ];
}

/**
 * What is being done, in words.
 *
 * @param progress How far it is.
 * @returns The text: `"scanning, stalled"`.
 */
export function phaseOf(
  { phase, paused, stalled, position, target }: ProjectionRebuildProgress,
): string {
  // What was read is folded then, which is a good part of the work.
  const isFolding = phase === "scanning" && target > 0 && position >= target;
  const words = isFolding ? "making documents" : PHASES[phase];
  if (paused) return `${words}, paused`;
  return stalled ? `${words}, stalled` : words;
}

/**
 * How far a build is, in words.
 *
 * @param progress How far it is.
 * @returns The text: `"scanning, 42 %, 25278/s, ETA 19:58:11Z"`.
 */
export function buildText(progress: ProjectionRebuildProgress): string {
  return [
    phaseOf(progress),
    `${Math.floor(progress.percent)} %`,
    ...paceOf(progress),
  ].join(", ");
}

function toStep(state: ProjectionRebuildProgress): Step {
  const { projectionName, position, target, percent } = state;
  return {
    name: projectionName,
    phase: state.paused ? "paused" : phaseOf(state),
    detail: paceOf(state).map((text) => `, ${text}`).join(""),
    value: position,
    total: target,
    percent,
  };
}
