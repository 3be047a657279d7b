/**
 * `opossum export`: prints the documents of a projection.
 *
 * @module
 */
import type { Command } from "../command.ts";
import { EXIT_OK } from "../exit_codes.ts";
import { openStore } from "../open_store.ts";
import { startProgress } from "../progress.ts";
import { documentsShown, stateTexts, warningOf } from "../state_lines.ts";

/** The command. */
export const exportCommand: Command = {
  name: "export",
  operands: "NAME",
  operandCount: [1, 1],
  operandKind: "projection",
  summary: "Print the documents of a projection.",
  details:
    `Prints the documents of the projection NAME as they stand, sorted by key, one JSON
document a line. With --json: one array of them. A warning on standard error says
when newer events are not applied yet.`,
  examples: [
    "export CourseDetails --data ./data --projections ./projections.ts",
    "export CourseDetails --json --data ./data | jq length",
  ],
  options: ["read-only"],
  place: {
    works: "folder",
    because: "the admin API serves no documents",
  },
  needsProjections: true,
  async run(call) {
    const { operands: [name = ""], options: { json = false }, io } = call;
    await using opossum = await openStore(call, { projections: true });
    const { projections } = opossum;
    const warning = await warningOf(projections, name);
    if (warning !== undefined) io.report(warning);
    let isEmpty = true;
    using progress = startProgress(io, "documents");
    const onDocuments = await documentsShown(progress, projections, name);
    const separator = json ? "," : "\n";
    const texts = stateTexts(projections, name, separator, onDocuments);
    for await (const text of texts) {
      io.signal.throwIfAborted();
      await io.write(json && isEmpty ? `[${text}` : text);
      isEmpty = false;
    }
    if (json) await io.write(isEmpty ? "[]\n" : "]\n");
    else if (!isEmpty) await io.write("\n");
    return { exitCode: EXIT_OK };
  },
};
