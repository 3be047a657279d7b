/**
 * What a command of the command line is given, and how it ends.
 *
 * @module
 */
import type { Opossum } from "../opossum.ts";

/** What a command needs of its process, so that tests can run it without one. */
export interface CommandIo {
  /** Writes to standard output; resolves when there is room for more. */
  readonly write: (text: string) => Promise<void>;
  /** Writes a line about how it goes to standard error. */
  readonly report: (line: string) => void;
  /** Standard input. */
  readonly stdin: ReadableStream<Uint8Array>;
  /** Whether somebody watches standard error, so that progress bars make sense. */
  readonly isTerminal: boolean;
  /** Aborts when the command is to stop. */
  readonly signal: AbortSignal;
}

/** The options of the command line, as they were given. */
export interface CommandOptions {
  /** The data folder. */
  readonly data: string;
  /** Print one JSON value on standard output, and nothing else there. */
  readonly json: boolean;
  /** Rebuild also what is up to date. */
  readonly force: boolean;
  /** At most this many projections at once. */
  readonly concurrency: number | undefined;
}

/** What a command works on. */
export interface CommandContext {
  /** The open store; its daemon does not run. */
  readonly opossum: Opossum;
  /** Where to read and write. */
  readonly io: CommandIo;
  /** How it was called. */
  readonly options: CommandOptions;
  /** What stands behind the command's name. */
  readonly operands: readonly string[];
}

/** A command. */
export interface Command {
  /** What stands behind its name: `"[NAME…]"`. */
  readonly usage: string;
  /** What it does, in one line. */
  readonly summary: string;
  /** Whether it needs to know the projections. */
  readonly needsProjections: boolean;
  /** Whether it may create the data folder. */
  readonly createsStore: boolean;
  /** How many operands it takes. */
  readonly operands: { readonly min: number; readonly max: number };
  /** Does it; resolves with the exit status. */
  run(context: CommandContext): Promise<number>;
}

/** Exit status: all went well. */
export const EXIT_OK = 0;
/** Exit status: it did not work, or only in part. */
export const EXIT_FAILURE = 1;
/** Exit status: the command was called wrongly; nothing was done. */
export const EXIT_USAGE = 2;
/** Exit status: stopped by a signal, as shells have it for SIGINT. */
export const EXIT_INTERRUPTED = 130;

/** The command was called wrongly: see its help. */
export class UsageError extends Error {
  /** Tells the class by its name. */
  override readonly name = "UsageError";
}

/** Writes one JSON value as a line. */
export async function writeJson(io: CommandIo, value: unknown): Promise<void> {
  await io.write(JSON.stringify(value) + "\n");
}
