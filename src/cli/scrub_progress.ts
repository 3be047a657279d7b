/**
 * Shows how far a scrub is.
 *
 * @module
 */
import type { ScrubProgress } from "../daemon/scrub.ts";
import type { Progress } from "./progress.ts";

/**
 * Shows each change of a scrub: a line of its own for the log, and for each projection.
 *
 * @param progress Where.
 * @returns To be called with how far it is, again and again.
 */
export function showScrub(
  progress: Progress,
): (scrub: ScrubProgress) => void {
  return (scrub) => {
    const { projectionName, projectionsChecked, projections } = scrub;
    const phase = "looking for damage";
    progress.show(
      projectionName === null
        ? {
          name: "Log",
          phase,
          value: scrub.eventsChecked,
          total: scrub.events,
          unit: "events",
        }
        : {
          name: projectionName,
          phase,
          detail: `, ${projectionsChecked} of ${projections} projections done`,
          value: scrub.documentsChecked,
          total: scrub.documents,
          unit: "documents",
        },
    );
  };
}
