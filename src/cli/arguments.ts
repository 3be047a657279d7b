/**
 * Reads the arguments of the command line.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { type Command, type OptionValues, UsageError } from "./command.ts";

/** What the help says about an option. */
export interface OptionHelp {
  /** Name of its value, or `undefined` for a switch. */
  readonly value?: string;
  /** What it does. */
  readonly meaning: string;
}

/** Options that every command takes. */
export const COMMON_OPTIONS: readonly (keyof OptionValues)[] = [
  "data",
  "projections",
  "json",
  "verbose",
  "allow-network-file-system",
];

/** Every option. */
export const OPTIONS: Readonly<Record<keyof OptionValues, OptionHelp>> = {
  data: { value: "DIR", meaning: "The data folder. Required." },
  projections: {
    value: "MODULE",
    meaning: "Module that exports the projections: a path or a URL.",
  },
  json: {
    meaning: "Print one JSON value on standard output, and nothing else there.",
  },
  verbose: {
    meaning: "Log to standard error from level info; else from level warn.",
  },
  "allow-network-file-system": {
    meaning: "Open a folder on NFS, SMB or the like. No other machine may.",
  },
  "read-only": {
    meaning: "Change nothing in the folder: for read-only disks.",
  },
  force: { meaning: "Rebuild also what is up to date." },
  concurrency: {
    value: "N",
    meaning: 'How many projections at once, 1 to 64, or "auto". Default: 4.',
  },
  "dry-run": { meaning: "Only say what would be rebuilt, and why." },
  note: {
    value: "TEXT",
    meaning: "Words for the history, at most 256 characters.",
  },
  deep: { meaning: "Check also what is derived from the log." },
  apply: { meaning: "Do it, instead of only saying what would be done." },
};

/** What was asked for. */
export type Invocation =
  | { readonly kind: "version" }
  | { readonly kind: "help"; readonly command: Command | undefined }
  | {
    readonly kind: "command";
    readonly command: Command;
    readonly operands: readonly string[];
    readonly options: OptionValues;
  };

/**
 * Reads the arguments.
 *
 * @param args The arguments, without the program's name.
 * @param commands The commands there are.
 * @returns What was asked for.
 * @throws {UsageError} If they make no sense.
 */
export function readArguments(
  args: readonly string[],
  commands: readonly Command[],
): Invocation {
  const { values, positionals } = parse(args);
  const { help = false, version = false, ...options } = values;
  const [name, ...operands] = positionals;
  if (version) return { kind: "version" };
  if (name === undefined) {
    if (help) return { kind: "help", command: undefined };
    throw new UsageError(
      `Command is missing: one of ${
        commands.map(({ name }) => name).join(", ")
      }`,
    );
  }
  if (name === "help") {
    const [topic] = operands;
    return {
      kind: "help",
      command: topic === undefined ? undefined : find(topic, commands),
    };
  }
  const command = find(name, commands);
  if (help) return { kind: "help", command };
  check(command, operands, options);
  return { kind: "command", command, operands, options };
}

function parse(args: readonly string[]): {
  values: OptionValues & { help?: boolean; version?: boolean };
  positionals: string[];
} {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      strict: true,
      options: {
        data: { type: "string" },
        projections: { type: "string" },
        json: { type: "boolean" },
        verbose: { type: "boolean" },
        "allow-network-file-system": { type: "boolean" },
        "read-only": { type: "boolean" },
        force: { type: "boolean" },
        concurrency: { type: "string" },
        "dry-run": { type: "boolean" },
        note: { type: "string" },
        deep: { type: "boolean" },
        apply: { type: "boolean" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean" },
      },
    });
  } catch (cause) {
    throw new UsageError(
      cause instanceof Error ? cause.message : String(cause),
      { cause },
    );
  }
}

function find(name: string, commands: readonly Command[]): Command {
  const command = commands.find((candidate) => candidate.name === name);
  if (!command) {
    throw new UsageError(
      `Unknown command ${JSON.stringify(name)}: there are ${
        commands.map(({ name }) => name).join(", ")
      }`,
    );
  }
  return command;
}

function check(
  command: Command,
  operands: readonly string[],
  options: OptionValues,
): void {
  const { name, operandCount: [min, max] } = command;
  const allowed = [...COMMON_OPTIONS, ...command.options];
  const foreign = (Object.keys(options) as (keyof OptionValues)[])
    .find((option) => !allowed.includes(option));
  if (foreign !== undefined) {
    throw new UsageError(`Option '--${foreign}' is not one of '${name}'`);
  }
  if (operands.length < min) {
    throw new UsageError(`'${name}' needs ${command.operands}`);
  }
  if (operands.length > max) {
    throw new UsageError(
      `'${name}' takes ${max === 0 ? "no operand" : command.operands} only: ` +
        `unexpected is ${JSON.stringify(operands[max])}`,
    );
  }
  if (!options.data) {
    throw new UsageError("Option '--data' is missing: the data folder");
  }
  if (command.needsProjections && !options.projections) {
    throw new UsageError(
      "Option '--projections' is missing: the module that exports the projections",
    );
  }
}
