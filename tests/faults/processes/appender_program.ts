/**
 * A process that does with a store what it is told: `appender_program.ts PATH`. Commands come on
 * standard input, answers go to standard output; several may be under way at once. It ends with
 * its input.
 *
 * @module
 */
import { AppendConditionError, silentLogger } from "../../../mod.ts";
import {
  type FileEventStore,
  openFileEventStore,
} from "../../../src/log/file_event_store.ts";
import type { Answer, Command } from "./commands.ts";
import { serveLines } from "./line_program.ts";

/** Small, so that many segments are begun by many processes. */
const SEGMENT_BYTES_MAX = 65_536;

async function carryOut(
  store: FileEventStore,
  command: Command,
): Promise<Answer> {
  const startMs = performance.now();
  switch (command.do) {
    case "append": {
      const { condition } = command;
      const events = command.events.map((event) => ({ ...event, data: {} }));
      try {
        const { first } = await store.append(
          events,
          condition ? { condition } : {},
        );
        return { is: "appended", first };
      } catch (error) {
        if (!(error instanceof AppendConditionError)) throw error;
        return { is: "refused", ...error.conflict };
      }
    }
    case "read": {
      const { query, after } = command;
      const events = await Array.fromAsync(
        store.read(query, { after }),
        ({ position, id }) => [position, id] as const,
      );
      return { is: "events", events, ms: performance.now() - startMs };
    }
    case "head": {
      const head = await store.head();
      return { is: "head", head, ms: performance.now() - startMs };
    }
  }
}

async function serve(path: string): Promise<void> {
  await using store = await openFileEventStore({
    path,
    logger: silentLogger,
    segmentBytesMax: SEGMENT_BYTES_MAX,
  });
  await serveLines((command: Command) => carryOut(store, command));
}

if (import.meta.main) await serve(Deno.args[0] ?? "");
