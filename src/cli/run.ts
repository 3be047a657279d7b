/**
 * The command line: reads the arguments, runs the command, prints its outcome.
 *
 * @module
 */
import { UnknownProjectionError } from "../projections/errors.ts";
import { VERSION } from "../telemetry/manifest.ts";
import { type Invocation, readArguments } from "./arguments.ts";
import { type Command, type CommandOutcome, UsageError } from "./command.ts";
import { checkpointsCommand } from "./commands/checkpoints.ts";
import {
  deadLettersCommand,
  retryCommand,
  skipCommand,
} from "./commands/faults.ts";
import { digestCommand } from "./commands/digest.ts";
import { exportCommand } from "./commands/export.ts";
import { importCommand } from "./commands/import.ts";
import { rebuildCommand } from "./commands/rebuild.ts";
import { repairCommand } from "./commands/repair.ts";
import { salvageCommand } from "./commands/salvage.ts";
import { statusCommand } from "./commands/status.ts";
import { verifyCommand } from "./commands/verify.ts";
import {
  EXIT_FAILURE,
  EXIT_INTERRUPTED,
  EXIT_OK,
  EXIT_USAGE,
} from "./exit_codes.ts";
import { commandHelp, generalHelp } from "./help.ts";
import type { CommandIo } from "./io.ts";

const COMMANDS: readonly Command[] = [
  importCommand,
  rebuildCommand,
  statusCommand,
  checkpointsCommand,
  exportCommand,
  digestCommand,
  verifyCommand,
  repairCommand,
  salvageCommand,
  deadLettersCommand,
  retryCommand,
  skipCommand,
];

/**
 * Runs the command line once.
 *
 * @param args The arguments, without the program's name.
 * @param io Where it reads and writes.
 * @returns The exit status: 0 all went well, 1 it did not, 2 called wrongly, 130 interrupted.
 *
 * @example
 * ```ts
 * import { runCli } from "@opossum/deno/cli";
 * import { assertEquals, assertStringIncludes } from "@std/assert";
 *
 * let text = "";
 * const exitCode = await runCli(["--help"], {
 *   write: (part) => Promise.resolve(void (text += part)),
 *   report: () => {},
 *   stdin: new ReadableStream(),
 *   isTerminal: false,
 *   signal: new AbortController().signal,
 * });
 * assertEquals(exitCode, 0);
 * assertStringIncludes(text, "Usage: opossum");
 * ```
 */
export async function runCli(
  args: readonly string[],
  io: CommandIo,
): Promise<number> {
  let hasWritten = false;
  const watched: CommandIo = {
    ...io,
    async write(text) {
      hasWritten = true;
      await io.write(text);
    },
  };
  let exitCode: number;
  let failure: unknown;
  try {
    return await run(readArguments(args, COMMANDS), watched);
  } catch (error) {
    // Whoever read our output has seen enough: there is nobody to tell.
    if (error instanceof Deno.errors.BrokenPipe) return EXIT_FAILURE;
    failure = error;
    exitCode = explain(error, io);
  }
  // A program that reads the output finds one JSON value there, come what may.
  if (args.includes("--json") && !hasWritten) {
    await io.write(toJsonLine({ error: describe(failure) }));
  }
  return exitCode;
}

async function run(invocation: Invocation, io: CommandIo): Promise<number> {
  switch (invocation.kind) {
    case "version":
      await io.write(`${VERSION}\n`);
      return EXIT_OK;
    case "help": {
      const { command } = invocation;
      await io.write(
        `${command ? commandHelp(command) : generalHelp(COMMANDS)}\n`,
      );
      return EXIT_OK;
    }
    case "command": {
      const { command, operands, options } = invocation;
      const outcome = await command.run({ operands, options, io });
      await print(outcome, options.json === true, io);
      return outcome.exitCode;
    }
  }
}

async function print(
  { json, text }: CommandOutcome,
  asJson: boolean,
  io: CommandIo,
): Promise<void> {
  if (asJson && json !== undefined) await io.write(toJsonLine(json));
  if (!asJson && text !== undefined) await io.write(`${text}\n`);
}

/** Says on standard error what went wrong; returns the exit status. */
function explain(error: unknown, io: CommandIo): number {
  if (io.signal.aborted) {
    io.report("Stopped");
    return EXIT_INTERRUPTED;
  }
  io.report(error instanceof Error ? error.message : String(error));
  if (error instanceof UsageError) {
    io.report("Run with --help to see how it is called");
    return EXIT_USAGE;
  }
  return error instanceof UnknownProjectionError ? EXIT_USAGE : EXIT_FAILURE;
}

function describe(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { name: "Error", message: `${error}` };
  const { name, message, ...fields } = error;
  return { name, message, ...fields };
}

function toJsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
