/**
 * The shapes of generations, and of what comes of comparing them.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import type {
  ComparisonSample,
  ProjectionGeneration,
  RebuildComparison,
} from "../mod.ts";

const Count = z.int().nonnegative();

const Sample: z.ZodType<ComparisonSample> = z.object({
  key: z.string(),
  change: z.enum(["added", "removed", "changed"]),
  before: z.string().nullable().openapi({
    description:
      "The document that serves as JSON text, cut after 1000 characters",
    example: '{"seats":30}',
  }),
  after: z.string().nullable().openapi({
    description: "The document of the new build likewise",
    example: '{"seats":31}',
  }),
}).openapi("ComparisonSample");

/** How a new build differs from the generation that serves. */
export const Comparison: z.ZodType<RebuildComparison> = z.object({
  checkpoint: Count.openapi({
    description: "Position up to which both had applied the log",
  }),
  generation: Count.openapi({ description: "The one that serves" }),
  added: Count,
  removed: Count,
  changed: Count,
  unchanged: Count,
  samples: z.array(Sample).max(20).openapi({
    description:
      "The first that differ; none for tokens that may only look, as documents are data",
  }),
}).openapi("RebuildComparison");

/** One generation of a projection. */
export const Generation: z.ZodType<ProjectionGeneration> = z.object({
  number: Count,
  role: z.enum(["current", "previous", "building", "awaitingPromotion"]),
  version: Count,
  fingerprint: z.string(),
  checkpoint: Count,
  documents: Count,
  bytes: Count,
  builtAt: z.iso.datetime().nullable(),
}).openapi("ProjectionGeneration");
