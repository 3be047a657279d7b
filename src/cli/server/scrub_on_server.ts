/**
 * Has a server scrub, and waits for what it finds.
 *
 * @module
 */
import type { ScrubReport } from "../../daemon/scrub.ts";
import { systemClock } from "../../events/clock.ts";
import type { CommandIo } from "../io.ts";
import type { ServerClient } from "./server_client.ts";
import { ServerProblemError } from "./server_errors.ts";

/** How long a request waits: less than the client does, and than proxies are used to. */
const WAIT_SECONDS = 50;
/** How often is looked whether it is done, in milliseconds. */
const LOOK_MS = 500;

const PATH = "/admin/scrub";

/**
 * Scrubs.
 *
 * @param client Asks the server.
 * @param io Who stops the wait, and whom to tell that it takes long.
 * @returns What was found.
 * @throws {Error} If the scrub failed after a while, or the server was restarted meanwhile.
 */
export async function scrubOnServer(
  client: ServerClient,
  { signal, report }: Pick<CommandIo, "signal" | "report">,
): Promise<ScrubReport> {
  const answer = await client.json<
    ScrubReport | { readonly startedAt: string }
  >(
    "POST",
    PATH,
    { headers: { prefer: `wait=${WAIT_SECONDS}` } },
  );
  if ("completedAt" in answer) return answer;
  const { startedAt } = answer;
  report(`The server scrubs since ${startedAt}: waiting for its report`);
  for (;;) {
    await systemClock.sleep(LOOK_MS, signal);
    signal.throwIfAborted();
    const { last, runningSince } = await lastScrub(client);
    // An earlier one is no answer.
    if (last !== undefined && last.startedAt >= startedAt) return last;
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
}

async function lastScrub(client: ServerClient): Promise<LastScrub> {
  try {
    const { runningSince, ...last } = await client.json<
      ScrubReport & { readonly runningSince?: string | null }
    >("GET", PATH);
    return { last, runningSince };
  } catch (error) {
    const isNone = error instanceof ServerProblemError &&
      error.kind === "no-scrub";
    if (isNone) return { runningSince: error.extensions["runningSince"] };
    throw error;
  }
}
