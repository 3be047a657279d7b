/**
 * Has a server scrub, and waits for what it finds.
 *
 * @module
 */
import type { ScrubProgress, ScrubReport } from "../../daemon/scrub.ts";
import { type Clock, systemClock } from "../../events/clock.ts";
import type { CommandIo } from "../io.ts";
import type { ServerClient } from "./server_client.ts";
import { ServerProblemError } from "./server_errors.ts";
import { LOOK_MS, whileWatched } from "./while_watched.ts";

/** How long a request waits: less than the client does, and than proxies are used to. */
const WAIT_SECONDS = 50;

const PATH = "/admin/scrub";

/**
 * Scrubs.
 *
 * @param client Asks the server.
 * @param io Who stops the wait, and whom to tell that it takes long.
 * @param onProgress Told now and then how far the server is.
 * @param clock Times the looks. @default {systemClock}
 * @returns What was found.
 * @throws {Error} If the scrub failed after a while, or the server was restarted meanwhile.
 */
export async function scrubOnServer(
  client: ServerClient,
  { signal, report }: Pick<CommandIo, "signal" | "report">,
  onProgress: (progress: ScrubProgress) => void,
  clock: Clock = systemClock,
): Promise<ScrubReport> {
  const answer = await whileWatched(
    () =>
      client.json<ScrubReport | { readonly startedAt: string }>("POST", PATH, {
        headers: { prefer: `wait=${WAIT_SECONDS}` },
      }),
    async (ended) => {
      const { progress } = await lastScrub(client);
      if (progress && !ended.aborted) onProgress(progress);
    },
    clock,
  );
  if ("completedAt" in answer) return answer;
  const { startedAt } = answer;
  report(`The server scrubs since ${startedAt}: waiting for its report`);
  for (;;) {
    await clock.sleep(LOOK_MS, signal);
    signal.throwIfAborted();
    const { last, runningSince, progress } = await lastScrub(client);
    // An earlier one is no answer.
    if (last !== undefined && last.startedAt >= startedAt) return last;
    if (progress) onProgress(progress);
    if (runningSince === null) {
      throw new Error(
        "Cannot tell what the scrub found as it ended without a report: " +
          "the server's log tells why",
      );
    }
  }
}

interface LastScrub {
  readonly last?: ScrubReport;
  /** `null` when nothing is scrubbed, `undefined` of a server that does not say. */
  readonly runningSince: unknown;
  /** How far the one under way is, where the server says. */
  readonly progress: ScrubProgress | null | undefined;
}

async function lastScrub(client: ServerClient): Promise<LastScrub> {
  try {
    const { runningSince, progress, ...last } = await client.json<
      ScrubReport & {
        readonly runningSince?: string | null;
        readonly progress?: ScrubProgress | null;
      }
    >("GET", PATH);
    return { last, runningSince, progress };
  } catch (error) {
    const isNone = error instanceof ServerProblemError &&
      error.kind === "no-scrub";
    if (!isNone) throw error;
    const { runningSince, progress } = error.extensions;
    return { runningSince, progress: progress as ScrubProgress | null };
  }
}
