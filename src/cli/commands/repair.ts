/**
 * `opossum repair`: mends what may be mended without a backup, or says what it would do.
 *
 * @module
 */
import { repairFolder, type RepairStep } from "../../maintenance/repair.ts";
import type { Command } from "../command.ts";
import { commandLogger } from "../command_logger.ts";
import { EXIT_FAILURE, EXIT_OK } from "../exit_codes.ts";
import { withFolder } from "../inspect_store.ts";
import { damageLines, findingLine, lostLines } from "../inspection_text.ts";
import { bytesShown, stepsShown } from "../folder_progress.ts";
import { startProgress } from "../progress.ts";

/** The command. */
export const repairCommand: Command = {
  name: "repair",
  operands: "",
  operandCount: [0, 0],
  summary: "Say what could be mended, and mend it with --apply.",
  details:
    `Looks for what "verify --deep" finds, and says what can be done about it: file,
byte, positions and bytes. With --apply it is done:

  cut     an end of the log that a crash left incomplete and nobody was told is
          stored; a copy goes to quarantine/
  remake  the index, from the log
  move    a damaged file of a projection or operation, to quarantine/: rebuild the
          projection, or let the next start do so
  delete  what an interrupted action left behind

Events that were acknowledged and are damaged are never repaired in place:
restore the files from a backup, or see opossum salvage. What another process
uses is left alone, and so is what only cannot be read just now, and a projection whose
code fails on the log. The exit status is 1 when something remains to be done that
this command cannot do.`,
  examples: [
    "repair --data ./data",
    "repair --apply --data ./data",
  ],
  options: ["apply"],
  place: {
    works: "folder",
    because: "it looks at the files themselves",
  },
  needsProjections: false,
  async run(call) {
    const { io, options: { apply = false } } = call;
    const logger = commandLogger(call, "error");
    const { before, steps, after } = await withFolder(call, async (options) => {
      using progress = startProgress(io, "bytes");
      const onRun = bytesShown(progress, options, "Looking");
      const onStep = stepsShown(progress);
      return await repairFolder({ ...options, logger, apply, onRun, onStep });
    });
    const damage = damageLines(before);
    const isDone = steps.every(({ done }) => done);
    const left = after.findings.filter(({ harmless, remedy }) =>
      !harmless && remedy === "none"
    );
    const isMended = damage.length === 0 && left.length === 0 &&
      (!apply || isDone);
    const rebuilds = before.findings.filter(({ remedy }) =>
      remedy === "rebuild"
    );
    const lines = [
      ...damage,
      ...damage.length === 0 ? [] : [
        "The log is damaged where events were acknowledged: it is left as it is. " +
        `Salvage would keep ${before.log.events} events`,
        ...lostLines(before),
      ],
      ...steps.map((step) => stepLine(step, apply)),
      ...rebuilds.map((finding) => `To rebuild: ${findingLine(finding)}`),
    ];
    if (steps.length === 0 && damage.length === 0) {
      lines.push("Nothing is to be repaired");
    }
    if (!apply && steps.length > 0) {
      lines.push("Nothing was changed: call it with --apply to do this");
    }
    return {
      exitCode: isMended ? EXIT_OK : EXIT_FAILURE,
      json: {
        applied: apply,
        damage: before.log.report.problems,
        refusal: before.log.refusal?.message ?? null,
        lost: before.log.lost,
        salvageable: before.log.events,
        steps,
        rebuilds,
        ok: after.ok,
      },
      text: lines.join("\n"),
    };
  },
};

const WORDS: Readonly<Record<RepairStep["remedy"], readonly [string, string]>> =
  {
    cut: ["Would cut off", "Cut off"],
    remake: ["Would make again", "Made again"],
    move: ["Would move", "Moved"],
    delete: ["Would delete", "Deleted"],
  };

function stepLine(step: RepairStep, apply: boolean): string {
  const { remedy, to, done } = step;
  const [would, did] = WORDS[remedy];
  const words = !apply ? would : done ? did : "Left alone, as it is in use";
  const where = to === undefined ? "" : ` -> ${to}`;
  return `${words}: ${findingLine(step)}${where}`;
}
