/**
 * What a command of the command line is. Types, and the error for calls that make no sense.
 *
 * @module
 */
import type { CommandIo } from "./io.ts";

/** Values of the options, as given. */
export interface OptionValues {
  readonly data?: string;
  readonly url?: string;
  readonly "token-file"?: string;
  readonly projections?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
  readonly "log-level"?: string;
  readonly "allow-network-file-system"?: boolean;
  readonly "read-only"?: boolean;
  readonly force?: boolean;
  readonly concurrency?: string;
  readonly priority?: string;
  readonly "dry-run"?: boolean;
  readonly note?: string;
  readonly verify?: boolean;
  readonly promote?: string;
  readonly "ignore-disk-space"?: boolean;
  readonly "no-wait"?: boolean;
  readonly yes?: boolean;
  readonly deep?: boolean;
  readonly apply?: boolean;
  readonly type?: readonly string[];
  readonly tag?: readonly string[];
  readonly after?: string;
  readonly before?: string;
  readonly limit?: string;
  readonly state?: string;
  readonly key?: readonly string[];
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

/** Where a command works: in a folder (`--data`), on a server (`--url`), or wherever it is told. */
export type CommandPlace =
  | { readonly works: "anywhere" }
  /** `because`: why not over `--url`, to be continued after "as". */
  | { readonly works: "folder"; readonly because: string }
  /** `because`: why not with `--data`, to be continued after "as". */
  | { readonly works: "server"; readonly because: string }
  | { readonly works: "nowhere" };

/** What stands as an operand, for completions. */
export type OperandKind = "projection" | "operation" | "file" | "shell";

/** A command. */
export interface Command {
  /** What it is called by, of one or two words: `"projections list"`. */
  readonly name: string;
  /** What it was called before, and still may be. @default {nothing else} */
  readonly formerly?: string;
  /** Its operands, as the help shows them: `"FILE"`. */
  readonly operands: string;
  /** Fewest and most operands. */
  readonly operandCount: readonly [min: number, max: number];
  /** What its operands are. @default {anything} */
  readonly operandKind?: OperandKind;
  /** What it does, in a few words. */
  readonly summary: string;
  /** All that its users need to know. */
  readonly details: string;
  /** Calls worth copying, without the program's name. */
  readonly examples: readonly string[];
  /** Its options, besides those of all commands. */
  readonly options: readonly (keyof OptionValues)[];
  /** Where it works. */
  readonly place: CommandPlace;
  /** Whether it needs `--projections` when it works on a folder. */
  readonly needsProjections: boolean;
  /** Does it. */
  run(call: CommandCall): Promise<CommandOutcome>;
}

/** The command line was called wrongly: see the help. Nothing was done. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
