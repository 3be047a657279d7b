/**
 * Who waits for projections to come up to a position.
 *
 * @module
 */
import { abortable } from "@std/async/abortable";
import type { Position } from "../events/event.ts";
import type { Checkpoint } from "./definition.ts";
import { ProjectionsClosedError } from "./errors.ts";

/** Someone who waits. */
interface Waiter {
  readonly name: string;
  readonly position: Position;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Everybody who waits. */
export class Waiters implements Disposable {
  readonly #waiters = new Set<Waiter>();

  /** Whether somebody waits for a projection to come to a checkpoint, or not even so far. */
  isAwaited(name: string, checkpoint: Checkpoint = Infinity): boolean {
    return this.#waiters.values().some((waiter) =>
      waiter.name === name && waiter.position <= checkpoint
    );
  }

  /**
   * Waits for a projection.
   *
   * @param name The projection.
   * @param position The position.
   * @param look Called once the waiting has begun: announces where the projection is already.
   * @param signal Gives up by throwing its reason.
   */
  async wait(
    name: string,
    position: Position,
    look: () => Promise<unknown>,
    signal?: AbortSignal,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { name, position, resolve, reject };
    this.#waiters.add(waiter);
    try {
      await look();
      await (signal ? abortable(promise, signal) : promise);
    } finally {
      this.#waiters.delete(waiter);
    }
  }

  /** Lets those go on who wait for a projection to come so far. */
  announce(name: string, checkpoint: Checkpoint): void {
    for (const waiter of this.#waiters) {
      if (waiter.name === name && waiter.position <= checkpoint) {
        waiter.resolve();
      }
    }
  }

  /** Lets go of everybody: nothing will be applied any more. */
  [Symbol.dispose](): void {
    for (const { name, reject } of this.#waiters) {
      reject(new ProjectionsClosedError(name));
    }
  }
}
