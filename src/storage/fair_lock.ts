/**
 * A lock between processes that are given it in turn. `flock(2)` has no queue: whoever lets it go
 * and takes it again at once would keep out those who look for it now and then.
 *
 * Who waits leaves a sign: a shared lock on a file beside. Who has had the lock again and again for
 * longer than a turn looks for signs, which costs 2 µs, and then waits like the others. A sign
 * decides nothing: that of a process which is stopped makes the others a little slower, and that of
 * one which was killed is gone with it.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import { FileLock, type LockOptions, LockTimeoutError } from "./file_lock.ts";
import type { FileHandle, FileSystem } from "./file_system.ts";

/** How long one may take the lock again and again while others wait, in milliseconds. */
const TURN_MS = 5;

/** Who had a turn lets others look twice. */
const FIRST_WAIT_MS = 2;
const NEXT_WAIT_MS = 1;

/** After this long the holder is stuck rather than busy, and is looked for less often. */
const PATIENCE_MS = 1_000;
const STUCK_WAIT_MS = 10;

/** A lock file, kept open, with a second one for the signs of those who wait. */
export class FairLock implements Disposable {
  readonly #lock: FileLock;
  readonly #fileSystem: FileSystem;
  readonly #path: string;
  readonly #clock: Clock;
  #signs: FileHandle | undefined;
  /** How many wait through this very object. */
  #waiting = 0;
  #turnBeganMs = -Infinity;

  /**
   * @param fileSystem Where.
   * @param path The lock file; it and `PATH.waiting` are created when missing.
   * @param clock Times the turns and the waiting.
   */
  constructor(fileSystem: FileSystem, path: string, clock: Clock) {
    this.#lock = new FileLock(fileSystem, path, clock);
    this.#fileSystem = fileSystem;
    this.#path = path;
    this.#clock = clock;
  }

  /** How often the lock file was opened: see {@linkcode FileLock.openings}. */
  get openings(): number {
    return this.#lock.openings;
  }

  /**
   * Takes the lock if it is free, and if it is not the turn of others.
   *
   * @returns What to dispose to let it go, or `undefined`: then call {@linkcode acquire}.
   */
  tryAcquire(): Disposable | undefined {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#turnBeganMs >= TURN_MS) {
      if (this.#isAwaited()) return undefined;
      this.#turnBeganMs = nowMs;
    }
    return this.#lock.tryAcquire();
  }

  /**
   * Takes the lock, waiting for it.
   *
   * @param options How long to wait.
   * @returns What to dispose to let it go.
   * @throws {LockTimeoutError} If it was not free in time.
   */
  async acquire(
    { timeoutMs = 30_000, signal }: LockOptions = {},
  ): Promise<Disposable> {
    signal?.throwIfAborted();
    const atOnce = this.tryAcquire();
    if (atOnce) return atOnce;
    const startMs = this.#clock.monotonicMs();
    try {
      this.#leaveSign();
      for (let waitMs = FIRST_WAIT_MS;;) {
        await this.#clock.sleep(waitMs, signal);
        signal?.throwIfAborted();
        const held = this.#lock.tryAcquire();
        const nowMs = this.#clock.monotonicMs();
        if (held) {
          this.#turnBeganMs = nowMs;
          return held;
        }
        const waitedMs = nowMs - startMs;
        if (waitedMs >= timeoutMs) {
          throw new LockTimeoutError(this.#path, Math.round(waitedMs));
        }
        waitMs = waitedMs < PATIENCE_MS ? NEXT_WAIT_MS : STUCK_WAIT_MS;
      }
    } finally {
      this.#takeSignBack();
    }
  }

  /** Closes the files, and with them lets the lock go. */
  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]();
    this.#signs?.close();
    this.#signs = undefined;
  }

  #isAwaited(): boolean {
    // Its own sign must not be taken for another one's, nor be lost by looking.
    if (this.#waiting > 0) return true;
    const signs = this.#openSigns();
    if (!signs.tryLock()) return true;
    signs.unlock();
    return false;
  }

  #leaveSign(): void {
    // Somebody may be looking just now, for whom it is one turn later then.
    if (this.#waiting++ === 0) this.#openSigns().tryLock("shared");
  }

  #takeSignBack(): void {
    if (--this.#waiting === 0) this.#signs?.unlock();
  }

  #openSigns(): FileHandle {
    return this.#signs ??= this.#fileSystem.open(`${this.#path}.waiting`, {
      mode: "append",
    });
  }
}
