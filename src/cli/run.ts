/**
 * The command line: reads the arguments, runs the command, prints its outcome.
 *
 * @module
 */
import { VERSION } from "../telemetry/manifest.ts";
import { type Invocation, readArguments } from "./arguments.ts";
import type { Command, CommandOutcome } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import {
  EXIT_FAILURE,
  EXIT_INTERRUPTED,
  EXIT_OK,
  EXIT_USAGE,
  exitCodeOf,
} from "./exit_codes.ts";
import { commandHelp, generalHelp, groupHelp } from "./help.ts";
import type { CommandIo } from "./io.ts";
import { visible } from "./visible_text.ts";

/**
 * Runs the command line once.
 *
 * @param args The arguments, without the program's name.
 * @param io Where it reads and writes.
 * @returns The exit status: 0 all went well, 1 it did not, 2 called wrongly, 130 interrupted; the
 * others stand in `opossum --help`.
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
  const { confirm } = io;
  let hasWritten = false;
  const watched: CommandIo = {
    ...io,
    report: (line) => io.report(visible(line)),
    ...confirm ? { confirm: (question) => confirm(visible(question)) } : {},
    async write(text) {
      hasWritten = true;
      await io.write(text);
    },
  };
  try {
    return await run(readArguments(args, COMMANDS), watched);
  } catch (error) {
    if (isUnread(error)) return EXIT_FAILURE;
    const exitCode = explain(error, watched);
    // A program that reads the output finds one JSON value there, come what may.
    if (args.includes("--json") && !hasWritten) {
      await io.write(toJsonLine({ error: describe(error) }))
        .catch((unwritten) => {
          if (!isUnread(unwritten)) throw unwritten;
        });
    }
    return exitCode;
  }
}

/** Whether whoever read our output has seen enough: there is nobody to tell. */
function isUnread(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe;
}

async function run(invocation: Invocation, io: CommandIo): Promise<number> {
  switch (invocation.kind) {
    case "version":
      await io.write(`${VERSION}\n`);
      return EXIT_OK;
    case "help": {
      await io.write(`${helpOn(invocation.commands)}\n`);
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

function helpOn(commands: readonly Command[] | undefined): string {
  if (commands === undefined) return generalHelp(COMMANDS);
  const [command] = commands;
  return command && commands.length === 1
    ? commandHelp(command)
    : groupHelp(commands);
}

async function print(
  { json, text }: CommandOutcome,
  asJson: boolean,
  io: CommandIo,
): Promise<void> {
  if (asJson && json !== undefined) await io.write(toJsonLine(json));
  if (!asJson && text !== undefined) await io.write(`${visible(text)}\n`);
}

/** Says on standard error what went wrong; returns the exit status. */
function explain(error: unknown, io: CommandIo): number {
  if (io.signal.aborted) {
    io.report("Stopped");
    return EXIT_INTERRUPTED;
  }
  io.report(error instanceof Error ? error.message : String(error));
  const exitCode = exitCodeOf(error);
  if (exitCode === EXIT_USAGE) {
    io.report("Run with --help to see how it is called");
  }
  return exitCode;
}

function describe(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { name: "Error", message: `${error}` };
  const { name, message, ...fields } = error;
  return { name, message, ...fields };
}

function toJsonLine(value: unknown): string {
  return `${visible(JSON.stringify(value))}\n`;
}
