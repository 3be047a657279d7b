/**
 * The command that serves the sample: `deno task serve --help`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { createJsonLogger } from "@opossum/deno";
import { startTelemetry } from "@opossum/deno/telemetry";
import { type CourseServer, startCourseServer } from "./server.ts";
import {
  EXIT_FAILURE,
  EXIT_OK,
  EXIT_USAGE,
  integerOption,
  processTerminal,
  type Terminal,
  UsageError,
} from "./terminal.ts";

/** Stopping may take this long, in milliseconds, before the process ends the hard way. */
const STOP_MS_MAX = 10_000;

const HELP = `Serves the sample: commands, queries, admin API and docs page.

Usage: deno task serve [--data DIR] [--host H] [--port N]

  --data DIR   The data folder. An empty one is filled with a small data set.
               Default: ./data
  --host H     The address to listen on. Default: 127.0.0.1
  --port N     The port to listen on, 0 for any that is free. Default: 8000
  --help       Shows this.

Environment:
  OPOSSUM_ADMIN_TOKEN   The bearer token of the admin API, 32 characters at
                        least. Without one the admin API is open to every
                        program on this machine, and the server refuses to
                        listen on other addresses than loopback.
  OTEL_*                OpenTelemetry's own variables, such as
                        OTEL_EXPORTER_OTLP_ENDPOINT, send traces and metrics.

SIGINT and SIGTERM stop it within 10 seconds. Exit status: 0 stopped when told
to; 1 it did not work; 2 called wrongly.`;

/** What was asked for. */
interface ServeCommand {
  readonly data: string;
  readonly host: string;
  readonly port: number;
}

/**
 * Runs the command until its terminal's signal aborts.
 *
 * @param args Its arguments.
 * @param terminal Where it writes, and who stops it.
 * @returns The exit status.
 */
export async function runServe(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  try {
    const command = parse(args);
    if (command === "help") terminal.print(HELP);
    else await serve(command, terminal);
    return EXIT_OK;
  } catch (error) {
    terminal.report(error instanceof Error ? error.message : String(error));
    if (!(error instanceof UsageError)) return EXIT_FAILURE;
    terminal.report("Run with --help to see how it is called");
    return EXIT_USAGE;
  }
}

function parse(args: readonly string[]): ServeCommand | "help" {
  const { values } = readArgs(args);
  const { data = "./data", host = "127.0.0.1", port = "8000" } = values;
  if (values.help) return "help";
  if (data === "") throw new UsageError("Option '--data' must name a folder");
  if (host === "") throw new UsageError("Option '--host' must be an address");
  return { data, host, port: integerOption("--port", port, 0, 65_535) };
}

function readArgs(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        data: { type: "string" },
        host: { type: "string" },
        port: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : "", {
      cause,
    });
  }
}

async function serve(
  command: ServeCommand,
  terminal: Terminal,
): Promise<void> {
  const { print, report, env, signal } = terminal;
  // Never an argument: those are seen by every user of the machine.
  const token = env("OPOSSUM_ADMIN_TOKEN") || undefined;
  await using telemetry = await startTelemetry({
    serviceName: "opossum-course-management",
    env,
  });
  await using server = await startCourseServer({
    ...command,
    token,
    metrics: () => telemetry.metrics(),
    logger: createJsonLogger({ write: report }),
    onSeeded: (events) =>
      print(`The folder was empty: it was seeded with ${events} events`),
  });
  announce(server, { ...command, isOpen: token === undefined, print });
  await aborted(signal);
  print("Stopping");
}

function announce(
  { url }: CourseServer,
  { data, isOpen, print }: {
    readonly data: string;
    readonly isOpen: boolean;
    readonly print: (line: string) => void;
  },
): void {
  print(`Serving ${data} at ${url}

  ${url}/docs      try every request, and press the button that rebuilds
  ${url}/courses   the courses
  ${url}/students  the students
  ${url}/readyz    whether the projections are ready
  ${url}/metrics   for Prometheus
`);
  print(
    isOpen
      ? "OPOSSUM_ADMIN_TOKEN is not set: the admin API is open to every program on this machine, and to no other"
      : "The admin API takes the bearer token in OPOSSUM_ADMIN_TOKEN",
  );
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}

if (import.meta.main) {
  const terminal = processTerminal();
  terminal.signal.addEventListener("abort", () => {
    // The log is safe whenever the process ends: late is worse than abrupt.
    Deno.unrefTimer(setTimeout(() => {
      terminal.report(`Not stopped within ${STOP_MS_MAX} ms: ending abruptly`);
      Deno.exit(EXIT_FAILURE);
    }, STOP_MS_MAX));
  });
  Deno.exit(await runServe(Deno.args, terminal));
}
