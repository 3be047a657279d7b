/**
 * The watchdog's thread.
 *
 * @module
 */
import { join } from "node:path";
import { CodeWatch, type WatchedPlace } from "../projections/code_watch.ts";
import { addSuspect, removeSuspect } from "../projections/event_orders.ts";
import { denoFileSystem } from "../storage/deno_file_system.ts";
import { createJsonLogger } from "../telemetry/logger.ts";
import { writeToStandardError } from "../telemetry/standard_error.ts";
import type { WatchdogMessage } from "./watchdog_message.ts";

/** The part of a worker's global scope that is used here. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<WatchdogMessage>) => void) | null;
  postMessage(answer: "ended"): void;
}

/** How often it looks, in milliseconds. */
const LOOK_INTERVAL_MS = 50;

/** Code that runs so long on one event is taken note of, in milliseconds. */
const NOTE_MS = 1_000;

/** A thread that is watched. */
interface Watched {
  readonly watch: CodeWatch;
  readonly canEnd: boolean;
  /** Where it was at the last look. */
  place?: WatchedPlace | undefined;
  /** Looks in a row that found it there. */
  looks: number;
  /** Whether that was taken note of. */
  isNoted: boolean;
}

type Begin = Extract<WatchdogMessage, { kind: "begin" }>;

const scope = globalThis as unknown as WorkerScope;
const watched: Watched[] = [];
const logger = createJsonLogger({ write: writeToStandardError });
const ending = Promise.withResolvers<void>();
let isEnding = false;

scope.onmessage = ({ data }) => {
  if (data.kind === "begin") void run(data);
  else if (data.kind === "end") {
    isEnding = true;
    ending.resolve();
  } else {
    const { memory, canEnd } = data;
    const watch = new CodeWatch(memory);
    watched.push({ watch, canEnd, looks: 0, isNoted: false });
  }
};

async function run(begin: Begin): Promise<void> {
  for (let isLast = false; !isLast;) {
    const looking = new Promise((resolve) =>
      setTimeout(resolve, LOOK_INTERVAL_MS)
    );
    await Promise.race([looking, ending.promise]);
    // A look that began before may have missed the return of what it took note of.
    isLast = isEnding;
    for (const thread of watched) {
      try {
        await look(thread, begin);
      } catch (error) {
        // A full disk: without a note the process is not ended, as it would loop again.
        thread.looks = 0;
        logger.log("error", "Watchdog cannot take note of what it sees", {
          error,
        });
      }
    }
  }
  scope.postMessage("ended");
}

async function look(
  thread: Watched,
  { directory, timeout, projections }: Begin,
): Promise<void> {
  const place = thread.watch.look();
  const { place: before } = thread;
  const folderOf = ({ index }: WatchedPlace) => ({
    fileSystem: denoFileSystem,
    directory: join(directory, projections[index]?.projectionName ?? ""),
  });
  if (place === undefined || place.beats !== before?.beats) {
    thread.looks = 0;
    if (before && thread.isNoted) {
      const { projectionName = "" } = projections[before.index] ?? {};
      // First: while it fails, the next look must still know which note to take back.
      await removeSuspect(folderOf(before), projectionName, before.position);
    }
    thread.place = place;
    thread.isNoted = false;
    return;
  }
  // Looks are counted rather than time: none are missed while the machine sleeps.
  const elapsedMs = ++thread.looks * LOOK_INTERVAL_MS;
  const projection = projections[place.index];
  if (!projection) return;
  const { projectionName } = projection;
  const { position } = place;
  if (elapsedMs >= Math.min(NOTE_MS, timeout / 2) && !thread.isNoted) {
    const at = new Date().toISOString();
    await addSuspect(folderOf(place), projection, { position, at });
    thread.isNoted = true;
    logger.log("warn", "Projection code takes long on one event", {
      projection: projectionName,
      position,
    });
  }
  if (elapsedMs < timeout || !thread.canEnd) return;
  logger.log(
    "error",
    "Projection code did not return: the process is ended, and the event not tried again",
    { projection: projectionName, position },
  );
  // The serving thread cannot end it in any orderly way. No permission is needed for this one.
  Deno.kill(Deno.pid, "SIGKILL");
}
