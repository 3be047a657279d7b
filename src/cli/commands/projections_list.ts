/**
 * `opossum projections list`: how the projections stand, and what came of the last rebuild.
 *
 * @module
 */
import type { ProjectionInfo } from "../../projections/projections.ts";
import type { RebuildOperation } from "../../rebuild/operation.ts";
import { type Administration, awaitsPromotion } from "../administration.ts";
import type { Command } from "../command.ts";
import { EXIT_OK } from "../exit_codes.ts";
import { openAdministration } from "../open_administration.ts";
import { buildText } from "../operation_progress.ts";
import { formatBytes, formatDuration, formatTable } from "../table.ts";

/** The command. */
export const projectionsListCommand: Command = {
  name: "projections list",
  formerly: "status",
  operands: "",
  operandCount: [0, 0],
  summary: "Show how the projections stand.",
  details:
    `Shows for each projection its state, generation, version, checkpoint, lag behind the
log and size, then how far builds are that are under way, and what came of the last
rebuild, also of another process. UPDATED BY names the process whose daemon keeps it
up to date; others stand by.

States: absent (never built), building (for the first time), ready, stale (built from
another definition), faulted (an event cannot be applied), damaged (files missing or
broken). Absent, stale and damaged ones need a rebuild; of a faulted one, "projections
show" tells which event it stands still on: repair its code, or see retry and skip.`,
  examples: [
    "projections list --data ./data --projections ./projections.ts",
    "projections list --url http://127.0.0.1:8000",
    "projections list --json | jq '.projections[] | select(.state != \"ready\")'",
  ],
  options: ["read-only"],
  place: { works: "anywhere" },
  needsProjections: true,
  async run(call) {
    await using administration = await openAdministration(call);
    const head = await administration.head();
    const projections = await administration.projections();
    const { operations: [lastOperation = null] } = await administration
      .operations({ limit: 1 });
    return {
      exitCode: EXIT_OK,
      json: { head, projections, lastOperation },
      text: [
        `Last position: ${head ?? "not known without projections"}`,
        toTable(projections),
        ...remarks(projections),
        describe(lastOperation, administration.place),
      ].join("\n\n"),
    };
  },
};

function toTable(infos: readonly ProjectionInfo[]): string {
  return formatTable(
    [
      "PROJECTION",
      "STATE",
      "GENERATION",
      "VERSION",
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
      info.generation ?? "none",
      info.builtVersion === null || info.builtVersion === info.version
        ? `${info.version}`
        : `${info.version}, built by ${info.builtVersion}`,
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

/** A line for each build under way, fault and rollback, or nothing. */
function remarks(infos: readonly ProjectionInfo[]): string[] {
  const lines = infos.flatMap(
    ({ name, build, fault, rolledBackAt, generation }) => [
      ...build === null ? [] : [`${name}: ${buildText(build)}`],
      ...fault === null ? [] : [
        `${name} stands still before event ${fault.position}: ${fault.message}`,
      ],
      ...rolledBackAt === null ? [] : [
        `${name} is rolled back to generation ${generation} since ${rolledBackAt}`,
      ],
    ],
  );
  return lines.length === 0 ? [] : [lines.join("\n")];
}

function describe(
  operation: RebuildOperation | null,
  place: Administration["place"],
): string {
  if (operation === null) return "No rebuild was ever asked for";
  const { id, trigger, startedAt, result, projectionNames } = operation;
  const asked = `Last rebuild: ${id}, asked for by ${trigger} at ${startedAt}`;
  if (result === null) {
    const stands = awaitsPromotion(operation)
      ? `waits for "operations promote ${id}"`
      : place === "server"
      ? operation.state
      : "not ended; it runs in another process, or was interrupted";
    return `${asked}, of ${projectionNames.join(", ")}: ${stands}`;
  }
  const { state, totalRebuilt, details, failedProjections, duration } = result;
  const failed = failedProjections.length === 0
    ? ""
    : `, not rebuilt: ${failedProjections.join(", ")}`;
  return `${asked}: ${state}, ${totalRebuilt} of ${details.length} projections in ${
    formatDuration(duration)
  }${failed}`;
}
