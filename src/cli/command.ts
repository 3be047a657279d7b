/**
 * What a command of the command line is. Types, and the error for calls that make no sense.
 *
 * @module
 */
import type { CommandIo } from "./io.ts";

/** Values of the options, as given. */
export interface OptionValues {
  readonly data?: string;
  readonly projections?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
  readonly "allow-network-file-system"?: boolean;
  readonly "read-only"?: boolean;
  readonly force?: boolean;
  readonly concurrency?: string;
  readonly "dry-run"?: boolean;
  readonly note?: string;
  readonly deep?: boolean;
  readonly apply?: boolean;
}

/** What a command gets. */
export interface CommandCall {
  /** The arguments that are no options, without the command's own name. */
  readonly operands: readonly string[];
  /** The options: those of the command, and those of all. */
  readonly options: OptionValues;
  /** Where it reads and writes. */
  readonly io: CommandIo;
}

/** How a command ended. */
export interface CommandOutcome {
  /** The process's exit status. */
  readonly exitCode: number;
  /** What `--json` prints; nothing when the command has written its output itself. */
  readonly json?: unknown;
  /** What is printed otherwise, without the last line end. */
  readonly text?: string;
}

/** A command. */
export interface Command {
  /** What it is called by. */
  readonly name: string;
  /** Its operands, as the help shows them: `"FILE"`. */
  readonly operands: string;
  /** Fewest and most operands. */
  readonly operandCount: readonly [min: number, max: number];
  /** What it does, in a few words. */
  readonly summary: string;
  /** All that its users need to know. */
  readonly details: string;
  /** Its options, besides those of all commands. */
  readonly options: readonly (keyof OptionValues)[];
  /** Whether it needs `--projections`. */
  readonly needsProjections: boolean;
  /** Does it. */
  run(call: CommandCall): Promise<CommandOutcome>;
}

/** The command line was called wrongly: see the help. Nothing was done. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
