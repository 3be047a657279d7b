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
      const { value, total } = shown.get(name) ??
        { value: checkpoint, total: checkpoint };
      // What failed did not come further than we saw.
      const now = { value: success ? total : value, total };
      show({ name, phase: PHASES[state], ...now });
    }
  };
}

function toStep(state: ProjectionRebuildProgress): Step {
  const { projectionName, phase, position, target, eventsPerSecond } = state;
  const words = state.paused
    ? "paused"
    : state.stalled
    ? `${PHASES[phase]}, stalled`
    : PHASES[phase];
  return {
    name: projectionName,
    phase: words,
    detail: eventsPerSecond === null
      ? ""
      : `, ${Math.round(eventsPerSecond)}/s`,
    value: position,
    total: target,
  };
}
