/**
 * `opossum events read` and `opossum events tail`: the events of a folder, those that are there
 * and those that come.
 *
 * @module
 */
import { systemClock } from "../../events/clock.ts";
import type { Position, StoredEvent } from "../../events/event.ts";
import type { Command, CommandCall, CommandOutcome } from "../command.ts";
import { EXIT_INTERRUPTED, EXIT_OK } from "../exit_codes.ts";
import { openEvents, queryOf } from "../open_events.ts";
import { visible } from "../visible_text.ts";
import { readInteger } from "./read_integer.ts";

const NO_EVENTS_OVER_HTTP = {
  works: "folder",
  because: "the admin API serves no events",
} as const;

/** How often is looked for what others appended, in milliseconds. */
const TAIL_MS = 200;
/** Characters that are handed on at once, about. */
const CHUNK_LENGTH = 64 * 1_024;

const FORMAT =
  `Each event is a line: position, time, type, tags and data. With --json each is one JSON
object a line, as "import" takes it. Nothing in the folder is changed, and other
processes may append meanwhile.`;

/** Prints what is there. */
export const eventsReadCommand: Command = {
  name: "events read",
  operands: "",
  operandCount: [0, 0],
  summary: "Print events.",
  details:
    `Prints the events in order of position. With --type given several times, events of
any of these types; with --tag, those that bear all of these tags.

${FORMAT}`,
  examples: [
    "events read --data ./data --type CourseCreated --limit 10",
    "events read --data ./data --tag courseId:42 --after 1000",
    "events read --data ./data --json > events.ndjson",
  ],
  options: ["type", "tag", "after", "limit"],
  place: NO_EVENTS_OVER_HTTP,
  needsProjections: false,
  async run(call) {
    const { io, options } = call;
    const { after = 0, limit } = boundsOf(call);
    await using events = await openEvents(call);
    const print = printer(call);
    const found = events.read(queryOf(options), {
      after,
      limit,
      signal: io.signal,
    });
    for await (const event of found) await print.add(event);
    await print.flush();
    return { exitCode: EXIT_OK };
  },
};

/** Prints what comes. */
export const eventsTailCommand: Command = {
  name: "events tail",
  operands: "",
  operandCount: [0, 0],
  summary: "Print events as they are appended.",
  details:
    `Prints the events that are appended from now on, or after the position that --after
names, as soon as they are durable, until it is stopped (status 130) or --limit are
printed (status 0).

${FORMAT}`,
  examples: [
    "events tail --data ./data",
    "events tail --data ./data --json --type StudentEnrolledToCourse | jq .data",
  ],
  options: ["type", "tag", "after", "limit"],
  place: NO_EVENTS_OVER_HTTP,
  needsProjections: false,
  run: tail,
};

async function tail(call: CommandCall): Promise<CommandOutcome> {
  const { io, options } = call;
  const { signal } = io;
  const bounds = boundsOf(call);
  await using events = await openEvents(call);
  let after: Position = bounds.after ?? await events.head();
  let left = bounds.limit;
  const print = printer(call);
  while (!signal.aborted) {
    const head = await events.head();
    if (head > after) {
      // Up to there, so that the next round begins right behind.
      for await (
        const event of events.read(queryOf(options), { after, limit: left })
      ) {
        if (signal.aborted || event.position > head) break;
        await print.add(event);
        left--;
      }
      await print.flush();
      if (left <= 0) return { exitCode: EXIT_OK };
      after = head;
    }
    await systemClock.sleep(TAIL_MS, signal);
  }
  return { exitCode: EXIT_INTERRUPTED };
}

function boundsOf(
  { options: { after, limit } }: CommandCall,
): { readonly after: Position | undefined; readonly limit: number } {
  return {
    after: after === undefined ? undefined : readInteger("--after", after, 0),
    limit: limit === undefined ? Infinity : readInteger("--limit", limit, 1),
  };
}

/** Prints events, many at a time. */
function printer({ io, options: { json = false } }: CommandCall): {
  add(event: StoredEvent): Promise<void>;
  flush(): Promise<void>;
} {
  let chunk = "";
  const flush = async () => {
    if (chunk === "") return;
    const text = chunk;
    chunk = "";
    await io.write(text);
  };
  return {
    async add(event) {
      chunk += `${json ? toJson(event) : toText(event)}\n`;
      if (chunk.length >= CHUNK_LENGTH) await flush();
    },
    flush,
  };
}

function toJson(
  { position, id, type, tags, data, timestamp }: StoredEvent,
): string {
  return visible(
    JSON.stringify({ position, id, type, tags, data, timestamp }),
  );
}

function toText(
  { position, timestamp, type, tags, data }: StoredEvent,
): string {
  const parts = [
    String(position),
    timestamp,
    type,
    tags.join(" "),
    JSON.stringify(data),
  ];
  // One event is one line.
  return visible(parts.join("  ").replaceAll("\n", "\\u000a"));
}
