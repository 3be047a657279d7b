/**
 * Runs the command line within the test, and keeps what it writes.
 *
 * @module
 */
import type { EventInput } from "../../mod.ts";
import { openOpossum, silentLogger } from "../../mod.ts";
import { runCli } from "../../src/cli/run.ts";

/** How to run it. */
export interface CliRunOptions {
  /** What standard input holds, in pieces. */
  readonly stdin?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** Sees every line on standard error. */
  readonly onReport?: (line: string) => void;
  /** Stops it. */
  readonly signal?: AbortSignal;
  /** The environment. @default {empty} */
  readonly env?: Readonly<Record<string, string>>;
  /** Answers what is asked. @default {nobody is there to} */
  readonly confirm?: (question: string) => boolean | Promise<boolean>;
  /** Sees what is written to standard output. */
  readonly onWrite?: (text: string) => void;
}

/** What it wrote. */
export interface CliRun {
  readonly exitCode: number;
  readonly stdout: string;
  /** Lines on standard error. */
  readonly reports: readonly string[];
}

/** Runs the command line. */
export async function runCommand(
  args: readonly string[],
  options: CliRunOptions = {},
): Promise<CliRun> {
  const written: string[] = [];
  const reports: string[] = [];
  const { confirm } = options;
  const exitCode = await runCli(args, {
    write(text) {
      written.push(text);
      options.onWrite?.(text);
      return Promise.resolve();
    },
    report(line) {
      reports.push(line);
      options.onReport?.(line);
    },
    stdin: ReadableStream.from(options.stdin ?? []),
    isTerminal: false,
    signal: options.signal ?? new AbortController().signal,
    env: (name) => options.env?.[name],
    ...confirm ? { confirm: async (text) => await confirm(text) } : {},
  });
  return { exitCode, stdout: written.join(""), reports };
}

/** The path of a module beside this one. */
export function modulePath(name: string): string {
  return new URL(name, import.meta.url).href;
}

/** Appends events to the store in a folder, creating it. */
export async function fillStore(
  path: string,
  events: readonly EventInput[],
): Promise<void> {
  await using opossum = await openOpossum({
    path,
    startDaemon: false,
    logger: silentLogger,
  });
  await opossum.events.append(events);
}

/** An event's line in a file to import. */
export function eventLine(
  position: number,
  fields: Readonly<Record<string, unknown>> = {},
): string {
  const number = position.toString(16).padStart(12, "0");
  return JSON.stringify({
    position,
    id: `00000000-0000-4000-8000-${number}`,
    type: "Counted",
    tags: [`key:${position % 3}`],
    data: { key: "abc".charAt(position % 3), by: position },
    timestamp: "2025-01-02T03:04:05.678Z",
    ...fields,
  });
}

/** The lines of events at consecutive positions. */
export function eventLines(first: number, last: number): string {
  let text = "";
  for (let position = first; position <= last; position++) {
    text += `${eventLine(position)}\n`;
  }
  return text;
}
