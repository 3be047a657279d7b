/**
 * The watchdog: a thread that looks whether a projection's code ever returns.
 *
 * Code that loops on the serving thread cannot be interrupted there: nothing else runs any more,
 * so only another thread can tell. It takes note, durably, of the projection and the event, and
 * ends the process, so that whoever supervises it starts it again. The note keeps the code from
 * being run on that event again: the projection is faulted there, and the others go on.
 *
 * The note is written well before: code that takes all memory ends the process by itself.
 *
 * @module
 */
import { CodeWatch } from "../projections/code_watch.ts";
import { fingerprintOf } from "../projections/fingerprint.ts";
import type { ProjectionRegistry } from "../projections/registry.ts";
import type { WatchdogMessage } from "./watchdog_message.ts";

/** What a watchdog needs. */
export interface WatchdogOptions {
  /** The projections. */
  readonly registry: ProjectionRegistry;
  /** The folder of all projections. */
  readonly directory: string;
  /** How long the code may run on one event before the process is ended, in milliseconds. */
  readonly timeout: number;
}

/** Watches threads. Dispose it to stop. */
export class Watchdog implements AsyncDisposable {
  readonly #worker: Worker;

  /** @param options What it needs. */
  constructor({ registry, directory, timeout }: WatchdogOptions) {
    this.#worker = new Worker(
      new URL("./watchdog_worker.ts", import.meta.url),
      { type: "module", name: "opossum-watchdog" },
    );
    this.#post({
      kind: "begin",
      directory,
      timeout,
      projections: registry.names.map((name) => ({
        projectionName: name,
        version: registry.get(name).version,
        fingerprint: fingerprintOf(registry.get(name)),
      })),
    });
  }

  /**
   * Watches a thread.
   *
   * @param canEnd Whether to end the process when code does not return there. Otherwise it is
   * only taken note of.
   * @returns What that thread is to tell where it is.
   */
  watch({ canEnd }: { readonly canEnd: boolean }): CodeWatch {
    const watch = new CodeWatch();
    this.#post({ kind: "watch", memory: watch.memory, canEnd });
    return watch;
  }

  /** Stops watching, once the notes on code that returned are taken back. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { promise: ended, resolve } = Promise.withResolvers<unknown>();
    this.#worker.onmessage = resolve;
    this.#post({ kind: "end" });
    await ended;
    this.#worker.terminate();
  }

  #post(message: WatchdogMessage): void {
    this.#worker.postMessage(message);
  }
}
