/**
 * `opossum dead-letters`, `opossum retry` and `opossum skip`: the events that a projection's code
 * fails on, and how to go on.
 *
 * @module
 */
import type { Position } from "../../events/event.ts";
import type { ProjectionInfo } from "../../projections/projections.ts";
import type { Administration } from "../administration.ts";
import {
  type Command,
  type CommandCall,
  type CommandOutcome,
  UsageError,
} from "../command.ts";
import { EXIT_FAILURE, EXIT_OK } from "../exit_codes.ts";
import { openAdministration } from "../open_administration.ts";
import { startProgress } from "../progress.ts";
import { formatTable } from "../table.ts";

/** Lists what was passed over. */
export const deadLettersCommand: Command = {
  name: "dead-letters",
  operands: "PROJECTION",
  operandCount: [1, 1],
  operandKind: "projection",
  summary: "List the events that a projection passed over.",
  details:
    `Lists the events that the serving documents of a projection leave out: those that
its code failed on, under the error policy "skip" or "quarantine", and those that
were ordered to be passed over by "skip".`,
  examples: [
    "dead-letters CourseDetails --url http://127.0.0.1:8000",
  ],
  options: [],
  place: { works: "anywhere" },
  needsProjections: true,
  async run(call) {
    await using administration = await openAdministration(call);
    const [name = ""] = call.operands;
    const letters = await administration.deadLetters(name);
    return {
      exitCode: EXIT_OK,
      json: { deadLetters: letters },
      text: letters.length === 0 ? "None" : formatTable(
        ["POSITION", "TYPE", "KEY", "REASON", "AT", "MESSAGE"],
        letters.map(({ position, eventType, key, reason, at, message }) => [
          position,
          eventType,
          key ?? "(all)",
          reason,
          at,
          message,
        ]),
      ),
    };
  },
};

/** Tries again. */
export const retryCommand: Command = {
  name: "retry",
  operands: "PROJECTION",
  operandCount: [1, 1],
  operandKind: "projection",
  summary: "Try the event again that a projection stands still on.",
  details:
    `Brings a projection up to date as far as it can be, and tries the event again that
it stands still on: also one that is suspected to have ended a process, which is
not tried again otherwise. In a folder, if its code does not return, neither does this
command: stop it by a signal. A server goes on by itself: see "projections show".`,
  examples: [
    "retry CourseDetails --url http://127.0.0.1:8000",
  ],
  options: [],
  place: { works: "anywhere" },
  needsProjections: true,
  async run(call) {
    await using administration = await openAdministration(call);
    const [name = ""] = call.operands;
    using progress = startProgress(call.io, "events");
    return toOutcome(await administration.retry(name, progress));
  },
};

/** Passes over an event. */
export const skipCommand: Command = {
  name: "skip",
  operands: "PROJECTION POSITION",
  operandCount: [2, 2],
  operandKind: "projection",
  summary: "Pass over the event that a projection stands still on.",
  details:
    `Passes over the event that a projection stands still on, durably: now, in servers
that have the folder open with their next try, and in every rebuild of the same
definition. When its version or code changes, the event is tried again.
"projections list" shows on which event a projection stands still. Asks on a terminal,
unless --yes is given.`,
  examples: [
    "skip CourseDetails 1523 --url http://127.0.0.1:8000",
  ],
  options: ["yes"],
  place: { works: "anywhere" },
  needsProjections: true,
  async run(call) {
    const [name = "", text = ""] = call.operands;
    if (!/^[1-9]\d{0,14}$/.test(text)) {
      throw new UsageError(
        `POSITION must be an integer from 1: it is "${text}"`,
      );
    }
    const position: Position = Number(text);
    await using administration = await openAdministration(call);
    if (!await isSkipWanted(administration, call, position)) {
      return { exitCode: EXIT_FAILURE, json: null, text: "Nothing was done" };
    }
    using progress = startProgress(call.io, "events");
    return toOutcome(await administration.skip(name, position, progress));
  },
};

/** Whether to leave the event out: asked where somebody is there to answer. */
async function isSkipWanted(
  administration: Administration,
  { operands: [name = ""], options, io }: CommandCall,
  position: Position,
): Promise<boolean> {
  if (options.yes || !io.confirm) return true;
  const { fault } = await administration.projection(name);
  // In a folder that may be known only by trying.
  const why = fault?.position === position
    ? `, on which its code fails: ${fault.message}`
    : "";
  return await io.confirm(
    `${name} would leave event ${position} out, also when it is rebuilt, ` +
      `until its version or code changes${why}. Go on?`,
  );
}

function toOutcome(info: ProjectionInfo): CommandOutcome {
  const { name, state, checkpoint, lag, fault } = info;
  return {
    exitCode: state === "ready" ? EXIT_OK : EXIT_FAILURE,
    json: info,
    text: fault
      ? `${name} stands still before event ${fault.position}: ${fault.message}`
      : `${name} is ${state}, at position ${checkpoint}, ${lag} events behind`,
  };
}
