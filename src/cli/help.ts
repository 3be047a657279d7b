/**
 * The words of `--help`.
 *
 * @module
 */
import { COMMON_OPTIONS, OPTIONS } from "./arguments.ts";
import type { Command, OptionValues } from "./command.ts";

const EXIT_STATUS =
  `Exit status: 0 all went well; 1 it did not work, or not all of it; 2 called
wrongly (unknown command, option or projection, something missing), nothing was
done; 130 stopped by SIGINT or SIGTERM.`;

/**
 * The help on all commands.
 *
 * @param commands The commands there are.
 * @returns The text, without the last line end.
 */
export function generalHelp(commands: readonly Command[]): string {
  return `Works on a data folder of Opossum: events, and projections of them.

Usage: opossum COMMAND --data DIR [OPTION…]

Commands:
${
    columns(
      commands.map(({ name, operands, summary }) => [
        `${name} ${operands}`.trim(),
        summary,
      ]),
    )
  }

Options of every command:
${optionLines(COMMON_OPTIONS)}
${
    columns([["--help", "Show this, or the help on a command."], [
      "--version",
      "Show the version.",
    ]])
  }

A server may have the same folder open: events are appended under a lock, and
projections are swapped in whole.

${EXIT_STATUS}

More on each: opossum COMMAND --help`;
}

/**
 * The help on one command.
 *
 * @param command The command.
 * @returns The text, without the last line end.
 */
export function commandHelp(command: Command): string {
  const { name, operands, details, needsProjections } = command;
  const usage = [
    "opossum",
    name,
    operands,
    "--data DIR",
    needsProjections ? "--projections MODULE" : "",
    ...command.options.map((option) => `[${usageOf(option)}]`),
    "[--json] [--verbose]",
  ].filter((part) => part !== "");
  const options = [...COMMON_OPTIONS, ...command.options]
    .filter((option) => option !== "projections" || needsProjections);
  return `${details}

Usage: ${usage.join(" ")}

${optionLines(options)}

${EXIT_STATUS}`;
}

function usageOf(option: keyof OptionValues): string {
  const { value } = OPTIONS[option];
  return value === undefined ? `--${option}` : `--${option} ${value}`;
}

function optionLines(options: readonly (keyof OptionValues)[]): string {
  return columns(
    options.map((option) => [usageOf(option), OPTIONS[option].meaning]),
  );
}

function columns(rows: readonly (readonly [string, string])[]): string {
  return rows.map(([left, right]) => `  ${left.padEnd(22)} ${right}`).join(
    "\n",
  );
}
