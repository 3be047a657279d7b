/**
 * Reads the arguments of the command line.
 *
 * @module
 */
import { parseArgs, type ParseArgsConfig } from "node:util";
import { type Command, type OptionValues, UsageError } from "./command.ts";
import { levelOf } from "./command_logger.ts";
import { type OptionName, OPTIONS, optionsOf } from "./options.ts";

/** What was asked for. */
export type Invocation =
  | { readonly kind: "version" }
  | { readonly kind: "help"; readonly commands: readonly Command[] | undefined }
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
 * @returns What was asked for; help on one command, or on those that begin with one word.
 * @throws {UsageError} If they make no sense.
 */
export function readArguments(
  args: readonly string[],
  commands: readonly Command[],
): Invocation {
  const { values, positionals } = parse(args);
  const { help = false, version = false, ...options } = values;
  if (version) return { kind: "version" };
  const [first] = positionals;
  if (first === undefined) {
    if (help) return { kind: "help", commands: undefined };
    throw new UsageError(
      `Command is missing: one of ${listOf(commands)}`,
    );
  }
  if (first === "help" || help) {
    const topic = first === "help" ? positionals.slice(1) : positionals;
    return { kind: "help", commands: topicOf(topic, commands) };
  }
  const { command, operands } = find(positionals, commands);
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
        ...parsedOptions(),
        help: { type: "boolean", short: "h" },
        version: { type: "boolean" },
      },
    }) as ReturnType<typeof parse>;
  } catch (cause) {
    throw new UsageError(
      cause instanceof Error ? cause.message : String(cause),
      { cause },
    );
  }
}

function parsedOptions(): NonNullable<ParseArgsConfig["options"]> {
  return Object.fromEntries(
    Object.entries(OPTIONS).map(([name, { value, multiple = false }]) => [
      name,
      { type: value === undefined ? "boolean" : "string", multiple },
    ]),
  );
}

/** The commands that help is asked about; `undefined` for all. */
function topicOf(
  words: readonly string[],
  commands: readonly Command[],
): readonly Command[] | undefined {
  const [first] = words;
  if (first === undefined) return undefined;
  const group = groupOf(first, commands);
  if (group.length > 0 && words.length === 1) {
    const own = named(first, commands);
    return own ? [own] : group;
  }
  return [find(words, commands).command];
}

/** The longest name that the words begin with counts. */
function find(
  words: readonly string[],
  commands: readonly Command[],
): { readonly command: Command; readonly operands: readonly string[] } {
  const [first = "", second] = words;
  const long = second === undefined
    ? undefined
    : named(`${first} ${second}`, commands);
  if (long) return { command: long, operands: words.slice(2) };
  const short = named(first, commands);
  if (short) return { command: short, operands: words.slice(1) };
  const group = groupOf(first, commands);
  if (group.length > 0) {
    const names = group.map(({ name }) => name.slice(first.length + 1));
    throw new UsageError(
      second === undefined
        ? `'${first}' needs to know what: one of ${names.join(", ")}`
        : `Unknown command ${JSON.stringify(`${first} ${second}`)}: ` +
          `after '${first}' there are ${names.join(", ")}`,
    );
  }
  throw new UsageError(
    `Unknown command ${JSON.stringify(first)}: there are ${listOf(commands)}`,
  );
}

function named(
  name: string,
  commands: readonly Command[],
): Command | undefined {
  return commands.find((each) => each.name === name || each.formerly === name);
}

function groupOf(word: string, commands: readonly Command[]): Command[] {
  return commands.filter(({ name }) => name.startsWith(`${word} `));
}

function listOf(commands: readonly Command[]): string {
  const words = commands.map(({ name }) => name.split(" ")[0] ?? name);
  return [...new Set(words)].join(", ");
}

function check(
  command: Command,
  operands: readonly string[],
  options: OptionValues,
): void {
  const { name, operandCount: [min, max] } = command;
  // Whoever always gives them, as a task does, may give them to all commands.
  const allowed = [...optionsOf(command), "projections"];
  const given = Object.keys(options) as OptionName[];
  checkPlace(command, options);
  const foreign = given.find((option) => !allowed.includes(option));
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
  // Also where nothing is logged: it would be taken for granted the next time.
  levelOf(options);
  checkTarget(command, options);
}

/** Says why a command does not work where it is told to. */
function checkPlace(
  { name, place }: Command,
  { data, url }: OptionValues,
): void {
  if (place.works === "folder" && url !== undefined) {
    throw new UsageError(
      `'${name}' works on a folder ('--data') only, as ${place.because}`,
    );
  }
  if (place.works === "server" && data !== undefined) {
    throw new UsageError(
      `'${name}' works on a server ('--url') only, as ${place.because}`,
    );
  }
}

function checkTarget(
  { place: { works }, needsProjections }: Command,
  { data, url, projections, ...options }: OptionValues,
): void {
  if (works === "nowhere") return;
  if (data !== undefined && url !== undefined) {
    throw new UsageError(
      "Option '--data' and option '--url' exclude each other",
    );
  }
  if (!data && !url) {
    throw new UsageError(
      works === "server"
        ? "Option '--url' is missing: the address of the server"
        : works === "folder"
        ? "Option '--data' is missing: the data folder"
        : "Option '--data' is missing: the data folder; or '--url' of a server",
    );
  }
  if (url !== undefined) {
    if (options["read-only"]) {
      throw new UsageError("Option '--read-only' is one for folders");
    }
    return;
  }
  if (options["token-file"] !== undefined) {
    throw new UsageError("Option '--token-file' is one for servers: '--url'");
  }
  if (needsProjections && !projections) {
    throw new UsageError(
      "Option '--projections' is missing: the module that exports the projections",
    );
  }
}
