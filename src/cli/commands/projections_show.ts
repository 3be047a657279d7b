/**
 * `opossum projections show` and `opossum projections rollback`: one projection, its generations,
 * and going back to the previous one.
 *
 * @module
 */
import type {
  ProjectionLastError,
  ProjectionLastRepair,
} from "../../projections/build_info.ts";
import type { ProjectionInfo } from "../../projections/projections.ts";
import type { ProjectionDetail } from "../administration.ts";
import type { Command } from "../command.ts";
import { EXIT_FAILURE, EXIT_OK } from "../exit_codes.ts";
import { openAdministration } from "../open_administration.ts";
import { buildText } from "../operation_progress.ts";
import { formatBytes, formatDuration, formatTable } from "../table.ts";

/** Shows one projection. */
export const projectionsShowCommand: Command = {
  name: "projections show",
  operands: "NAME",
  operandCount: [1, 1],
  operandKind: "projection",
  summary: "Show one projection and its generations.",
  details:
    `Shows all that is known of the projection NAME: how it stands, its build if one is
under way, its last build, repair and error, and its generations: the current one,
the previous one that "projections rollback" goes back to, and one that is being
built or waits to be promoted.`,
  examples: [
    "projections show CourseDetails --url http://127.0.0.1:8000",
    "projections show CourseDetails --json --data ./data | jq .generations",
  ],
  options: ["read-only"],
  place: { works: "anywhere" },
  needsProjections: true,
  async run(call) {
    const [name = ""] = call.operands;
    await using administration = await openAdministration(call);
    const detail = await administration.projection(name);
    return { exitCode: EXIT_OK, json: detail, text: toText(detail) };
  },
};

/** Goes back. */
export const projectionsRollbackCommand: Command = {
  name: "projections rollback",
  operands: "NAME",
  operandCount: [1, 1],
  operandKind: "projection",
  summary: "Let the previous generation serve again.",
  details:
    `Lets the generation of the projection NAME serve that served before, at once; the
one that serves becomes the previous one, so that a second rollback goes forward
again. A generation of the registered definition is brought up to date; one of
another version is served as it is, and the projection is stale. Neither a start nor
a schedule undoes it, until the definition changes.

Asks on a terminal, unless --yes is given. The exit status is 4 when there is nothing
to go back to, the projection is being rebuilt, or another generation came to serve
meanwhile.`,
  examples: [
    "projections rollback CourseDetails --url http://127.0.0.1:8000",
    "projections rollback CourseDetails --yes --data ./data",
  ],
  options: ["yes"],
  place: { works: "anywhere" },
  needsProjections: true,
  async run(call) {
    const { operands: [name = ""], options, io } = call;
    await using administration = await openAdministration(call);
    const { generation, previousGeneration } = await administration
      .projection(name);
    // With nothing to go back to there is nothing to ask.
    if (!options.yes && io.confirm && previousGeneration !== null) {
      const isWanted = await io.confirm(
        `${name} would serve generation ${previousGeneration} instead of ${
          generation ?? "none"
        }. Go on?`,
      );
      if (!isWanted) {
        return { exitCode: EXIT_FAILURE, json: null, text: "Nothing was done" };
      }
    }
    // What was asked about, and nothing else.
    const info = await administration.rollback(name, generation);
    return {
      exitCode: EXIT_OK,
      json: info,
      text: `${name} serves generation ${info.generation} again, ` +
        `built by version ${info.builtVersion}: it is ${info.state}`,
    };
  },
};

function toText(detail: ProjectionDetail): string {
  const { generations } = detail;
  const rows = rowsOf(detail).filter(([, value]) => value !== null);
  const width = Math.max(...rows.map(([title]) => title.length)) + 2;
  return [
    ...rows.map(([title, value]) => `${title.padEnd(width)}${value}`),
    "",
    generations.length === 0 ? "No generations" : formatTable(
      [
        "GENERATION",
        "ROLE",
        "VERSION",
        "CHECKPOINT",
        "DOCUMENTS",
        "SIZE",
        "BUILT",
      ],
      generations.map((each) => [
        each.number,
        each.role,
        each.version,
        each.checkpoint,
        each.documents,
        formatBytes(each.bytes),
        each.builtAt ?? "not yet",
      ]),
    ),
  ].join("\n");
}

function rowsOf(info: ProjectionInfo): [string, string | number | null][] {
  const { build, repair, lastRepair, lastBuild, lastError, fault, owner } =
    info;
  return [
    ["Projection", info.name],
    ["State", info.state],
    ["Generation", info.generation ?? "none"],
    ["Rolled back", info.rolledBackAt],
    [
      "Version",
      info.builtVersion === info.version || info.builtVersion === null
        ? info.version
        : `${info.version}, built by ${info.builtVersion}`,
    ],
    [
      "Fingerprint",
      info.builtFingerprint === info.fingerprint ||
        info.builtFingerprint === null
        ? info.fingerprint
        : `${info.fingerprint}, built by ${info.builtFingerprint}`,
    ],
    ["Checkpoint", `${info.checkpoint}, ${info.lag} events behind the log`],
    ["Documents", `${info.documents}, ${formatBytes(info.bytes)}`],
    ["Built", info.builtAt ?? "never"],
    [
      "Under way",
      build && buildText(build),
    ],
    // An older server does not tell.
    ["Repair", repair ? `${repair.phase}, ${repair.percent} %` : null],
    ["Last repair", lastRepair ? lastRepairText(lastRepair) : null],
    [
      "Last build",
      lastBuild &&
      `${lastBuild.state} at ${lastBuild.completedAt}, in ${
        formatDuration(lastBuild.duration)
      }, ${lastBuild.eventsProcessed} events applied`,
    ],
    ["Last error", lastError && errorText(lastError)],
    [
      "Stands still",
      fault && `before event ${fault.position}: ${fault.message}`,
    ],
    ["Error policy", info.errorPolicy],
    ["Passed over", info.deadLetters],
    [
      "Updated by",
      owner ? `process ${owner.pid ?? "starting"}` : "nobody",
    ],
  ];
}

function lastRepairText(
  { outcome, completedAt, keys, keysChanged, error }: ProjectionLastRepair,
): string {
  const what = error?.message ??
    `${keys} documents looked at closer, ${keysChanged} mended`;
  return `${outcome} at ${completedAt}: ${what}`;
}

function errorText(
  { at, position, eventType, message }: ProjectionLastError,
): string {
  const where = position === null
    ? ""
    : `, at event ${position} (${eventType})`;
  return `${at}${where}: ${message}`;
}
