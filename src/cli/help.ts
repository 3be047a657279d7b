/**
 * The words of `--help`.
 *
 * @module
 */
import type { Command, CommandPlace } from "./command.ts";
import { EXIT_CODES } from "./exit_codes.ts";
import {
  COMMON_OPTIONS,
  FOLDER_OPTIONS,
  OPTIONS,
  optionsOf,
  SERVER_OPTIONS,
  usageOf,
} from "./options.ts";

/** Columns of a terminal that the help fits into. */
const COLUMNS = 88;
const LEFT = 24;

/**
 * The help on all commands.
 *
 * @param commands The commands there are.
 * @returns The text, without the last line end.
 */
export function generalHelp(commands: readonly Command[]): string {
  return `Works on a data folder of Opossum (events, and projections of them), or on a server
that has one open.

Usage: opossum COMMAND --data DIR [OPTION…]
       opossum COMMAND --url URL [OPTION…]

${
    sections(commands).map(([title, rows]) => `${title}\n${columns(rows)}`)
      .join("\n\n")
  }

Options of every command:
${
    columns([
      ...[
        ...FOLDER_OPTIONS.slice(0, 1),
        ...SERVER_OPTIONS,
        "projections" as const,
        ...COMMON_OPTIONS,
        ...FOLDER_OPTIONS.slice(1),
      ].map((option) => [usageOf(option), OPTIONS[option].meaning] as const),
      ["--help", "Show this, or the help on a command."],
      ["--version", "Show the version."],
    ])
  }

A server may have the same folder open: events are appended under a lock, and
projections are swapped in whole. A token is never an argument, where every user of
the machine would see it: $OPOSSUM_TOKEN holds it, or a file that only you can read.

${exitStatus()}

More on each: opossum COMMAND --help`;
}

/**
 * The help on some commands that belong together.
 *
 * @param commands The commands.
 * @returns The text, without the last line end.
 */
export function groupHelp(commands: readonly Command[]): string {
  const word = commands[0]?.name.split(" ")[0] ?? "";
  return `Usage: opossum ${word} COMMAND [OPTION…]

${columns(commands.map(rowOf))}

More on each: opossum ${word} COMMAND --help`;
}

/**
 * The help on one command.
 *
 * @param command The command.
 * @returns The text, without the last line end.
 */
export function commandHelp(command: Command): string {
  const { name, formerly, operands, details, place, examples } = command;
  const options = optionsOf(command).filter((option) =>
    option !== "projections" || command.needsProjections ||
    command.options.includes("projections")
  );
  const usage = [name, operands, targetOf(place), "[OPTION…]"]
    .filter((part) => part !== "").join(" ");
  const parts = [
    details,
    `Usage: opossum ${usage}`,
    ...options.length === 0 ? [] : [
      `Options:\n${
        columns(
          options.map((option) => [usageOf(option), OPTIONS[option].meaning]),
        )
      }`,
    ],
    `Examples:\n${
      examples.map((example) => `  opossum ${example}`).join("\n")
    }`,
    ...formerly === undefined
      ? []
      : [`'opossum ${formerly}' does the same: its former name.`],
    exitStatus(),
  ];
  return parts.join("\n\n");
}

function targetOf({ works }: CommandPlace): string {
  if (works === "nowhere") return "";
  if (works === "folder") return "--data DIR";
  return works === "server" ? "--url URL" : "(--data DIR | --url URL)";
}

function exitStatus(): string {
  const rows = EXIT_CODES.map(([code, meaning]) =>
    [`${code}`.padStart(3), meaning] as const
  );
  return `Exit status:\n${columns(rows, 4)}`;
}

const GROUP_TITLES: Readonly<Record<string, string>> = {
  projections: "Projections:",
  operations: "Rebuild operations:",
  events: "Events:",
};

function sections(
  commands: readonly Command[],
): [string, (readonly [string, string])[]][] {
  const byTitle = new Map<string, (readonly [string, string])[]>();
  for (const command of commands) {
    const [word = ""] = command.name.split(" ");
    const title = GROUP_TITLES[word] ?? "Data folder and server:";
    byTitle.set(title, [...byTitle.get(title) ?? [], rowOf(command)]);
  }
  return [...byTitle];
}

function rowOf(
  { name, operands, summary, place }: Command,
): readonly [string, string] {
  const where = place.works === "folder"
    ? " (--data only)"
    : place.works === "server"
    ? " (--url only)"
    : "";
  return [`${name} ${operands}`.trim(), `${summary.slice(0, -1)}${where}`];
}

function columns(
  rows: readonly (readonly [string, string])[],
  left = LEFT,
): string {
  return rows.map(([name, meaning]) => {
    const lines = wrap(meaning, COLUMNS - left - 3);
    const [first = "", ...others] = name.length > left ? ["", ...lines] : lines;
    return [
      `  ${name.padEnd(left)} ${first}`.trimEnd(),
      ...others.map((line) => `  ${" ".repeat(left)} ${line}`),
    ].join("\n");
  }).join("\n");
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
