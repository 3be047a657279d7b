/**
 * A module that cannot be loaded in a worker.
 *
 * @module
 */
import { sums as original } from "./counting.ts";

if ("WorkerGlobalScope" in globalThis) throw new Error("Not in a worker");

/** Sums up. */
export const sums = original;
