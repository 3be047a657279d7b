/**
 * Lets the serving thread go first.
 *
 * @module
 */
import { setPriority } from "node:os";

/** Low enough that requests hardly wait, high enough that a rebuild gets whatever is left. */
const WORKER_NICENESS = 10;

/**
 * Lowers the priority of the calling thread, where that is possible: on Linux, with permission.
 * Elsewhere it would be the whole process's, so nothing happens.
 */
export function lowerThreadPriority(): void {
  if (Deno.build.os !== "linux") return;
  // Asked first: to just try would prompt on a terminal. Without it the threads share evenly.
  const { state } = Deno.permissions.querySync({
    name: "sys",
    kind: "setPriority",
  });
  if (state === "granted") setPriority(0, WORKER_NICENESS);
}
