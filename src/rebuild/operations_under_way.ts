/**
 * The operations of this process: what becomes of each is written down in the order it happens,
 * and whoever watches is told.
 *
 * @module
 */
import type { Logger } from "../telemetry/logger.ts";
import type { StopReason } from "./build_task.ts";
import type { ProjectionRebuildResult, RebuildOperation } from "./operation.ts";
import type { OperationStore } from "./operation_store.ts";
import { OperationNotRecordedError } from "./refusals.ts";
import type { RunningOperation } from "./running_operation.ts";

/** What they are kept with. */
export interface OperationsUnderWayOptions {
  readonly history: OperationStore;
  readonly logger: Logger;
  /** Looks again which build is next. */
  readonly reconsider: () => void;
  /** Told of each outcome. */
  readonly onResult: (
    result: ProjectionRebuildResult,
    operation: RunningOperation,
  ) => void;
}

/** An operation of this process. */
export interface UnderWay {
  readonly operation: RunningOperation;
  /** Its outcome, once that is written down. */
  readonly ended: Promise<ProjectionRebuildResult>;
}

interface Entry extends UnderWay {
  /** Resolves when what was to be written down is. Never rejects. */
  recorded: Promise<void>;
}

/** Keeps the operations that run, wait or are paused. */
export class OperationsUnderWay {
  readonly #options: OperationsUnderWayOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(operation: RebuildOperation) => void>();

  /** @param options What they are kept with. */
  constructor(options: OperationsUnderWayOptions) {
    this.#options = options;
  }

  /** How many there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** The oldest first. */
  get all(): readonly UnderWay[] {
    return [...this.#entries.values()];
  }

  /** An operation, or `undefined` when it is not of this process or has ended. */
  get(id: string): UnderWay | undefined {
    return this.#entries.get(id);
  }

  /** How an operation stands, or `undefined` likewise. */
  snapshot(id: string): RebuildOperation | undefined {
    return this.#entries.get(id)?.operation.snapshot();
  }

  /** Calls back when an operation begins, is paused, goes on, or ends. */
  watch(listener: (operation: RebuildOperation) => void): Disposable {
    this.#listeners.add(listener);
    return {
      [Symbol.dispose]: () => void this.#listeners.delete(listener),
    };
  }

  /**
   * Takes an operation up. It is written down before its work starts, so that a crash finds it.
   *
   * @param operation The operation.
   * @returns Whether it is written down; rejects when it cannot be, and forgets it.
   */
  add(operation: RunningOperation): {
    readonly saved: Promise<void>;
    readonly ended: Promise<ProjectionRebuildResult>;
  } {
    const { promise, resolve, reject } = Promise.withResolvers<
      ProjectionRebuildResult
    >();
    const entry = { operation, ended: promise, recorded: Promise.resolve() };
    this.#entries.set(operation.id, entry);
    const saved = this.#record(entry);
    saved.then(() => {
      this.#tell(operation);
      return this.#conclude(entry);
    }).then(resolve, reject);
    // Whoever asked is told by `saved`; nobody else waits for it then.
    promise.catch(() => {});
    return { saved, ended: promise };
  }

  /** Forgets an operation that could not be started. */
  forget(id: string): void {
    this.#entries.delete(id);
  }

  /** Cancels an operation, or interrupts it. Returns whether it was running. */
  async stop(id: string, reason: StopReason): Promise<boolean> {
    const entry = this.#entries.get(id);
    if (!entry) return false;
    const { operation, ended } = entry;
    if (await this.#hasEnded(entry)) return false;
    operation.stop(reason);
    // What it held up goes on for others.
    this.#options.reconsider();
    await ended;
    return true;
  }

  /** Whether all of it has ended; waits until the outcome is written down then. */
  async #hasEnded({ operation, ended }: UnderWay): Promise<boolean> {
    if (!operation.tasks.every((task) => task.hasEnded)) return false;
    await ended;
    return true;
  }

  /**
   * Holds an operation up, or lets it go on. Returns when that is durable, and whether there was
   * anything to order.
   *
   * @throws {OperationNotRecordedError} If it cannot be written down; it is as it was then.
   */
  async order(id: string, action: "pause" | "resume"): Promise<boolean> {
    const entry = this.#entries.get(id);
    if (!entry) return false;
    const { operation } = entry;
    if (await this.#hasEnded(entry)) return false;
    if ((operation.pausedAt !== null) === (action === "pause")) {
      // Somebody else ordered the same, and it may not be durable yet.
      await entry.recorded;
      const isSo = (operation.pausedAt !== null) === (action === "pause");
      return isSo || await this.order(id, action);
    }
    this.#change(operation, action);
    try {
      await this.#record(entry);
    } catch (cause) {
      this.#change(operation, action === "pause" ? "resume" : "pause");
      await this.restore(id);
      throw new OperationNotRecordedError(id, action, { cause });
    }
    this.#options.logger.log(
      "info",
      action === "pause" ? "Rebuild is paused" : "Rebuild goes on",
      {
        operationId: id,
        projections: operation.tasks.filter(({ hasEnded }) => !hasEnded)
          .map(({ projectionName }) => projectionName),
      },
    );
    this.#tell(operation);
    return true;
  }

  #change(operation: RunningOperation, action: "pause" | "resume"): void {
    operation[action]();
    this.#options.reconsider();
  }

  /** Writes an operation of this process down as it stands. */
  async record(id: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (!entry) return;
    await this.#record(entry);
    this.#tell(entry.operation);
  }

  /**
   * Writes an operation down again as it is: what was refused may have been written all the same,
   * and would be found after a crash. As far as the disk lets it.
   */
  async restore(id: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry) await this.#record(entry).catch(() => {});
  }

  /** One after the other: the outcome must not be overwritten by what was before. */
  #record(entry: Entry): Promise<void> {
    const { history } = this.#options;
    const done = entry.recorded.then(() =>
      history.save(entry.operation.record())
    );
    entry.recorded = done.catch(() => {});
    return done;
  }

  async #conclude(entry: Entry): Promise<ProjectionRebuildResult> {
    const { logger, onResult } = this.#options;
    const { operation } = entry;
    const result = await operation.finish();
    try {
      await this.#record(entry);
    } catch (error) {
      logger.log("error", "Outcome of the rebuild could not be written down", {
        operationId: operation.id,
        error,
      });
    }
    this.#entries.delete(operation.id);
    onResult(result, operation);
    this.#tell(operation);
    return result;
  }

  #tell(operation: RunningOperation): void {
    if (this.#listeners.size === 0) return;
    const snapshot = operation.snapshot();
    for (const listener of [...this.#listeners]) {
      try {
        listener(snapshot);
      } catch (error) {
        this.#options.logger.log("error", "A watcher of operations failed", {
          operationId: operation.id,
          error,
        });
      }
    }
  }
}
