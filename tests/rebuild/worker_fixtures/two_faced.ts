/**
 * A module that exports other definitions in a worker than in the main thread.
 *
 * @module
 */
import { defineProjection, type ProjectionDefinition } from "@opossum/deno";
import type { Counted } from "./counting.ts";

const isWorker = !("window" in globalThis) && "WorkerGlobalScope" in globalThis;

/** Sums up in the main thread. */
export const sums: ProjectionDefinition<{ sum: number }, Counted> =
  defineProjection({
    name: "Sums",
    version: isWorker ? 2 : 1,
    eventTypes: ["Counted"],
    key: ({ data }) => data.key,
    apply: (state, { data }) => ({ sum: (state?.sum ?? 0) + data.n }),
  });
