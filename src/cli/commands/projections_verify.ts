/**
 * `opossum projections verify`: compares a projection's documents with a fold of the log.
 *
 * @module
 */
import { inspectFolder } from "../../maintenance/inspect_folder.ts";
import { UnknownProjectionError } from "../../projections/errors.ts";
import type { Command } from "../command.ts";
import { EXIT_FAILURE, EXIT_OK } from "../exit_codes.ts";
import { withFolder } from "../inspect_store.ts";
import { damageLines, findingLine } from "../inspection_text.ts";
import { bytesShown, stepsShown } from "../folder_progress.ts";
import { startProgress } from "../progress.ts";

/** The command. */
export const projectionsVerifyCommand: Command = {
  name: "projections verify",
  operands: "NAME",
  operandCount: [1, 1],
  operandKind: "projection",
  summary: "Compare a projection's documents with the log.",
  details:
    `Reads the whole log, folds what the projection NAME wants of it in a temporary file,
and compares: documents, tags and related events, up to the projection's checkpoint.
The exit status is 0 when they are the same, and 1 when they are not, or cannot be
compared: never built, damaged, or built by another version. Nothing is changed, and a
server may have the folder open.

See also: "verify --deep" for all projections and the log itself; "projections rebuild
--verify" for what a rebuild would change.`,
  examples: [
    "projections verify CourseDetails --data ./data --projections ./projections.ts",
  ],
  options: ["read-only"],
  place: { works: "folder", because: "it reads the files themselves" },
  needsProjections: true,
  async run(call) {
    const { operands: [name = ""], io } = call;
    return await withFolder(call, async (options) => {
      const known = options.definitions ?? [];
      const definitions = known.filter((each) => each.name === name);
      if (definitions.length === 0) {
        throw new UnknownProjectionError(
          [name],
          known.map((each) => each.name),
        );
      }
      using progress = startProgress(io, "bytes");
      const inspection = await inspectFolder({
        ...options,
        definitions,
        only: name,
        deep: true,
        onRun: bytesShown(progress, options, "Comparing"),
        onStep: stepsShown(progress),
      });
      const { compared = [], findings } = inspection;
      const own = findings.filter(({ file }) =>
        file.startsWith(`projections/${name}/`)
      );
      const [comparison] = compared;
      const faults = own.filter(({ harmless }) => !harmless);
      const damage = damageLines(inspection);
      const isDifferent = faults.some(({ file }) => file === comparison?.file);
      const ok = comparison !== undefined && faults.length === 0 &&
        damage.length === 0;
      return {
        exitCode: ok ? EXIT_OK : EXIT_FAILURE,
        json: {
          projectionName: name,
          ok,
          compared: comparison !== undefined,
          checkpoint: comparison?.checkpoint ?? null,
          findings: own,
          logProblems: inspection.log.report.problems,
        },
        text: [
          ...damage,
          ...own.map(findingLine),
          comparison === undefined
            ? `${name} cannot be compared: there is nothing that the registered definition built`
            : ok
            ? `${name} is what the log says, up to position ${comparison.checkpoint}`
            : isDifferent
            ? `${name} is not what the log says: rebuild it`
            : `${name} is what the log says, up to position ${comparison.checkpoint}; ` +
              "something else is wrong: see above",
        ].join("\n"),
      };
    });
  },
};
