/**
 * The command that serves the sample: `deno task serve --help`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import {
  createJsonLogger,
  type Logger,
  type LogLevel,
  parseLogLevel,
} from "@opossum/deno";
import {
  type AdminAuth,
  type RequestLimits,
  watchTokenFile,
} from "@opossum/deno/api";
import { createProgramLogger, startTelemetry } from "@opossum/deno/telemetry";
import { type CourseServer, startCourseServer } from "./server.ts";
import {
  EXIT_FAILURE,
  EXIT_OK,
  EXIT_USAGE,
  integerOption,
  processTerminal,
  readCall,
  type Terminal,
  UsageError,
} from "./terminal.ts";

/** Stopping may take this long, in milliseconds, before the process ends the hard way. */
const STOP_MS_MAX = 10_000;

const HELP = `Serves the sample: commands, queries, admin API and docs page.

Usage: deno task serve [--data DIR] [--host H] [--port N] [--token-file FILE]

  --data DIR           The data folder. An empty one is filled with a small data
                       set. Default: ./data
  --host H             The address to listen on. Default: 127.0.0.1
  --port N             The port to listen on, 0 for any that is free.
                       Default: 8000
  --token-file FILE    Tokens of the admin API, a line each: "id scope token",
                       with the scope read or operate, and when it ends if ever.
                       Only its owner may be able to read the file. It is read
                       again when it changes.
  --allow-unauthenticated
                       Serves without a token if none is given: the admin API is
                       open to every program on this machine then, and the
                       server refuses to listen on other addresses than
                       loopback. "deno task serve" says so.
  --allow-host NAME    A host name to answer to, besides those of the loopback
                       interface and the address; may be repeated. Default:
                       these, and with a token every IP address
  --trusted-proxy IP   A proxy, or network of them, whose X-Forwarded-For tells
                       clients apart; may be repeated. Default: none
  --max-triggers N     Requests a token may change something with in a minute.
                       Default: 10
  --log-level LEVEL    What to log on standard error, a JSON object a line: debug
                       (every request too), info, warn or error. Default:
                       $OPOSSUM_LOG_LEVEL, else info
  --rebuild-events-max N
                       Events that rebuilds may read in a second, 100 at least:
                       a small data set is rebuilt slowly enough to watch it.
                       Default: as many as they can
  --help               Shows this.

Environment:
  OPOSSUM_ADMIN_TOKEN   A bearer token of the admin API that may do everything,
                        32 characters at least; accepted besides those of the
                        file.
  OPOSSUM_LOG_LEVEL     What to log, where --log-level does not say it.
  OTEL_*                OpenTelemetry's own variables, such as
                        OTEL_EXPORTER_OTLP_ENDPOINT, send traces, metrics and
                        logs. docs/TELEMETRY.md lists them.

SIGINT and SIGTERM stop it within 10 seconds. Exit status: 0 stopped when told
to; 1 it did not work; 2 called wrongly.`;

/** What was asked for. */
interface ServeCommand {
  readonly data: string;
  readonly host: string;
  readonly port: number;
  readonly tokenFile: string | undefined;
  readonly allowUnauthenticated: boolean;
  readonly allowedHosts: readonly string[];
  readonly limits: RequestLimits;
  /** `undefined`: as the environment says. */
  readonly logLevel: LogLevel | undefined;
  readonly rebuildEventsPerSecondMax?: number;
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
  const triggers = values["max-triggers"] ?? "10";
  const level = values["log-level"];
  const rebuildEvents = values["rebuild-events-max"];
  return {
    logLevel: level === undefined
      ? undefined
      : readLevel(level, "Option '--log-level'"),
    data,
    host,
    port: integerOption("--port", port, 0, 65_535),
    tokenFile: values["token-file"],
    allowUnauthenticated: values["allow-unauthenticated"] === true,
    allowedHosts: values["allow-host"] ?? [],
    limits: {
      triggersPerMinute: integerOption(
        "--max-triggers",
        triggers,
        1,
        1_000_000,
      ),
      trustedProxies: values["trusted-proxy"] ?? [],
    },
    ...(rebuildEvents === undefined ? {} : {
      rebuildEventsPerSecondMax: integerOption(
        "--rebuild-events-max",
        rebuildEvents,
        100,
        1_000_000_000,
      ),
    }),
  };
}

