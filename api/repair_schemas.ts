/**
 * The shapes of repairs: how far one is, and what came of it.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import type {
  ProjectionLastRepair,
  ProjectionRepairProgress,
  RebuiltKeys,
} from "../mod.ts";

const Count = z.int().nonnegative();
const Time = z.iso.datetime();

/** How far a repair is. */
export const Repair: z.ZodType<ProjectionRepairProgress> = z.object({
  projectionName: z.string(),
  startedAt: Time,
  phase: z.enum(["queued", "checking", "scanning", "comparing", "changing"]),
  documentsChecked: Count,
  documents: Count,
  position: Count,
  target: Count,
  keys: Count.openapi({
    description: "Documents that are folded anew, as many as are known by now",
  }),
  percent: z.number().min(0).max(100),
  perSecond: z.number().nonnegative().nullable().openapi({
    description: "Documents or events a second in this phase",
  }),
}).openapi("ProjectionRepairProgress");

/** What came of a repair. */
export const LastRepair: z.ZodType<ProjectionLastRepair> = z.object({
  scope: z.enum(["missingOrDamaged", "givenKeys"]),
  outcome: z.enum(["succeeded", "failed", "cancelled"]).openapi({
    description: "Unless it succeeded, nothing was changed",
  }),
  startedAt: Time,
  completedAt: Time,
  keys: Count.openapi({
    description: "Documents that were looked at closer; 0 unless it succeeded",
  }),
  keysChanged: Count.openapi({
    description: "Of these, those that were changed, added or removed",
  }),
  error: z.object({
    name: z.string().openapi({ example: "KeyRebuildError" }),
    message: z.string(),
    position: Count.nullable(),
    eventType: z.string().nullable(),
  }).nullable(),
}).openapi("ProjectionLastRepair");

/** What became of documents. */
export const Rebuilt: z.ZodType<RebuiltKeys> = z.object({
  projectionName: z.string(),
  checkpoint: Count.openapi({
    description: "The documents are as the log up to this position says",
  }),
  eventsScanned: Count,
  keys: z.array(
    z.object({
      key: z.string(),
      change: z.enum(["unchanged", "changed", "added", "removed"]),
    }).openapi("RebuiltKey"),
  ),
}).openapi("RebuiltKeys");

/** The repairs of a projection in the server's process. */
export interface Repairs {
  /** The one under way. */
  readonly running: ProjectionRepairProgress | null;
  /** What came of the last one that has ended. */
  readonly last: ProjectionLastRepair | null;
  /** What became of each of its documents. */
  readonly rebuilt: RebuiltKeys | null;
}

/** The repairs of a projection. */
export const RepairsBody: z.ZodType<Repairs> = z.object({
  running: Repair.nullable(),
  last: LastRepair.nullable(),
  rebuilt: Rebuilt.nullable().openapi({
    description:
      "What became of each document; null unless it succeeded, and for tokens " +
      "that may not operate",
  }),
}).openapi("ProjectionRepairs");
