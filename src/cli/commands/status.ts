/**
 * `opossum status`: how the projections stand, and what came of the last rebuild.
 *
 * @module
 */
import type { ProjectionInfo } from "../../projections/projections.ts";
import type { RebuildOperation } from "../../rebuild/operation.ts";
import type { Command } from "../command.ts";
import { EXIT_OK } from "../exit_codes.ts";
import { openStore } from "../open_store.ts";
import { formatBytes, formatDuration, formatTable } from "../table.ts";

/** The command. */
export const statusCommand: Command = {
  name: "status",
  operands: "",
  operandCount: [0, 0],
  summary: "Show how the projections stand.",
  details:
    `Shows for each projection its state, checkpoint, lag behind the log and size, and
what came of the last rebuild, also of another process. UPDATED BY names the process
whose daemon keeps it up to date; others stand by.

States: absent (never built), building (for the first time), ready, stale (built from
another definition), faulted (an event cannot be applied), damaged (files missing or
broken). All but ready ones need a rebuild.`,
  options: ["read-only"],
  needsProjections: true,
  async run(call) {
    await using opossum = await openStore(call, { projections: true });
    const { events, projections, rebuilder } = opossum;
    const head = await events.head();
    const infos = await Promise.all(
      projections.names.map((name) => projections.info(name)),
    );
    const [lastOperation = null] = await rebuilder.listOperations({ limit: 1 });
    return {
      exitCode: EXIT_OK,
      json: { head, projections: infos, lastOperation },
      text: [
        `Last position: ${head}`,
        toTable(infos),
        describe(lastOperation),
      ].join("\n\n"),
    };
  },
};

function toTable(infos: readonly ProjectionInfo[]): string {
  return formatTable(
    [
      "PROJECTION",
      "STATE",
      "CHECKPOINT",
      "LAG",
      "DOCUMENTS",
      "PASSED OVER",
      "SIZE",
      "BUILT",
      "UPDATED BY",
    ],
    infos.map((info) => [
      info.name,
      info.state,
      info.checkpoint,
      info.lag,
      info.documents,
      info.deadLetters,
      formatBytes(info.bytes),
      info.builtAt ?? "never",
      info.owner ? `process ${info.owner.pid ?? "starting"}` : "nobody",
    ]),
  );
}

function describe(operation: RebuildOperation | null): string {
  if (operation === null) return "No rebuild was ever asked for";
  const { id, trigger, startedAt, result, projectionNames } = operation;
  const asked = `Last rebuild: ${id}, asked for by ${trigger} at ${startedAt}`;
  if (result === null) {
    return `${asked}, of ${
      projectionNames.join(", ")
    }: not ended; it runs in ` +
      "another process, or was interrupted";
  }
  const { state, totalRebuilt, details, failedProjections, duration } = result;
  const failed = failedProjections.length === 0
    ? ""
    : `, not rebuilt: ${failedProjections.join(", ")}`;
  return `${asked}: ${state}, ${totalRebuilt} of ${details.length} projections in ${
    formatDuration(duration)
  }${failed}`;
}
