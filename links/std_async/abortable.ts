/**
 * Stands in for `@std/async/abortable` where JSR cannot be reached; the part that is used.
 *
 * @module
 */

/**
 * The promise, or a rejection with the signal's reason when that comes first.
 *
 * @param p What to wait for; it goes on when the signal aborts.
 * @param signal Ends the waiting.
 * @returns What `p` resolves to.
 */
export async function abortable<T>(
  p: Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  if (signal.aborted) {
    // Nobody else may be waiting for it.
    p.catch(() => {});
    throw signal.reason;
  }
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([p, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
