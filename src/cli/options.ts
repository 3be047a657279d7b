/**
 * The options of the command line: what parses them, explains them and completes them is made of
 * this one table.
 *
 * @module
 */
import { LOG_LEVELS } from "../telemetry/logger.ts";
import type { Command, OptionValues } from "./command.ts";

/** Name of an option. */
export type OptionName = keyof OptionValues;

/** What an option is. */
export interface OptionHelp {
  /** Name of its value, or `undefined` for a switch. */
  readonly value?: string;
  /** What it does. */
  readonly meaning: string;
  /** Whether it may be given several times. @default {false} */
  readonly multiple?: boolean;
  /** The values it takes, or what kind they are of. @default {anything} */
  readonly values?: readonly string[] | "file" | "folder";
}

/** Options that every command takes. */
export const COMMON_OPTIONS: readonly OptionName[] = [
  "json",
  "verbose",
  "log-level",
];

/** Options of commands that work on a folder. */
export const FOLDER_OPTIONS: readonly OptionName[] = [
  "data",
  "allow-network-file-system",
];

/** Options of commands that work on a server. */
export const SERVER_OPTIONS: readonly OptionName[] = ["url", "token-file"];

/** Every option. */
export const OPTIONS: Readonly<Record<OptionName, OptionHelp>> = {
  data: {
    value: "DIR",
    meaning: "Work on this data folder.",
    values: "folder",
  },
  url: {
    value: "URL",
    meaning: "Work on this running server: http://127.0.0.1:8000.",
  },
  "token-file": {
    value: "FILE",
    meaning: "File with the server's token, else $OPOSSUM_TOKEN counts.",
    values: "file",
  },
  projections: {
    value: "MODULE",
    meaning: "Module that exports the projections: a path or a URL.",
    values: "file",
  },
  json: {
    meaning: "Print one JSON value on standard output, and nothing else there.",
  },
  verbose: {
    meaning: "Log to standard error from level info; else from level warn.",
  },
  "log-level": {
    value: "LEVEL",
    meaning: "debug, info, warn or error; else $OPOSSUM_LOG_LEVEL counts.",
    values: LOG_LEVELS,
  },
  "allow-network-file-system": {
    meaning: "Open a folder on NFS, SMB or the like. No other machine may.",
  },
  "read-only": {
    meaning: "Change nothing in the folder: for read-only disks.",
  },
  force: { meaning: "Rebuild also what is up to date. Asks on a terminal." },
  concurrency: {
    value: "N",
    meaning: 'How many projections at once, 1 to 64, or "auto". Default: 4.',
  },
  priority: {
    value: "N",
    meaning: "Higher goes first: -100 to 100; negative as --priority=-5.",
  },
  "dry-run": {
    meaning: "Only say what would be rebuilt, why, and what it takes.",
  },
  note: {
    value: "TEXT",
    meaning: "Words for the history, at most 256 characters.",
  },
  verify: { meaning: "Compare what is built with what serves, and report it." },
  promote: {
    value: "WHEN",
    meaning: '"manual": wait for "operations promote" with the swap.',
    values: ["automatic", "manual"],
  },
  "ignore-disk-space": {
    meaning: "Rebuild also when the estimate does not fit on the disk.",
  },
  "no-wait": {
    meaning: "Print the operation's id and leave it to the server.",
  },
  yes: { meaning: "Do it without asking." },
  deep: { meaning: "Check also what is derived from the log." },
  apply: { meaning: "Do it, instead of only saying what would be done." },
  type: {
    value: "TYPE",
    meaning: "Only events of this type; given again: or of that one.",
    multiple: true,
  },
  tag: {
    value: "TAG",
    meaning: "Only events with this tag; given again: and with that one.",
    multiple: true,
  },
  key: {
    value: "KEY",
    meaning: "Only the document of this key; given again: and of that one.",
    multiple: true,
  },
  after: { value: "POSITION", meaning: "Only events after this position." },
  before: {
    value: "ID",
    meaning: "Only operations that were asked for before this one.",
  },
  limit: { value: "N", meaning: "At most so many." },
  state: {
    value: "STATE",
    meaning: "Only operations in this state.",
    values: [
      "queued",
      "running",
      "paused",
      "succeeded",
      "failed",
      "cancelled",
      "interrupted",
    ],
  },
};

/**
 * The options that a command takes, the most important first.
 *
 * @param command The command.
 * @returns Their names.
 */
export function optionsOf(command: Command): readonly OptionName[] {
  const { works } = command.place;
  if (works === "nowhere") return [...command.options, "json"];
  return [
    ...works === "server" ? [] : FOLDER_OPTIONS.slice(0, 1),
    ...works === "folder" ? [] : SERVER_OPTIONS,
    ...works === "server" ? [] : ["projections"] as const,
    ...command.options,
    ...COMMON_OPTIONS,
    ...works === "server" ? [] : FOLDER_OPTIONS.slice(1),
  ];
}

/** An option as it is given: `"--data DIR"`. */
export function usageOf(option: OptionName): string {
  const { value } = OPTIONS[option];
  return value === undefined ? `--${option}` : `--${option} ${value}`;
}
