/**
 * `opossum operations list` and `show`: rebuild operations, running and ended.
 *
 * @module
 */
import type {
  OperationState,
  RebuildOperation,
} from "../../rebuild/operation.ts";
import { type Command, type OptionValues, UsageError } from "../command.ts";
import { EXIT_OK } from "../exit_codes.ts";
import { openAdministration } from "../open_administration.ts";
import { paceOf, phaseOf } from "../operation_progress.ts";
import { OPTIONS } from "../options.ts";
import { formatDuration, formatTable } from "../table.ts";
import { readInteger } from "./read_integer.ts";
import { promotionLines, resultLines } from "./rebuild_text.ts";
import { awaitsPromotion } from "../administration.ts";

const LIMIT_MAX = 1_000;

/** Lists operations. */
export const operationsListCommand: Command = {
  name: "operations list",
  operands: "",
  operandCount: [0, 0],
  summary: "List rebuild operations, the newest first.",
  details:
    `Lists rebuild operations, running and ended, also those of earlier processes; 50
unless --limit says otherwise, up to 1,000. The last line says how to see older ones.`,
  examples: [
    "operations list --url http://127.0.0.1:8000",
    "operations list --state failed --limit 10 --data ./data",
    "operations list --json --url http://127.0.0.1:8000 | jq -r '.operations[0].id'",
  ],
  options: ["state", "limit", "before", "read-only"],
  place: { works: "anywhere" },
  needsProjections: false,
  async run(call) {
    const { limit, before } = call.options;
    const page = {
      ...limit === undefined
        ? {}
        : { limit: readInteger("--limit", limit, 1, LIMIT_MAX) },
      ...before === undefined ? {} : { before },
      ...stateOf(call.options),
    };
    await using administration = await openAdministration(call);
    const { operations, next } = await administration.operations(page);
    return {
      exitCode: EXIT_OK,
      json: { operations, next },
      text: operations.length === 0 ? "None" : [
        toTable(operations),
        ...next === null ? [] : [`Older ones: --before ${next}`],
      ].join("\n"),
    };
  },
};

/** Shows one operation. */
export const operationsShowCommand: Command = {
  name: "operations show",
  operands: "ID",
  operandCount: [1, 1],
  operandKind: "operation",
  summary: "Show a rebuild operation.",
  details:
    `Shows how far the operation ID is, or what came of it. That its rebuild failed is
told, and no failure of this command.`,
  examples: ["operations show 0b5ad2f1c4e94a7f8d3b6c1e2a9f7d40 --url …"],
  options: ["read-only"],
  place: { works: "anywhere" },
  needsProjections: false,
  async run(call) {
    const [id = ""] = call.operands;
    await using administration = await openAdministration(call);
    const operation = await administration.operation(id);
    return { exitCode: EXIT_OK, json: operation, text: toText(operation) };
  },
};

function stateOf({ state }: OptionValues): { readonly state?: OperationState } {
  if (state === undefined) return {};
  const { values = [] } = OPTIONS.state;
  if (values.includes(state)) return { state: state as OperationState };
  throw new UsageError(
    `Option '--state' must be one of ${[values].flat().join(", ")}: ` +
      `current value is ${JSON.stringify(state)}`,
  );
}

function toTable(operations: readonly RebuildOperation[]): string {
  return formatTable(
    ["OPERATION", "STATE", "BY", "ASKED FOR", "TOOK", "PROJECTIONS", "NOTE"],
    operations.map((operation) => [
      operation.id,
      awaitsPromotion(operation) ? "awaiting promotion" : operation.state,
      operation.trigger,
      operation.startedAt,
      tookOf(operation),
      operation.projectionNames.join(","),
      operation.note ?? "",
    ]),
  );
}

function tookOf(operation: RebuildOperation): string {
  const { state, result } = operation;
  if (result !== null) return formatDuration(result.duration);
  // How far it came by then, nobody was told.
  return state === "interrupted" ? "-" : `${percentOf(operation)} %`;
}

function percentOf({ progress }: RebuildOperation): number {
  const sum = progress.reduce((total, { percent }) => total + percent, 0);
  return Math.floor(sum / Math.max(progress.length, 1));
}

function toText(operation: RebuildOperation): string {
  const { id, state, trigger, requestedBy, startedAt, note, result } =
    operation;
  const by = requestedBy === null ? trigger : `${trigger} (${requestedBy})`;
  return [
    `Operation ${id}: ${state}, asked for by ${by} at ${startedAt}`,
    ...note === null ? [] : [`Note: ${note}`],
    ...operation.resumes === null
      ? []
      : [`Continues operation ${operation.resumes}`],
    ...operation.resumedBy === undefined
      ? []
      : [`Continued by operation ${operation.resumedBy}`],
    ...result !== null ? resultLines(result, []) : [
      ...operation.progress.map(progressLine),
      ...awaitsPromotion(operation) ? promotionLines(operation) : [],
    ],
  ].join("\n");
}

function progressLine(
  progress: RebuildOperation["progress"][number],
): string {
  const { projectionName, percent, position, target } = progress;
  return [
    `${projectionName}: ${phaseOf(progress)}, ${Math.floor(percent)} %`,
    `position ${position} of ${target}`,
    ...paceOf(progress),
  ].join(", ");
}