function readArgs(args: readonly string[]) {
  return readCall(() =>
    parseArgs({
      args: [...args],
      options: {
        data: { type: "string" },
        host: { type: "string" },
        port: { type: "string" },
        "token-file": { type: "string" },
        "allow-unauthenticated": { type: "boolean" },
        "allow-host": { type: "string", multiple: true },
        "trusted-proxy": { type: "string", multiple: true },
        "max-triggers": { type: "string" },
        "log-level": { type: "string" },
        "rebuild-events-max": { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    })
  );
}

function readLevel(text: string, name: string): LogLevel {
  return readCall(() => parseLogLevel(text, name));
}

async function serve(
  command: ServeCommand,
  terminal: Terminal,
): Promise<void> {
  const { print, report: write, env, signal } = terminal;
  // Set to nothing is not set, as usual.
  const level = command.logLevel ??
    readLevel(
      env("OPOSSUM_LOG_LEVEL") || "info",
      "Variable 'OPOSSUM_LOG_LEVEL'",
    );
  const logger = createProgramLogger({ level, write, env });
  const auth = authOf(command, { env, logger });
  await using telemetry = await startTelemetry({
    serviceName: "opossum-course-management",
    env,
    // What cannot be exported had better not be exported.
    logger: createJsonLogger({ level, write }),
  });
  await using server = await startCourseServer({
    ...command,
    auth,
    metrics: () => telemetry.metrics(),
    logger,
    onSeeded: (events) =>
      print(`The folder was empty: it was seeded with ${events} events`),
  });
  announce(server, { ...command, auth, print });
  await aborted(signal);
  print("Stopping");
}

/** Tokens are never arguments: those are seen by every user of the machine. */
function authOf(
  { tokenFile, allowUnauthenticated }: ServeCommand,
  { env, logger }: {
    readonly env: Terminal["env"];
    readonly logger: Logger;
  },
): AdminAuth {
  const token = env("OPOSSUM_ADMIN_TOKEN") || undefined;
  const own = token === undefined
    ? []
    : [{ id: "environment", token, scopes: ["operate"] as const }];
  if (tokenFile !== undefined) {
    const inFile = watchTokenFile(tokenFile, logger);
    // One that stands in both must not shut everybody out once the file is read again.
    const others = () => inFile().filter((each) => each.token !== token);
    return { tokens: () => [...own, ...others()] };
  }
  if (own.length > 0) return { tokens: own };
  if (allowUnauthenticated) return { allowUnauthenticated: true };
  throw new Error(
    "Cannot serve the admin API without a token: set OPOSSUM_ADMIN_TOKEN, " +
      "name a file with '--token-file', or let every program on this machine " +
      "in with '--allow-unauthenticated'",
  );
}

function announce(
  { url }: CourseServer,
  { data, auth, print }: {
    readonly data: string;
    readonly auth: AdminAuth;
    readonly print: (line: string) => void;
  },
): void {
  print(`Serving ${data} at ${url}

  ${url}/admin     the dashboard: how the projections stand, and rebuilding them
  ${url}/docs      try every request
  ${url}/courses   the courses
  ${url}/students  the students
  ${url}/readyz    whether the projections are ready
  ${url}/metrics   for Prometheus
`);
  print(
    "allowUnauthenticated" in auth
      ? "OPOSSUM_ADMIN_TOKEN is not set: the admin API is open to every program on this machine, and to no other"
      : "The admin API takes the bearer token in OPOSSUM_ADMIN_TOKEN, or one of the token file",
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
