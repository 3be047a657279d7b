/**
 * What a scrub of the fake found.
 *
 * @module
 */
import type { ScrubReport } from "../../mod.ts";

/** Nothing is damaged. */
export const SOUND: ScrubReport = {
  ok: true,
  startedAt: "2026-01-15T02:00:00.000Z",
  completedAt: "2026-01-15T02:03:12.000Z",
  log: {
    ok: true,
    head: 0,
    segments: 0,
    frames: 0,
    events: 0,
    bytes: 0,
    problems: [],
  },
  projections: [{
    name: "A",
    state: "ok",
    generation: 1,
    documents: 3,
    problem: null,
    previousProblem: null,
  }],
};
