/**
 * `opossum checkpoints`: up to which position each projection has applied the log.
 *
 * @module
 */
import type { Command } from "../command.ts";
import { EXIT_OK } from "../exit_codes.ts";
import { openStore } from "../open_store.ts";
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
  options: ["read-only"],
  needsProjections: true,
  async run(call) {
    await using opossum = await openStore(call, { projections: true });
    const { rebuilder } = opossum;
    const checkpoints = await Promise.all(
      rebuilder.getRegisteredProjections().map(async (name) =>
        [name, await rebuilder.getCheckpoint(name)] as const
      ),
    );
    return {
      exitCode: EXIT_OK,
      json: Object.fromEntries(checkpoints),
      text: formatTable(["PROJECTION", "CHECKPOINT"], checkpoints),
    };
  },
};
