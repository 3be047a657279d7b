/**
 * What the command line needs of the process that runs it, so that tests and other programs can
 * run it too.
 *
 * @module
 */
import process from "node:process";
import type { Logger } from "../telemetry/logger.ts";
import { writeToStandardError } from "../telemetry/standard_error.ts";
import { ask } from "./ask.ts";

/** Where the command line reads and writes, and who stops it. */
export interface CommandIo {
  /**
   * Writes to standard output.
   *
   * @param text What was asked for, with its line ends.
   * @returns Resolves when the text has been taken: wait for it before writing more.
   */
  readonly write: (text: string) => Promise<void>;
  /**
   * Writes a line to standard error.
   *
   * @param line How it goes, without a line end.
   */
  readonly report: (line: string) => void;
  /** Standard input. */
  readonly stdin: ReadableStream<Uint8Array>;
  /** Whether somebody watches standard error, so that progress bars make sense there. */
  readonly isTerminal: boolean;
  /** Stops the command. */
  readonly signal: AbortSignal;
  /** Reads a variable of the environment. @default {none is set} */
  readonly env?: (name: string) => string | undefined;
  /**
   * Takes what is logged, besides standard error and whatever the level is there.
   * @default {nobody does}
   */
  readonly logger?: Logger;
  /**
   * Asks somebody who can answer. @default {nobody can: the command does what it was told}
   *
   * @param question What would be done.
   * @returns Whether to do it.
   */
  readonly confirm?: (question: string) => Promise<boolean>;
}

/**
 * The process's own streams. SIGINT and SIGTERM abort the signal; the second one ends the process.
 *
 * @param exitCode With what the second signal ends the process.
 * @returns The streams and the signal.
 */
export function processIo(exitCode: number): CommandIo {
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) Deno.exit(exitCode);
    stop.abort();
  };
  Deno.addSignalListener("SIGINT", onSignal);
  // Windows knows no SIGTERM.
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", onSignal);
  return {
    write: writeToStdout,
    report: writeToStandardError,
    stdin: Deno.stdin.readable,
    isTerminal: Deno.stderr.isTerminal(),
    signal: stop.signal,
    env: readVariable,
    ...Deno.stdin.isTerminal() && Deno.stderr.isTerminal()
      ? {
        // On standard error: standard output is for what was asked for.
        confirm: (question) =>
          ask(question, {
            input: process.stdin,
            output: process.stderr,
            signal: stop.signal,
            onInterrupt: onSignal,
          }),
      }
      : {},
  };
}

function readVariable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (error) {
    // Not allowed to look: then there is none.
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

async function writeToStdout(text: string): Promise<void> {
  let rest = new TextEncoder().encode(text);
  // A pipe takes what it has room for.
  while (rest.length > 0) rest = rest.subarray(await Deno.stdout.write(rest));
}
