/**
 * `opossum operations watch`, `cancel`, `pause`, `resume` and `promote`.
 *
 * @module
 */
import type { RebuildOperation } from "../../rebuild/operation.ts";
import type { Administration, OperationOrder } from "../administration.ts";
import type { Command, CommandCall, CommandOutcome } from "../command.ts";
import { EXIT_FAILURE, EXIT_OK } from "../exit_codes.ts";
import { openAdministration } from "../open_administration.ts";
import { startProgress } from "../progress.ts";
import { follow, outcomeOf } from "./follow.ts";

/** Follows an operation. */
export const operationsWatchCommand: Command = {
  name: "operations watch",
  operands: "ID",
  operandCount: [1, 1],
  operandKind: "operation",
  summary: "Follow a rebuild operation to its end.",
  details:
    `Shows how far the operation ID is until it has ended or waits to be promoted, then
what came of it; the exit status is 1 when it failed or was cancelled. One that a
restart interrupted is followed to the one that continues it. SIGINT ends the
watching, with status 130, and not the operation.`,
  examples: ["operations watch 0b5ad2f1c4e94a7f8d3b6c1e2a9f7d40 --url …"],
  options: ["read-only"],
  place: { works: "anywhere" },
  needsProjections: false,
  async run(call) {
    const { operands: [id = ""], io } = call;
    await using administration = await openAdministration(call);
    using progress = startProgress(io, "events");
    const operation = await follow(administration, id, progress, io);
    return outcomeOf(operation, [], io.signal);
  },
};

const IN_A_FOLDER =
  `In a folder, the operation must be one that no living process has: one that was paused,
or that a killed server left. A server's own are reached by --url.`;

/** Stops an operation for good. */
export const operationsCancelCommand: Command = orderCommand("cancel", {
  summary: "Cancel a rebuild operation.",
  details:
    `Cancels the operation ID, also one that is paused or waits to be promoted.
Projections that it has rebuilt already stay; the others keep their old documents,
and what was built of them is deleted. Asks on a terminal, unless --yes is given. The
exit status is 4 when it has ended.

${IN_A_FOLDER}`,
  options: ["yes"],
});

/** Holds an operation up. */
export const operationsPauseCommand: Command = orderCommand("pause", {
  summary: "Pause a rebuild operation, also over restarts.",
  details:
    `Holds the operation ID up until "operations resume". It keeps what it has, and is
still paused when the server was restarted or killed.

${IN_A_FOLDER}`,
});

/** Lets an operation go on. */
export const operationsResumeCommand: Command = orderCommand("resume", {
  summary: "Let a paused rebuild operation go on.",
  details:
    `Lets the operation ID go on where it stood. On a server that is all, and --json
prints the operation; in a folder it runs in this process, which waits for its end as
"projections rebuild" does.

${IN_A_FOLDER}`,
});

/** Swaps in what an operation built. */
export const operationsPromoteCommand: Command = orderCommand("promote", {
  summary: "Swap in what waits to be promoted.",
  details:
    `Catches up with the log what the operation ID has built under --promote=manual, and
swaps it in; waits for the end. The exit status is 4 when it does not wait to be
promoted.

${IN_A_FOLDER}`,
});

function orderCommand(
  order: OperationOrder,
  words:
    & Pick<Command, "summary" | "details">
    & Partial<Pick<Command, "options">>,
): Command {
  return {
    name: `operations ${order}`,
    operands: "ID",
    operandCount: [1, 1],
    operandKind: "operation",
    options: [],
    ...words,
    examples: [`operations ${order} 0b5ad2f1c4e94a7f8d3b6c1e2a9f7d40 --url …`],
    place: { works: "anywhere" },
    needsProjections: true,
    run: (call) => give(order, call),
  };
}

async function give(
  order: OperationOrder,
  call: CommandCall,
): Promise<CommandOutcome> {
  const { operands: [id = ""], io } = call;
  await using administration = await openAdministration(call);
  if (order === "cancel" && !await isCancelWanted(administration, call)) {
    return { exitCode: EXIT_FAILURE, json: null, text: "Nothing was done" };
  }
  const operation = await administration.order(id, order);
  // What goes on in this process ends with it.
  const isFollowed = order === "promote" ||
    (order === "resume" && administration.place === "folder");
  if (!isFollowed) {
    return { exitCode: EXIT_OK, json: operation, text: toText(operation) };
  }
  using progress = startProgress(io, "events");
  const ended = await follow(administration, operation.id, progress, io);
  return outcomeOf(ended, [], io.signal);
}

/** Whether to delete what was built: asked where somebody is there to answer. */
async function isCancelWanted(
  administration: Administration,
  { operands: [id = ""], options, io }: CommandCall,
): Promise<boolean> {
  if (options.yes || !io.confirm) return true;
  let { progress, resumedBy } = await administration.operation(id);
  while (resumedBy !== undefined) {
    ({ progress, resumedBy } = await administration.operation(resumedBy));
  }
  const built = progress.filter(({ phase }) => !SETTLED.has(phase))
    .map(({ projectionName, percent }) =>
      `${projectionName} at ${Math.floor(percent)} %`
    );
  // With nothing to delete there is nothing to ask.
  if (built.length === 0) return true;
  return await io.confirm(
    `What was built would be deleted: ${built.join(", ")}. Go on?`,
  );
}

/** Phases in which nothing is kept to go on with. */
const SETTLED: ReadonlySet<string> = new Set([
  "succeeded",
  "failed",
  "cancelled",
]);

function toText({ id, state, pausedAt }: RebuildOperation): string {
  return `Operation ${id} is ${pausedAt === null ? state : "paused"}`;
}
