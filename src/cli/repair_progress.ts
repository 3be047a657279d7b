/**
 * Shows how far the repair of a projection is.
 *
 * @module
 */
import type {
  ProjectionRepairProgress,
  RepairPhase,
} from "../projections/build_info.ts";
import type { Progress } from "./progress.ts";

/** What people read instead of the phases. */
const PHASES: Readonly<Record<RepairPhase, string>> = {
  queued: "waiting for its turn",
  checking: "looking at documents",
  scanning: "reading the log",
  comparing: "comparing",
  changing: "changing what differs",
};

/**
 * Shows each change of a repair.
 *
 * @param progress Where.
 * @returns To be called with how far it is, again and again.
 */
export function showRepair(
  progress: Progress,
): (repair: ProjectionRepairProgress) => void {
  return (repair) => {
    const { projectionName: name, phase, perSecond, keys } = repair;
    const rate = perSecond === null ? "" : `, ${perSecond}/s`;
    const isOfDocuments = phase === "queued" || phase === "checking";
    progress.show({
      name,
      phase: PHASES[phase],
      detail: `${rate}, ${keys} to fold anew`,
      ...isOfDocuments
        ? {
          value: repair.documentsChecked,
          total: repair.documents,
          unit: "documents",
        }
        : { value: repair.position, total: repair.target, unit: "events" },
    });
  };
}
