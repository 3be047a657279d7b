/**
 * `opossum verify`: reads the whole log and says what is wrong with it; with `--deep`, also what
 * is wrong with everything that is derived from it. A server is told to scrub.
 *
 * @module
 */
import {
  type Command,
  type CommandCall,
  type CommandOutcome,
  UsageError,
} from "../command.ts";
import { EXIT_FAILURE, EXIT_OK } from "../exit_codes.ts";
import { inspectStore } from "../inspect_store.ts";
import {
  damageLines,
  findingLine,
  LOG_ADVICE,
  placesText,
  readLine,
} from "../inspection_text.ts";
import { openAdministration } from "../open_administration.ts";
import { startProgress } from "../progress.ts";
import { scrubLines } from "../scrub_text.ts";

/** The command. */
export const verifyCommand: Command = {
  name: "verify",
  operands: "",
  operandCount: [0, 0],
  summary: "Check every byte of the log, and what is derived from it.",
  details:
    `Reads the whole log and checks every frame, checksum, position and event. Damage
is listed with file, byte and positions; the exit status is then 1. Nothing is
changed, and a store that does not open is read as well.

With --deep, also: the index is compared with the log, every projection's
databases are checked page by page, and their documents are compared with a fold
of the log when --projections names their definitions; and every operation's
record is read. What a crash may leave is listed, and no fault.

With --url, the server scrubs: it reads the whole log and every row of every
projection, as slowly as its rebuilds would, and its report is printed. A damaged
projection is marked, so that its state says so, and is rebuilt where the server
does that by itself. The exit status is 1 when something is damaged or could not be
looked at, and 4 when the server is scrubbing already. It says how far the server is;
when this command is stopped, the server goes on.

See also: opossum repair, opossum salvage, opossum projections repair.`,
  examples: [
    "verify --data ./data",
    "verify --deep --data ./data --projections ./projections.ts",
    "verify --url http://127.0.0.1:8000",
  ],
  options: ["deep", "read-only"],
  place: { works: "anywhere" },
  needsProjections: false,
  async run(call) {
    if (call.options.url !== undefined) return await scrub(call);
    const deep = call.options.deep === true;
    const inspection = await inspectStore(call, { deep });
    const { ok, log, findings } = inspection;
    const { report, refusal, lost } = log;
    const { problems, head } = report;
    const damage = damageLines(inspection);
    const summary = damage.length === 0
      ? `The log is sound up to position ${head}: ${readLine(inspection)}`
      : `The log is damaged in ${placesText(problems.length)}: ` +
        `could read ${readLine(inspection)}`;
    return {
      exitCode: ok ? EXIT_OK : EXIT_FAILURE,
      json: {
        ...report,
        ok,
        refusal: refusal?.message ?? null,
        lost,
        findings,
      },
      text: [
        ...damage,
        ...findings.map(findingLine),
        summary,
        ...damage.length === 0 ? [] : [LOG_ADVICE],
        ...deep && ok && findings.length === 0
          ? ["What is derived from it agrees with it"]
          : [],
      ].join("\n"),
    };
  },
};

async function scrub(call: CommandCall): Promise<CommandOutcome> {
  if (call.options.deep) {
    throw new UsageError(
      "Option '--deep' is one for folders: a server scrubs its projections always",
    );
  }
  await using administration = await openAdministration(call);
  call.io.report("The server reads the whole log and every projection");
  using progress = startProgress(call.io, "documents");
  const report = await administration.scrub(progress);
  return {
    exitCode: report.ok ? EXIT_OK : EXIT_FAILURE,
    json: report,
    text: scrubLines(report).join("\n"),
  };
}
