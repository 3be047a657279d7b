/**
 * A process that does with a store what it is told: `appender_program.ts PATH`. Commands come on
 * standard input, answers go to standard output; several may be under way at once. It ends with
 * its input.
 *
 * @module
 */
import { TextLineStream } from "./lines.ts";
import { AppendConditionError, silentLogger } from "../../../mod.ts";
import {
  type FileEventStore,
  openFileEventStore,
} from "../../../src/log/file_event_store.ts";
import type { Answer, Command, Reply, Request } from "./commands.ts";

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
  const encoder = new TextEncoder();
  const answering = new Set<Promise<void>>();
  const tell = (reply: Reply) => {
    // Blocking: an answer that is written is in the pipe, whatever becomes of this process.
    const bytes = encoder.encode(`${JSON.stringify(reply)}\n`);
    for (let at = 0; at < bytes.length;) {
      at += Deno.stdout.writeSync(bytes.subarray(at));
    }
  };
  const answer = async ({ n, command }: Request) => {
    try {
      tell({ n, answer: await carryOut(store, command) });
    } catch (error) {
      tell({ n, answer: { is: "error", message: String(error) } });
    }
  };
  const lines = Deno.stdin.readable
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of lines) {
    const answered = answer(JSON.parse(line))
      .finally(() => answering.delete(answered));
    answering.add(answered);
  }
  await Promise.all(answering);
}

if (import.meta.main) await serve(Deno.args[0] ?? "");
