/**
 * `opossum completions`: what a shell needs to complete commands.
 *
 * @module
 */
import { type Command, UsageError } from "../command.ts";
import { completionScript, SHELLS } from "../completions.ts";
import { EXIT_OK } from "../exit_codes.ts";

/** The command. */
export const completionsCommand: Command = {
  name: "completions",
  operands: "SHELL",
  operandCount: [1, 1],
  operandKind: "shell",
  summary: "Print completions for bash, zsh or fish.",
  details:
    `Prints a script that lets the SHELL (bash, zsh or fish) complete commands, options
and their values. It starts nothing while you type. The program must be called
"opossum": a function or an alias will do.`,
  examples: [
    "completions bash > ~/.local/share/bash-completion/completions/opossum",
    "completions zsh > ~/.zfunc/_opossum   # with ~/.zfunc in $fpath",
    "completions fish > ~/.config/fish/completions/opossum.fish",
  ],
  options: [],
  place: { works: "nowhere" },
  needsProjections: false,
  async run({ operands: [name = ""] }) {
    const shell = SHELLS.find((each) => each === name);
    if (shell === undefined) {
      throw new UsageError(
        `SHELL must be one of ${SHELLS.join(", ")}: it is ${
          JSON.stringify(name)
        }`,
      );
    }
    // Asked for only now, as this command is one of them.
    const { COMMANDS } = await import("../commands.ts");
    const script = completionScript(shell, COMMANDS);
    return { exitCode: EXIT_OK, json: { shell, script }, text: script };
  },
};
