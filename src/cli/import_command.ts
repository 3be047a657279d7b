/**
 * `import FILE.ndjson`: takes events from a file, one JSON object a line, in bounded memory.
 *
 * @module
 */
import process from "node:process";
import { SingleBar } from "cli-progress";
import type { EventInput } from "../events/event.ts";
import type { Opossum } from "../opossum.ts";
import {
  type Command,
  type CommandContext,
  EXIT_OK,
  writeJson,
} from "./command.ts";
import { readLines } from "./lines.ts";

const BATCH_EVENTS_MAX = 1_000;
/** In UTF-16 units, which keeps a batch well below what one append takes. */
const BATCH_LENGTH_MAX = 4_000_000;

/** A file cannot be imported. What stands before the line named is in the store. */
export class ImportError extends Error {
  /** Tells the class by its name. */
  override readonly name = "ImportError";

  /**
   * Creates the error.
   *
   * @param line The line, counted from 1.
   * @param reason What is wrong with it.
   * @param options `cause`: what was thrown.
   */
  constructor(
    /** The line, counted from 1. */
    readonly line: number,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`Cannot import line ${line}: ${reason}`, options);
  }
}

/** Imports events. */
export const importCommand: Command = {
  usage: "FILE",
  summary: 'Appends the events of an NDJSON file ("-" for standard input)',
  needsProjections: false,
  createsStore: true,
  operands: { min: 1, max: 1 },
  async run(context) {
    const { opossum, io, options, operands: [file = "-"] } = context;
    const before = await opossum.events.head();
    const bar = await startBar(context, file);
    try {
      const input = file === "-" ? io.stdin : (await Deno.open(file)).readable;
      await importLines(
        opossum,
        input,
        io.signal,
        (bytes) => bar?.increment(bytes),
      );
    } finally {
      bar?.stop();
    }
    const head = await opossum.events.head();
    if (options.json) await writeJson(io, { imported: head - before, head });
    else {
      io.report(
        `Imported ${head - before} events; the head is at ${head}. ` +
          "Projections follow when they are rebuilt or served.",
      );
    }
    return EXIT_OK;
  },
};

/** Appends line by line, in batches; each batch only if nobody else appended meanwhile. */
async function importLines(
  opossum: Opossum,
  input: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<void> {
  let after = await opossum.events.head();
  let events: EventInput[] = [];
  let length = 0;
  let line = 0;
  const flush = async () => {
    const firstLine = line - events.length + 1;
    const condition = { failIfEventsMatch: "all" as const, after };
    try {
      const { last } = await opossum.events.append(events, {
        condition,
        signal,
      });
      after = last;
    } catch (error) {
      signal.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      throw new ImportError(
        firstLine,
        `it begins a batch that was refused: ${reason}`,
        {
          cause: error,
        },
      );
    }
    onBytes(length);
    events = [];
    length = 0;
  };
  for await (const text of readLines(input)) {
    signal.throwIfAborted();
    line++;
    events.push(parseEvent(text, line, after + events.length + 1));
    length += text.length + 1;
    if (events.length === BATCH_EVENTS_MAX || length >= BATCH_LENGTH_MAX) {
      await flush();
    }
  }
  if (events.length > 0) await flush();
}

function parseEvent(text: string, line: number, expected: number): EventInput {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ImportError(line, "it is not valid JSON", { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ImportError(line, "it is not a JSON object");
  }
  const { position, ...event } = value as Record<string, unknown>;
  if (position !== expected) {
    throw new ImportError(
      line,
      `its position must be ${expected}, to continue the store without a gap: ` +
        `it is ${JSON.stringify(position)}`,
    );
  }
  return event as unknown as EventInput;
}

async function startBar(
  { io, options }: CommandContext,
  file: string,
): Promise<SingleBar | undefined> {
  if (!io.isTerminal || options.json || file === "-") return undefined;
  const { size } = await Deno.stat(file);
  const bar = new SingleBar({
    format: "Importing {bar} {percentage}% | {eta_formatted} left",
    stream: process.stderr,
  });
  bar.start(size, 0);
  return bar;
}
