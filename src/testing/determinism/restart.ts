/**
 * Folding across a restart, as a way of its own.
 *
 * @module
 */
import { abortable } from "@std/async/abortable";
import type { StoredEvent } from "../../events/event.ts";
import type { Documents } from "./plain_fold.ts";
import type { Trial, WayResults } from "./ways.ts";

/**
 * Folds in two threads of its own: the second goes on half-way from what the first had stored,
 * with a module that remembers nothing, like a process after a restart.
 *
 * @param trial What is folded; its projections are a module.
 * @param url The module.
 * @returns What each projection came to.
 */
export async function foldWithRestart(
  { names, events, signal }: Trial,
  url: string,
): Promise<WayResults> {
  const half = Math.floor(events.length / 2);
  const before = { url, names, events: events.slice(0, half), after: 0 };
  const first = await foldInThread({ ...before, documents: new Map() }, signal);
  const stored = new Map(
    [...first].map(([name, result]) =>
      [name, "error" in result ? new Map() : result.documents] as const
    ),
  );
  const rest = { url, names, events, after: half, documents: stored };
  const second = await foldInThread(rest, signal);
  return new Map(names.map((name) => {
    const early = first.get(name);
    const late = second.get(name) ?? { error: "It was not folded" };
    return [name, early && "error" in early ? early : late] as const;
  }));
}

/** What a thread folds. */
export interface ThreadTask {
  /** The module of the projections. */
  readonly url: string;
  readonly names: readonly string[];
  /** The events from position 1. */
  readonly events: readonly StoredEvent[];
  /** The position of the documents. */
  readonly after: number;
  /** The documents that are there already, by projection. */
  readonly documents: ReadonlyMap<string, Documents>;
}

async function foldInThread(
  task: ThreadTask,
  signal: AbortSignal | undefined,
): Promise<WayResults> {
  signal?.throwIfAborted();
  const { promise, resolve } = Promise.withResolvers<WayResults>();
  const worker = new Worker(new URL("./restart_worker.ts", import.meta.url), {
    type: "module",
  });
  worker.onmessage = ({ data }: MessageEvent<WayResults>) => resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    const { message: error } = event;
    resolve(new Map(task.names.map((name) => [name, { error }])));
  };
  worker.postMessage(task);
  try {
    return await (signal ? abortable(promise, signal) : promise);
  } finally {
    worker.terminate();
  }
}
