/**
 * `opossum digest`: one hash over the documents of all projections.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Command } from "../command.ts";
import { EXIT_OK } from "../exit_codes.ts";
import { openStore } from "../open_store.ts";
import { startProgress } from "../progress.ts";
import { documentsShown, stateTexts, warningOf } from "../state_lines.ts";

/** The command. */
export const digestCommand: Command = {
  name: "digest",
  operands: "",
  operandCount: [0, 0],
  summary: "Print a hash over the documents of all projections.",
  details:
    `Prints the SHA-256, in hexadecimal digits, of this text: for each projection, in
order of name, the line "#NAME", then what "export NAME" prints. Two stores with the
same digest hold the same documents. A warning on standard error says when newer
events are not applied yet.`,
  examples: [
    "digest --data ./data --projections ./projections.ts",
  ],
  options: ["read-only"],
  place: {
    works: "folder",
    because: "the admin API serves no documents",
  },
  needsProjections: true,
  async run(call) {
    const { io } = call;
    await using opossum = await openStore(call, { projections: true });
    const { projections } = opossum;
    using progress = startProgress(io, "documents");
    const hash = createHash("sha256");
    for (const name of projections.names) {
      const warning = await warningOf(projections, name);
      if (warning !== undefined) io.report(warning);
      hash.update(`#${name}\n`);
      let isEmpty = true;
      const onDocuments = await documentsShown(progress, projections, name);
      const texts = stateTexts(projections, name, "\n", onDocuments);
      for await (const text of texts) {
        io.signal.throwIfAborted();
        hash.update(text);
        isEmpty = false;
      }
      if (!isEmpty) hash.update("\n");
    }
    const digest = hash.digest("hex");
    return {
      exitCode: EXIT_OK,
      json: { digest, projections: projections.names },
      text: digest,
    };
  },
};
