/**
 * `opossum import`: appends the events of a file, keeping their ids, times and positions.
 *
 * @module
 */
import { AppendConditionError } from "../../events/append_condition.ts";
import type { Position } from "../../events/event.ts";
import type { EventStore } from "../../events/event_store.ts";
import type { Command, CommandCall, CommandOutcome } from "../command.ts";
import { readEventFile } from "../event_file.ts";
import { EXIT_OK } from "../exit_codes.ts";
import { openStore } from "../open_store.ts";
import { type Progress, startProgress } from "../progress.ts";

const STDIN = "-";

/** The command. */
export const importCommand: Command = {
  name: "import",
  operands: "FILE",
  operandCount: [1, 1],
  operandKind: "file",
  summary: "Append the events of an NDJSON file.",
  details:
    `Appends the events of FILE, one JSON object a line, in order of position:

  {"position":1,"id":UUID,"type":"…","tags":["…"],"data":{…},"timestamp":"…"}

The data folder is created when missing. Positions must have no gaps and go on
where the store ends. Id, timestamp and position are kept. Any number of events
is read in bounded memory.

A file is checked from its first line to its last before anything is appended.
What can be read only once ("-" for standard input, a pipe) is checked as it
comes: the events before a refused line stay.`,
  examples: [
    "import events.ndjson --data ./data",
    "import - --data ./data < events.ndjson",
  ],
  options: [],
  place: {
    works: "folder",
    because: "the admin API takes no events",
  },
  needsProjections: false,
  run: importEvents,
};

async function importEvents(call: CommandCall): Promise<CommandOutcome> {
  const { operands, io } = call;
  const [file = STDIN] = operands;
  const bytes = file === STDIN ? undefined : await sizeOfFile(file);
  await using opossum = await openStore(call, { create: true });
  const { events } = opossum;
  const before = await events.head();
  let head = before;
  try {
    using progress = startProgress(io, "bytes");
    if (bytes !== undefined) {
      await check({ file, bytes, head, progress, signal: io.signal });
    }
    const source = file === STDIN ? io.stdin : await open(file);
    // Whoever writes a pipe may be silent for long.
    const stoppable = bytes !== undefined ? source : source.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>(),
      { signal: io.signal },
    );
    for await (const batch of readEventFile(file, stoppable, head)) {
      io.signal.throwIfAborted();
      await append(events, batch.events, head);
      head = batch.last;
      const { bytesRead } = batch;
      showProgress(progress, { name: "Importing", file, bytesRead, bytes });
    }
  } catch (error) {
    io.report(
      head === before
        ? "Nothing was imported"
        : `The events up to position ${head} are imported`,
    );
    throw error;
  }
  const imported = head - before;
  return {
    exitCode: EXIT_OK,
    json: { imported, head },
    text: imported === 0
      ? `Imported no events: the store's last position is ${head}`
      : `Imported ${imported} events at positions ${before + 1} to ${head}`,
  };
}

/** Reads the whole file without keeping anything of it. */
async function check(
  { file, bytes, head, progress, signal }: {
    readonly file: string;
    readonly bytes: number;
    readonly head: Position;
    readonly progress: Progress;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  for await (const batch of readEventFile(file, await open(file), head)) {
    signal.throwIfAborted();
    const { bytesRead } = batch;
    showProgress(progress, { name: "Checking", file, bytesRead, bytes });
  }
}

async function append(
  store: EventStore,
  events: Parameters<EventStore["append"]>[0],
  after: Position,
): Promise<void> {
  try {
    // Without the condition another process's append would shift all positions by one.
    await store.append(events, {
      condition: { failIfEventsMatch: "all", after },
    });
  } catch (cause) {
    if (!(cause instanceof AppendConditionError)) throw cause;
    throw new Error(
      "Cannot go on importing as another process appended events meanwhile: " +
        `position ${cause.conflict.foundAt} is taken`,
      { cause },
    );
  }
}

function showProgress(
  progress: Progress,
  { name, file, bytesRead, bytes }: {
    readonly name: string;
    readonly file: string;
    readonly bytesRead: number;
    readonly bytes: number | undefined;
  },
): void {
  // Of what comes through a pipe nobody knows the end.
  if (bytes === undefined) return;
  progress.show({ name, phase: file, value: bytesRead, total: bytes });
}

/** The size of a file that can be read twice; `undefined` of a pipe or a device. */
async function sizeOfFile(file: string): Promise<number | undefined> {
  try {
    const { isFile, size } = await Deno.stat(file);
    return isFile ? size : undefined;
  } catch (cause) {
    throw cannotRead(file, cause);
  }
}

async function open(file: string): Promise<ReadableStream<Uint8Array>> {
  try {
    return (await Deno.open(file)).readable;
  } catch (cause) {
    throw cannotRead(file, cause);
  }
}

function cannotRead(file: string, cause: unknown): Error {
  const reason = cause instanceof Deno.errors.NotFound
    ? "it does not exist"
    : cause instanceof Error
    ? cause.message
    : String(cause);
  return new Error(
    `Cannot read the file ${JSON.stringify(file)} as ${reason}`,
    { cause },
  );
}
