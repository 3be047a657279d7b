/**
 * Asking a server for something that takes long, and looking how far it is meanwhile.
 *
 * @module
 */
import { type Clock, systemClock } from "../../events/clock.ts";

/** How often the server is asked how far it is, in milliseconds. */
export const LOOK_MS = 500;

/**
 * Asks for something, and looks how far the server is until it answers.
 *
 * @param ask Asks.
 * @param look Looks, and shows what it finds unless the signal is aborted by then. What it throws
 * ends the looking: what is asked for says by itself that the server cannot be reached.
 * @param clock Times the looks. @default {systemClock}
 * @returns The answer.
 */
export async function whileWatched<T>(
  ask: () => Promise<T>,
  look: (ended: AbortSignal) => Promise<void>,
  clock: Clock = systemClock,
): Promise<T> {
  const ended = new AbortController();
  const watching = (async () => {
    for (;;) {
      await clock.sleep(LOOK_MS, ended.signal);
      if (ended.signal.aborted) return;
      await look(ended.signal);
    }
  })().catch(() => {});
  try {
    return await ask();
  } finally {
    ended.abort();
    await watching;
  }
}
