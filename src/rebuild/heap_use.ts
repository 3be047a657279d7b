/**
 * How much of its memory a thread has used up.
 *
 * @module
 */
import { getHeapStatistics } from "node:v8";

/** Beyond this share of its limit the runtime soon ends the whole process. */
const CRITICAL_SHARE = 0.85;

/** The memory of the calling thread's objects. */
export interface HeapUse {
  /** Bytes in use. */
  readonly used: number;
  /** Bytes at which the runtime gives up. */
  readonly limit: number;
  /** Whether it is about to. */
  readonly isCritical: boolean;
}

/** Looks at the calling thread's memory. */
export function heapUse(): HeapUse {
  const { heap_size_limit: limit } = getHeapStatistics();
  const { heapUsed: used } = Deno.memoryUsage();
  return { used, limit, isCritical: used > limit * CRITICAL_SHARE };
}
