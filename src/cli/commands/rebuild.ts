/**
 * `opossum projections rebuild`: rebuilds projections, showing how far it is.
 *
 * @module
 */
import type { Administration, RebuildRequest } from "../administration.ts";
import {
  type Command,
  type CommandCall,
  type CommandOutcome,
  type OptionValues,
  UsageError,
} from "../command.ts";
import { EXIT_FAILURE, EXIT_OK } from "../exit_codes.ts";
import { openAdministration } from "../open_administration.ts";
import { startProgress } from "../progress.ts";
import { follow, outcomeOf } from "./follow.ts";
import { heldLines, planSummary, planText } from "./rebuild_text.ts";

const NOTE_UNITS_MAX = 256;
const PRIORITY_MAX = 100;

/** The command. */
export const rebuildCommand: Command = {
  name: "projections rebuild",
  formerly: "rebuild",
  operands: "[NAME…]",
  operandCount: [0, Infinity],
  operandKind: "projection",
  summary: "Rebuild projections.",
  details:
    `Rebuilds the projections NAME…, whether they need it or not. Without names: those
that are absent, stale, damaged or faulted, or with --force all of them; in a folder,
the others are brought up to the log's last position.

Each is built aside, then swapped in: readers are served from the old documents
until then, and a failed or stopped rebuild changes nothing. One that fails does not
stop the others; the exit status is then 1.

In a folder the rebuild runs in this process: SIGINT cancels it, and what is swapped
in by then stays. On a server it runs there, and is watched: SIGINT, or a connection
that is lost for good, leaves it running. A server that is restarted goes on with it.

With --promote=manual what is built waits for "operations promote", also over
restarts; --verify says before how it differs from what serves.`,
  examples: [
    "projections rebuild --data ./data --projections ./projections.ts",
    "projections rebuild --dry-run --url http://127.0.0.1:8000",
    'projections rebuild CourseDetails --note "the fix" --url http://127.0.0.1:8000',
    "projections rebuild CourseDetails --verify --promote manual --url …",
    "projections rebuild --force --yes --no-wait --url http://127.0.0.1:8000",
  ],
  options: [
    "force",
    "concurrency",
    "priority",
    "dry-run",
    "note",
    "verify",
    "promote",
    "ignore-disk-space",
    "no-wait",
    "yes",
  ],
  place: { works: "anywhere" },
  needsProjections: true,
  run: rebuild,
};

async function rebuild(call: CommandCall): Promise<CommandOutcome> {
  const { options, io } = call;
  const request = readRequest(call);
  const isNoWait = options["no-wait"] === true;
  if (isNoWait && options.url === undefined) {
    throw new UsageError(
      "Option '--no-wait' needs '--url': a folder's rebuild runs in this process",
    );
  }
  const concurrency = readConcurrency(options.concurrency);
  await using administration = await openAdministration(
    call,
    concurrency === undefined ? {} : { maxConcurrentRebuilds: concurrency },
  );
  if (options["dry-run"]) {
    const plan = await administration.plan(request);
    return { exitCode: EXIT_OK, json: plan, text: planText(plan) };
  }
  if (!await isConfirmed(administration, request, call)) {
    return { exitCode: EXIT_FAILURE, json: null, text: "Nothing was done" };
  }
  const operation = await administration.start(request);
  if (isNoWait) {
    return { exitCode: EXIT_OK, json: operation, text: operation.id };
  }
  using progress = startProgress(io, "events");
  const ended = await follow(administration, operation.id, progress, io);
  const caughtUp = request.names === undefined && ended.result !== null
    ? await administration.catchUp(ended, progress)
    : [];
  const outcome = outcomeOf(ended, caughtUp, io.signal);
  if (request.names !== undefined || !ended.result?.success) return outcome;
  const held = heldLines(await administration.plan(request));
  return { ...outcome, text: [outcome.text, ...held].join("\n") };
}

function readRequest({ operands, options }: CommandCall): RebuildRequest {
  const { force = false, verify = false, note } = options;
  const names = operands.length > 0 ? [...new Set(operands)] : undefined;
  if (note !== undefined && note.length > NOTE_UNITS_MAX) {
    throw new UsageError(
      `Option '--note' must have at most ${NOTE_UNITS_MAX} characters: it has ${note.length}`,
    );
  }
  const concurrency = readConcurrency(options.concurrency);
  const priority = readPriority(options.priority);
  const promote = readPromotion(options);
  return {
    names,
    forceRebuild: force && names === undefined,
    ...concurrency === undefined || concurrency === "auto"
      ? {}
      : { concurrency },
    ...priority === undefined ? {} : { priority },
    ...note === undefined ? {} : { note },
    ...verify ? { verify } : {},
    ...promote === undefined ? {} : { promote },
    ...options["ignore-disk-space"] ? { ignoreDiskSpace: true } : {},
  };
}

function readConcurrency(
  text: string | undefined,
): number | "auto" | undefined {
  if (text === undefined || text === "auto") return text;
  const value = /^[0-9]{1,2}$/.test(text) ? Number(text) : NaN;
  if (!(value >= 1 && value <= 64)) {
    throw new UsageError(
      `Option '--concurrency' must be an integer from 1 to 64, or "auto": current value is ${
        JSON.stringify(text)
      }`,
    );
  }
  return value;
}

function readPriority(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = /^-?[0-9]{1,3}$/.test(text) ? Number(text) : NaN;
  if (!(Math.abs(value) <= PRIORITY_MAX)) {
    throw new UsageError(
      `Option '--priority' must be an integer from -100 to 100: current value is ${
        JSON.stringify(text)
      }`,
    );
  }
  return value;
}

function readPromotion({ promote }: OptionValues): RebuildRequest["promote"] {
  if (
    promote === undefined || promote === "manual" || promote === "automatic"
  ) return promote;
  throw new UsageError(
    `Option '--promote' must be "manual" or "automatic": current value is ${
      JSON.stringify(promote)
    }`,
  );
}

/** Asks before everything is rebuilt, where somebody can answer. */
async function isConfirmed(
  administration: Administration,
  request: RebuildRequest,
  { options, io }: CommandCall,
): Promise<boolean> {
  if (!request.forceRebuild || options.yes || !io.confirm) return true;
  const plan = await administration.plan(request);
  return await io.confirm(`${planSummary(plan)}. Go on?`);
}
