/**
 * Rebuilds single documents on a server.
 *
 * @module
 */
import { type Clock, systemClock } from "../../events/clock.ts";
import type {
  ProjectionLastRepair,
  ProjectionRepairProgress,
} from "../../projections/build_info.ts";
import type { ProjectionInfo } from "../../projections/projections.ts";
import type { RebuiltKey, RebuiltKeys } from "../../rebuild/rebuilt_keys.ts";
import { UsageError } from "../command.ts";
import type { ServerClient } from "./server_client.ts";
import { ServerProblemError } from "./server_errors.ts";
import { LOOK_MS, whileWatched } from "./while_watched.ts";

/** What to rebuild. */
export interface ServerRepair {
  /** Path of the projection. */
  readonly path: string;
  /** The projection. */
  readonly name: string;
  /** Which documents; `undefined`: those that are missing or damaged. */
  readonly keys: readonly string[] | undefined;
  /** Told of what was done before a request fails. */
  readonly report: (line: string) => void;
  /** Told now and then how far the server is. */
  readonly onProgress: (repair: ProjectionRepairProgress) => void;
  /** Times the looks. @default {systemClock} */
  readonly clock?: Clock;
  /** Ends the wait; the server goes on. @default {nobody} */
  readonly signal?: AbortSignal;
}

/** How long a request waits, in seconds: less than proxies are used to. */
const WAIT_SECONDS = 50;

/**
 * Rebuilds single documents: a request for each key, one after the other.
 *
 * @param client Asks the server.
 * @param repair What to rebuild.
 * @returns What became of all of them.
 * @throws {UsageError} If a key cannot stand in a path.
 * @throws {ServerProblemError} If it failed.
 * @throws {Error} If the server was restarted meanwhile.
 */
export async function repairOnServer(
  client: ServerClient,
  repair: ServerRepair,
): Promise<RebuiltKeys> {
  const { path, name, keys, report } = repair;
  if (keys === undefined) {
    return await toTheEnd(client, repair, `${path}/repair`);
  }
  const wanted = [...new Set(keys)];
  // Whatever builds a URL takes them for steps, also when they are encoded.
  const step = wanted.find((key) => key === "." || key === "..");
  if (step !== undefined) {
    throw new UsageError(
      `Key ${
        JSON.stringify(step)
      } cannot be named to a server: leave '--key' away`,
    );
  }
  const done: RebuiltKey[] = [];
  let checkpoint = 0;
  let eventsScanned = 0;
  for (const key of wanted) {
    try {
      const rebuilt = await toTheEnd(
        client,
        repair,
        `${path}/keys/${encodeURIComponent(key)}/rebuild`,
      );
      done.push(...rebuilt.keys);
      // What was rebuilt before was updated up to there meanwhile.
      checkpoint = rebuilt.checkpoint;
      eventsScanned += rebuilt.eventsScanned;
    } catch (error) {
      if (done.length > 0) {
        report(
          `Done before it failed: ${done.length} of ${wanted.length} keys`,
        );
      }
      throw error;
    }
  }
  const sorted = done.sort((a, b) => a.key < b.key ? -1 : 1);
  return { projectionName: name, checkpoint, eventsScanned, keys: sorted };
}

/** What a server tells of a projection's repairs. */
interface Repairs {
  readonly running: ProjectionRepairProgress | null;
  readonly last: ProjectionLastRepair | null;
  readonly rebuilt: RebuiltKeys | null;
}

/** Asks for it, and looks again and again when it takes longer than a request may. */
async function toTheEnd(
  client: ServerClient,
  repair: ServerRepair,
  ask: string,
): Promise<RebuiltKeys> {
  const { path, onProgress, clock = systemClock, signal } = repair;
  const answer = await whileWatched(
    () =>
      client.json<RebuiltKeys | ProjectionRepairProgress>("POST", ask, {
        headers: { prefer: `wait=${WAIT_SECONDS}` },
        // An older server knows nothing of that.
        isLong: true,
      }),
    async (ended) => {
      // An older server does not tell.
      const { repair: now = null } = await client.json<
        Partial<ProjectionInfo>
      >("GET", path);
      if (now !== null && !ended.aborted) onProgress(now);
    },
    clock,
  );
  if (!("phase" in answer)) return answer;
  onProgress(answer);
  for (;;) {
    await clock.sleep(LOOK_MS, signal);
    signal?.throwIfAborted();
    const { running, last, rebuilt } = await client.json<Repairs>(
      "GET",
      `${path}/repair`,
    );
    // An earlier one is no answer.
    if (last !== null && last.startedAt >= answer.startedAt) {
      return rebuilt ?? failed(last);
    }
    if (running === null) {
      throw new Error(
        "Cannot tell what came of the repair as the server was restarted " +
          "meanwhile: it changed all or nothing, repair again",
      );
    }
    onProgress(running);
  }
}

/** Errors that say of themselves that nothing is broken. */
const CONFLICTS: ReadonlySet<string> = new Set([
  "KeyRebuildError",
  "RebuildConflictError",
]);

function failed({ error }: ProjectionLastRepair): never {
  throw new ServerProblemError({
    status: CONFLICTS.has(error?.name ?? "") ? 409 : 500,
    kind: "repair-failed",
    detail: error?.message ?? "The repair failed",
    requestId: undefined,
    extensions: {},
  });
}
