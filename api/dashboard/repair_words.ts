/**
 * What people read of repairs.
 *
 * @module
 */
import type {
  ProjectionLastRepair,
  ProjectionRepairProgress,
  RepairPhase,
} from "../../mod.ts";
import { count, countOf, instant } from "./words.ts";

const PHASES: Readonly<Record<RepairPhase, string>> = {
  queued: "waits for its turn",
  checking: "looks at documents",
  scanning: "reads the log",
  comparing: "compares",
  changing: "changes what differs",
};

/** How far a repair is. */
export function repairText(
  { phase, percent, keys, startedAt }: ProjectionRepairProgress,
): string {
  return `${PHASES[phase]}, ${Math.floor(percent)} %, ${
    countOf(keys, "document")
  } to make anew, since ${instant(startedAt)}`;
}

/** What came of the last repair. */
export function lastRepairText(
  { outcome, completedAt, keys, keysChanged, error }: ProjectionLastRepair,
): string {
  const what = error?.message ??
    `${countOf(keys, "document")} looked at closer, ${
      count(keysChanged)
    } mended`;
  return `${outcome} ${instant(completedAt)}: ${what}`;
}
