/**
 * The command that fills an empty store with made-up events: `deno task seed --help`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { createJsonLogger, openOpossum } from "@opossum/deno";
import { EVENTS_MAX, SEED_MAX, seedStore } from "./seeder.ts";
import { startProgressBar, startProgressLines } from "./seeding/progress.ts";
import {
  EXIT_FAILURE,
  EXIT_INTERRUPTED,
  EXIT_OK,
  EXIT_USAGE,
  integerOption,
  processTerminal,
  readCall,
  type Terminal,
  UsageError,
} from "./terminal.ts";

const HELP =
  `Fills an empty store with made-up students, courses and enrolments.

Usage: deno task seed --data DIR --events N [--seed S]

  --data DIR   The data folder; created when missing. It must hold no events yet.
  --events N   How many events, 1 to ${EVENTS_MAX}.
  --seed S     Which data set, 0 to ${SEED_MAX}. The same number of events and the
               same seed give the same log. Default: 1.
  --help       Shows this.

Exit status: 0 all events are written; 1 it did not work; 2 called wrongly;
130 stopped by SIGINT or SIGTERM: what is written so far stays.`;

/** What was asked for. */
interface SeedCommand {
  readonly data: string;
  readonly events: number;
  readonly seed: number;
}

/**
 * Runs the command.
 *
 * @param args Its arguments.
 * @param terminal Where it writes.
 * @returns The exit status.
 */
export async function runSeed(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  try {
    const command = parse(args);
    if (command === "help") {
      terminal.print(HELP);
      return EXIT_OK;
    }
    await seed(command, terminal);
    return EXIT_OK;
  } catch (error) {
    if (terminal.signal.aborted) {
      terminal.report("Stopped: what is written so far stays");
      return EXIT_INTERRUPTED;
    }
    terminal.report(error instanceof Error ? error.message : String(error));
    if (!(error instanceof UsageError)) return EXIT_FAILURE;
    terminal.report("Run with --help to see how it is called");
    return EXIT_USAGE;
  }
}

function parse(args: readonly string[]): SeedCommand | "help" {
  const { values } = readArgs(args);
  if (values.help) return "help";
  const { data, events, seed = "1" } = values;
  if (!data) throw new UsageError("Option '--data' is missing: a folder");
  if (!events) throw new UsageError("Option '--events' is missing: a number");
  return {
    data,
    events: integerOption("--events", events, 1, EVENTS_MAX),
    seed: integerOption("--seed", seed, 0, SEED_MAX),
  };
}

function readArgs(args: readonly string[]) {
  return readCall(() =>
    parseArgs({
      args: [...args],
      options: {
        data: { type: "string" },
        events: { type: "string" },
        seed: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    })
  );
}

async function seed(
  { data, events, seed }: SeedCommand,
  { print, report, isInteractive, signal }: Terminal,
): Promise<void> {
  await using opossum = await openOpossum({
    path: data,
    startDaemon: false,
    logger: createJsonLogger({ level: "warn", write: report }),
  });
  const startedAtMs = performance.now();
  const progress = isInteractive
    ? startProgressBar(events)
    : startProgressLines(events, report);
  try {
    await seedStore(opossum.events, {
      events,
      seed,
      signal,
      onProgress: (written) => progress.update(written),
    });
  } finally {
    progress.stop();
  }
  const seconds = (performance.now() - startedAtMs) / 1_000;
  print(`Seeded ${events} events into ${data} in ${seconds.toFixed(1)} s`);
}

if (import.meta.main) Deno.exit(await runSeed(Deno.args, processTerminal()));
