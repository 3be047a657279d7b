/**
 * The scheduler: bounds how many projections are rebuilt at once, over all callers of the
 * process, and lets those that start together share one pass over the log.
 *
 * @module
 */
import { Semaphore } from "@std/async/unstable-semaphore";
import type { BuildTask } from "./build_task.ts";

/** A task that waits for a place, and what may hold it back besides. */
interface Waiting {
  readonly task: BuildTask;
  readonly limit: OperationLimit;
}

/** How many projections of one operation may be rebuilt at once. */
export interface OperationLimit {
  /** At most this many. */
  readonly concurrency: number;
  /** This many are. */
  running: number;
}

/** Grants places to tasks. */
export class RebuildScheduler {
  readonly #permits: Semaphore;
  readonly #run: (group: readonly BuildTask[]) => void;
  readonly #discard: (task: BuildTask) => Promise<void>;
  readonly #waiting: Waiting[] = [];
  readonly #active = new Set<BuildTask>();
  #isGranting = false;

  /**
   * @param concurrency How many projections may be rebuilt at once.
   * @param run Starts a group of tasks on one pass over the log, without waiting for it.
   * @param discard Deletes what earlier runs of a task have built, before it ends cancelled.
   */
  constructor(
    concurrency: number,
    run: (group: readonly BuildTask[]) => void,
    discard: (task: BuildTask) => Promise<void>,
  ) {
    this.#permits = new Semaphore(concurrency);
    this.#run = run;
    this.#discard = discard;
  }

  /** Tasks that have a place, in the order they got it. */
  get active(): readonly BuildTask[] {
    return [...this.#active];
  }

  /** Tasks that wait, in the order they will be served. */
  get waiting(): readonly BuildTask[] {
    return this.#waiting.map(({ task }) => task);
  }

  /**
   * Queues tasks. Those that find a place at once start together; those that were stopped before
   * they came here end, also while no place is free.
   */
  enqueue(tasks: readonly BuildTask[], limit: OperationLimit): void {
    for (const task of tasks) {
      this.#waiting.push({ task, limit });
      const leave = () => this.#leaveQueue(task);
      if (task.signal.aborted) leave();
      else task.signal.addEventListener("abort", leave, { once: true });
    }
    // Stable: among equals, who came first goes first.
    this.#waiting.sort((a, b) => b.task.priority - a.task.priority);
    this.#grant();
  }

  /** Looks again who is next: someone was paused or resumed. */
  reconsider(): void {
    this.#grant();
  }

  /** Gives every free place to whoever is next. */
  #grant(): void {
    if (this.#isGranting) return;
    this.#isGranting = true;
    const group: BuildTask[] = [];
    for (let next = this.#next(); next; next = this.#next()) {
      const permit = this.#permits.tryAcquire();
      if (!permit) break;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#occupy(next, permit);
      group.push(next.task);
    }
    this.#isGranting = false;
    if (group.length > 0) this.#run(group);
  }

  #next(): Waiting | undefined {
    return this.#waiting.find(({ limit, task }) =>
      limit.running < limit.concurrency && !task.isPaused
    );
  }

  #occupy({ task, limit }: Waiting, permit: Disposable): void {
    this.#active.add(task);
    limit.running++;
    // Once: disposing a permit twice would free two places.
    task.resting.then(() => {
      this.#active.delete(task);
      limit.running--;
      permit[Symbol.dispose]();
      this.#grant();
    });
  }

  #leaveQueue(task: BuildTask): void {
    const index = this.#waiting.findIndex((waiting) => waiting.task === task);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    // What is built already is deleted first, by whoever built it.
    if (task.isParked) return;
    const { reason } = task.signal;
    if (reason !== "cancelled") {
      task.fail(reason);
      return;
    }
    // Else the next start would go on with what was cancelled.
    const end = () => task.fail(reason);
    this.#discard(task).then(end, end);
  }
}
