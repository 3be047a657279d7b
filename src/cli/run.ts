/**
 * The command line: what the arguments mean, and which command runs.
 *
 * @module
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { openOpossum } from "../opossum.ts";
import { UnknownProjectionError } from "../projections/errors.ts";
import { createJsonLogger } from "../telemetry/logger.ts";
import {
  type Command,
  type CommandIo,
  EXIT_FAILURE,
  EXIT_INTERRUPTED,
  EXIT_OK,
  EXIT_USAGE,
  UsageError,
} from "./command.ts";
import { digestCommand, exportCommand } from "./export_commands.ts";
import { importCommand } from "./import_command.ts";
import {
  checkpointsCommand,
  statusCommand,
  verifyCommand,
} from "./inspect_commands.ts";
import { rebuildCommand } from "./rebuild_command.ts";

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ["import", importCommand],
  ["rebuild", rebuildCommand],
  ["status", statusCommand],
  ["checkpoints", checkpointsCommand],
  ["export", exportCommand],
  ["digest", digestCommand],
  ["verify", verifyCommand],
]);

const HELP = `Usage: opossum COMMAND --data DIR [OPTIONS]

Works on the store in DIR, also while a server has it open.

Commands:
${
  [...COMMANDS].map(([name, { usage, summary }]) =>
    `  ${`${name} ${usage}`.padEnd(18)} ${summary}`
  ).join("\n")
}

Options:
  --data DIR         The data folder
  --projections URL  The module that exports the projections: a URL or a path;
                     needed by all commands but import and verify
  --force            rebuild: also what is up to date
  --concurrency N    rebuild: at most N projections at once, 1 to 64
  --json             One JSON value on standard output, and nothing else there
  --verbose          Log also what goes well, on standard error
  --help             This text

Exit status: 0 all went well, 1 it did not, 2 called wrongly, 130 interrupted.
`;

/**
 * Runs the command line.
 *
 * @param args The arguments, without the program's name.
 * @param io Where to read and write.
 * @returns The exit status: 0 only when all went well, 2 when it was called wrongly.
 *
 * @example
 * ```ts
 * import { runCli } from "@opossum/deno/cli";
 * import { assertEquals } from "@std/assert";
 *
 * let text = "";
 * const status = await runCli(["--help"], {
 *   write: (part) => Promise.resolve(void (text += part)),
 *   report: () => {},
 *   stdin: new ReadableStream(),
 *   isTerminal: false,
 *   signal: new AbortController().signal,
 * });
 * assertEquals(status, 0);
 * assertEquals(text.startsWith("Usage: opossum"), true);
 * ```
 */
export async function runCli(
  args: readonly string[],
  io: CommandIo,
): Promise<number> {
  try {
    return await run(args, io);
  } catch (error) {
    if (io.signal.aborted) {
      io.report("Interrupted");
      return EXIT_INTERRUPTED;
    }
    io.report(
      `opossum: ${error instanceof Error ? error.message : String(error)}`,
    );
    const isUsage = error instanceof UsageError ||
      error instanceof UnknownProjectionError;
    if (error instanceof UsageError) io.report("See opossum --help");
    return isUsage ? EXIT_USAGE : EXIT_FAILURE;
  }
}

async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals: [name, ...operands] } = parse(args);
  if (values.help) {
    await io.write(HELP);
    return EXIT_OK;
  }
  const command = COMMANDS.get(name ?? "");
  if (!command) {
    throw new UsageError(
      name === undefined ? "No command was given" : `No command "${name}"`,
    );
  }
  const { min, max } = command.operands;
  if (operands.length < min || operands.length > max) {
    throw new UsageError(
      `Expected: opossum ${name} ${command.usage}`.trimEnd(),
    );
  }
  const { data } = values;
  if (data === undefined || data === "") {
    throw new UsageError("--data is missing");
  }
  if (command.needsProjections && values.projections === undefined) {
    throw new UsageError(
      `--projections is missing: "${name}" needs to know them`,
    );
  }
  const concurrency = toConcurrency(values.concurrency);
  if (!command.createsStore) await assertIsFolder(data);
  await using opossum = await openOpossum({
    path: data,
    projections: command.needsProjections
      ? toModuleUrl(values.projections ?? "")
      : [],
    startDaemon: false,
    logger: createJsonLogger({
      level: values.verbose ? "info" : "warn",
      write: io.report,
    }),
    ...(concurrency === undefined
      ? {}
      : { maxConcurrentRebuilds: concurrency }),
  });
  const { json, force } = values;
  return await command.run({
    opossum,
    io,
    operands,
    options: { data, json, force, concurrency },
  });
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        data: { type: "string" },
        projections: { type: "string" },
        concurrency: { type: "string" },
        force: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        verbose: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new UsageError(
      error instanceof Error ? error.message : String(error),
    );
  }
}

function toConcurrency(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 64) {
    throw new UsageError(
      `--concurrency must be an integer from 1 to 64: it is ${
        JSON.stringify(text)
      }`,
    );
  }
  return value;
}

/** A path is taken from the working folder. */
function toModuleUrl(text: string): string {
  return /^[a-z]+:/.test(text) ? text : pathToFileURL(resolve(text)).href;
}

/** Looking at a store must not create one. */
async function assertIsFolder(path: string): Promise<void> {
  const isFolder = await Deno.stat(path).then(
    (info) => info.isDirectory,
    () => false,
  );
  if (!isFolder) {
    throw new UsageError(`There is no store in ${JSON.stringify(path)}`);
  }
}
