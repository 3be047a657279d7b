/**
 * Waits for a rebuild operation, showing how far it is.
 *
 * @module
 */
import { systemClock } from "../events/clock.ts";
import type {
  ProjectionRebuildProgress,
  ProjectionRebuildResult,
  RebuildPhase,
} from "../rebuild/operation.ts";
import type { Rebuilder } from "../rebuild/rebuilder.ts";
import type { Progress, Step } from "./progress.ts";

const INTERVAL_MS = 100;

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
 * Waits until a rebuild has ended.
 *
 * @param rebuilder Where it runs, and nothing else does.
 * @param rebuilding Its result.
 * @param progress Where to show how far it is.
 * @returns Its result.
 */
export async function watchRebuild(
  rebuilder: Rebuilder,
  rebuilding: Promise<ProjectionRebuildResult>,
  progress: Progress,
): Promise<ProjectionRebuildResult> {
  const shown = new Map<string, Step>();
  const show = (step: Step) => {
    shown.set(step.name, step);
    progress.show(step);
  };
  const ended = new AbortController();
  const [result] = await Promise.all([
    rebuilding.finally(() => ended.abort()),
    showUntil(ended.signal, rebuilder, show),
  ]);
  for (
    const { projectionName: name, state, success, checkpoint } of result.details
  ) {
    const { value, total } = shown.get(name) ??
      { value: checkpoint, total: checkpoint };
    // What failed did not come further than we saw.
    show({ name, phase: PHASES[state], value: success ? total : value, total });
  }
  return result;
}

async function showUntil(
  ended: AbortSignal,
  rebuilder: Rebuilder,
  show: (step: Step) => void,
): Promise<void> {
  while (!ended.aborted) {
    const { progress } = await rebuilder.getRebuildStatus();
    for (const state of progress) show(toStep(state));
    await systemClock.sleep(INTERVAL_MS, ended);
  }
}

function toStep(state: ProjectionRebuildProgress): Step {
  const { projectionName, phase, position, target, eventsPerSecond } = state;
  return {
    name: projectionName,
    phase: PHASES[phase],
    detail: eventsPerSecond === null
      ? ""
      : `, ${Math.round(eventsPerSecond)}/s`,
    value: position,
    total: target,
  };
}
