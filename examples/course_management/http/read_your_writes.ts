/**
 * Reading what one just wrote: `?wait=true` answers a command when the read models show it.
 *
 * @module
 */
import type { Opossum, Position } from "@opossum/deno";

/** Longest wait for the read models, in milliseconds. */
const WAIT_MS_MAX = 5_000;

/**
 * What a command's answer says about the read models: nothing, unless the client asked to wait.
 *
 * @param opossum The store.
 * @param wait The request's parameter.
 * @param position Position of the event, or `undefined` when there was nothing to record: then
 * whatever led to that is waited for.
 * @param names The projections that show it.
 * @returns The member of the answer.
 */
export async function visibility(
  opossum: Opossum,
  wait: "true" | "false",
  position: Position | undefined,
  names: readonly string[],
): Promise<{ readonly visible?: boolean }> {
  if (wait === "false") return {};
  const awaited = position ?? await opossum.events.head();
  return { visible: await isVisible(opossum, awaited, names) };
}

/**
 * The event is recorded whatever happens here, so nothing that goes wrong may look like a command
 * that failed.
 */
async function isVisible(
  opossum: Opossum,
  position: Position,
  names: readonly string[],
): Promise<boolean> {
  const { clock, logger } = opossum.options;
  const timeout = new AbortController();
  const done = new AbortController();
  void clock.sleep(WAIT_MS_MAX, done.signal).then(() => timeout.abort());
  try {
    await opossum.projections.waitFor(position, {
      names,
      signal: timeout.signal,
    });
    return true;
  } catch (error) {
    if (!timeout.signal.aborted) {
      logger.log("warn", "Cannot wait for the read models", {
        projections: names,
        error,
      });
    }
    return false;
  } finally {
    done.abort();
  }
}
