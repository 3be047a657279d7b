/**
 * `opossum events stats`: how many events there are, of which types, and what they take.
 *
 * @module
 */
import type { Position } from "../../events/event.ts";
import type { Command } from "../command.ts";
import { EXIT_OK } from "../exit_codes.ts";
import { openEvents } from "../open_events.ts";
import { startProgress } from "../progress.ts";
import { formatBytes, formatTable } from "../table.ts";

interface TypeStats {
  readonly type: string;
  events: number;
  readonly firstPosition: Position;
  lastPosition: Position;
}

/** The command. */
export const eventsStatsCommand: Command = {
  name: "events stats",
  operands: "",
  operandCount: [0, 0],
  summary: "Count events by type, and tell times and sizes.",
  details:
    `Reads all events and counts them by type; tells when the first and the last was
appended, and how many bytes and segments the log takes. Nothing in the folder is
changed; what is appended meanwhile is not counted.`,
  examples: [
    "events stats --data ./data",
    "events stats --data ./data --json | jq '.types[0]'",
  ],
  options: [],
  place: { works: "folder", because: "the admin API serves no events" },
  needsProjections: false,
  async run(call) {
    const { io } = call;
    await using store = await openEvents(call);
    using progress = startProgress(io, "events");
    const head = await store.head();
    const byType = new Map<string, TypeStats>();
    let firstAt: string | null = null;
    let lastAt: string | null = null;
    const batches = store.readBatches("all", { upTo: head, signal: io.signal });
    for await (const { events, through } of batches) {
      firstAt ??= events[0]?.timestamp ?? null;
      lastAt = events.at(-1)?.timestamp ?? lastAt;
      for (const { type, position } of events) count(byType, type, position);
      progress.show({
        name: "Counting",
        phase: "reading",
        value: through,
        total: head,
      });
    }
    const types = [...byType.values()].sort((a, b) =>
      b.events - a.events || (a.type < b.type ? -1 : 1)
    );
    const { bytes, segmentCount: segments } = store;
    return {
      exitCode: EXIT_OK,
      json: { events: head, bytes, segments, firstAt, lastAt, types },
      text: [
        `${head} events of ${types.length} types, ${
          formatBytes(bytes)
        } in ${segments} segments`,
        ...firstAt === null
          ? []
          : [`Appended from ${firstAt} to ${lastAt}`, ""],
        ...types.length === 0 ? [] : [
          formatTable(
            ["TYPE", "EVENTS", "FIRST", "LAST"],
            types.map(({ type, events, firstPosition, lastPosition }) => [
              type,
              events,
              firstPosition,
              lastPosition,
            ]),
          ),
        ],
      ].join("\n"),
    };
  },
};

function count(
  byType: Map<string, TypeStats>,
  type: string,
  position: Position,
): void {
  const stats = byType.get(type);
  if (stats === undefined) {
    byType.set(type, {
      type,
      events: 1,
      firstPosition: position,
      lastPosition: position,
    });
    return;
  }
  stats.events++;
  stats.lastPosition = position;
}
