/**
 * How far a fold has come in the log, and how far what it committed.
 *
 * @module
 */
import type { Position } from "../events/event.ts";

/** Where a fold is. */
export class FoldProgress {
  #position: Position;
  #id: string | undefined;
  #committed: Position;

  /** @param position Where it begins: everything before is committed. */
  constructor(position: Position) {
    this.#position = position;
    this.#committed = position;
  }

  /** Every event up to here is folded or put aside. */
  get position(): Position {
    return this.#position;
  }

  /** Id of the event there, if known. */
  get id(): string | undefined {
    return this.#id;
  }

  /** Whether there is nothing to commit. */
  get isCommitted(): boolean {
    return this.#position === this.#committed;
  }

  /** Goes on to a position, unless it is there already. */
  advance(position: Position, id: string | undefined): void {
    if (position <= this.#position) return;
    this.#position = position;
    this.#id = id;
  }

  /** Takes note that all is committed. */
  commit(): void {
    this.#committed = this.#position;
  }
}
