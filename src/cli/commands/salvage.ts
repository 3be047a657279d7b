/**
 * `opossum salvage`: everything of a damaged log that can still be read, somewhere else.
 *
 * @module
 */
import { LOST_EVENT_TYPE, salvage } from "../../maintenance/salvage.ts";
import { type Command, UsageError } from "../command.ts";
import { commandLogger } from "../command_logger.ts";
import { EXIT_FAILURE, EXIT_OK } from "../exit_codes.ts";
import { withFolder } from "../inspect_store.ts";
import { findingLine, lostLines } from "../inspection_text.ts";
import { bytesShown } from "../folder_progress.ts";
import { startProgress } from "../progress.ts";

/** The command. */
export const salvageCommand: Command = {
  name: "salvage",
  operands: "TARGET",
  operandCount: [1, 1],
  operandKind: "file",
  summary: "Write what can be read of a damaged log elsewhere.",
  details:
    `Writes every whole append, before and behind the damage, to TARGET: a folder that
is empty or missing becomes a new store; a name that ends in ".ndjson" becomes a
file for opossum import. The damaged store is only read.

Events keep their positions, ids and times. Where one is lost, an event of type
"${LOST_EVENT_TYPE}" takes its place, so that no position is given to another
event. The new store has an id of its own: its projections are to be rebuilt.

The exit status is 1 when events are lost; the positions are listed.`,
  examples: [
    "salvage ./salvaged --data ./data",
    "salvage events.ndjson --data ./data",
  ],
  options: [],
  place: {
    works: "folder",
    because: "it reads the files themselves",
  },
  needsProjections: false,
  async run(call) {
    const { io, operands: [target = ""] } = call;
    if (target === "") throw new UsageError("'salvage' needs TARGET");
    const logger = commandLogger(call);
    const log = await withFolder(call, async (options) => {
      using progress = startProgress(io, "bytes");
      const onRun = bytesShown(progress, options, "Salvaging");
      return await salvage({ ...options, target, logger, onRun });
    });
    const { events, lost, head, torn } = log;
    const lines = [
      `Salvaged ${events} of ${head} events to ${target}`,
      ...lostLines({ log, ok: false, findings: [] }),
    ];
    if (torn) {
      const what = "left out, as nobody was told that it is stored";
      const { file, offset, bytes } = torn;
      lines.push(
        findingLine({
          file,
          offset,
          bytes,
          what,
          remedy: "cut",
          harmless: true,
        }),
      );
    }
    return {
      exitCode: lost.length === 0 ? EXIT_OK : EXIT_FAILURE,
      json: { target, events, head, lost },
      text: lines.join("\n"),
    };
  },
};
