/**
 * `opossum checkpoints`: up to which position each projection has applied the log.
 *
 * @module
 */
import type { Command } from "../command.ts";
import { EXIT_OK } from "../exit_codes.ts";
import { openAdministration } from "../open_administration.ts";
import { formatTable } from "../table.ts";

/** The command. */
export const checkpointsCommand: Command = {
  name: "checkpoints",
  operands: "",
  operandCount: [0, 0],
  summary: "Show up to which position each projection is complete.",
  details:
    `Shows the checkpoint of each projection: the position up to which it has applied
the log. 0 means that it was never built. With --json: an object of checkpoints
by name.`,
  examples: [
    "checkpoints --data ./data --projections ./projections.ts",
    "checkpoints --json --url http://127.0.0.1:8000",
  ],
  options: ["read-only"],
  place: { works: "anywhere" },
  needsProjections: true,
  async run(call) {
    await using administration = await openAdministration(call);
    const checkpoints = (await administration.projections())
      .map(({ name, checkpoint }) => [name, checkpoint] as const);
    return {
      exitCode: EXIT_OK,
      json: Object.fromEntries(checkpoints),
      text: formatTable(["PROJECTION", "CHECKPOINT"], checkpoints),
    };
  },
};
