/**
 * Locks between processes: `flock(2)` on a file that is created once and never deleted.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import { appendFully } from "./atomic_replace.ts";
import type { FileHandle, FileStat, FileSystem } from "./file_system.ts";

/** What a mark adds to the file, and how many there can be. */
const MARK = new Uint8Array([0x2e]);
const MARKS_MAX = 2 ** 32;

/** To look at the path takes longer than all the rest of taking the lock. */
const LOOK_INTERVAL_MS = 1_000;

/** Another process holds a lock for too long. It may be stopped, or the folder shared. */
export class LockTimeoutError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "LockTimeoutError";

  /**
   * Creates the error.
   *
   * @param path The lock file.
   * @param waitedMs How long it was waited for, in milliseconds.
   */
  constructor(readonly path: string, readonly waitedMs: number) {
    super(
      `Cannot take the lock "${path}" as another process held it for ${waitedMs} ms: ` +
        "find that process, or try again",
    );
  }
}

/** How to wait for a lock. */
export interface LockOptions {
  /** Gives up after this long, in milliseconds. @default {30_000} */
  readonly timeoutMs?: number;
  /** Gives up by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A lock file, kept open: taking and releasing it costs about a microsecond. */
export class FileLock implements Disposable {
  readonly #fileSystem: FileSystem;
  readonly #path: string;
  readonly #clock: Clock;
  #file: FileHandle | undefined;
  #openings = 0;
  #marks = NaN;
  /** When to look again whether the path still names the open file. */
  #lookAtMs = -Infinity;
  #holder: Disposable | undefined;

  /**
   * @param fileSystem Where.
   * @param path The lock file; created when missing.
   * @param clock Times the waiting.
   */
  constructor(fileSystem: FileSystem, path: string, clock: Clock) {
    this.#fileSystem = fileSystem;
    this.#path = path;
    this.#clock = clock;
  }

  /**
   * Takes the lock if it is free. Whoever else uses this very object is kept out as well.
   *
   * @returns What to dispose to let it go (once; more does nothing), or `undefined`.
   */
  tryAcquire(): Disposable | undefined {
    this.#lookAtMs = -Infinity;
    return this.tryReacquire();
  }

  /**
   * Takes the lock if it is free, in half the time: for whoever does so all the time. That the
   * file was deleted is noticed at once; that it was moved away, within a second.
   *
   * @returns What to dispose to let it go (once; more does nothing), or `undefined`.
   */
  tryReacquire(): Disposable | undefined {
    // The lock belongs to the open file: asking the system again would succeed.
    if (this.#holder !== undefined) return undefined;
    const file = this.#file ??= this.#open();
    if (!file.tryLock()) return undefined;
    if (!this.#isStillThere(file)) {
      this.#closeFile();
      return this.tryReacquire();
    }
    return this.#holder = new Holder(this.#letGo);
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
    const startMs = this.#clock.monotonicMs();
    // A blocked flock call cannot be aborted, so it is polled, ever more slowly.
    for (let waitMs = 0.5;; waitMs = Math.min(waitMs * 2, 50)) {
      signal?.throwIfAborted();
      const held = this.tryAcquire();
      if (held) return held;
      const waitedMs = this.#clock.monotonicMs() - startMs;
      if (waitedMs >= timeoutMs) {
        throw new LockTimeoutError(this.#path, Math.round(waitedMs));
      }
      await this.#clock.sleep(waitMs, signal);
    }
  }

  /** Whether this very object holds the lock. */
  get isHeld(): boolean {
    return this.#holder !== undefined;
  }

  /**
   * Differs from what it was before when anybody has marked the lock since, or might have. While
   * the lock is held, it is known without asking the system.
   */
  get marks(): number {
    if (this.#holder !== undefined) return this.#marks;
    const there = this.#fileSystem.stat(this.#path);
    // Marks on a file that is not the open one are not to be compared.
    return there && this.#file && there.identity === this.#file.stat().identity
      ? this.#marksOf(there)
      : NaN;
  }

  /**
   * Tells everybody who shares the lock that something is about to change which they would
   * otherwise have to look for each time. Only while it is held.
   */
  mark(): void {
    if (!this.#holder || !this.#file) throw new TypeError("No lock is held");
    appendFully(this.#file, MARK);
    this.#marks = this.#marksOf(this.#file.stat());
  }

  /** Closes the file, and with it lets the lock go. */
  [Symbol.dispose](): void {
    this.#closeFile();
    this.#holder = undefined;
  }

  readonly #letGo = (holder: Disposable): void => {
    // Another one may hold it by now.
    if (this.#holder !== holder) return;
    this.#holder = undefined;
    this.#file?.unlock();
  };

  /** Whether the path still names the open file: a deleted one locks out nobody. */
  #isStillThere(file: FileHandle): boolean {
    try {
      const stat = file.stat();
      this.#marks = this.#marksOf(stat);
      if (stat.links === 0) return false;
      const nowMs = this.#clock.monotonicMs();
      if (nowMs < this.#lookAtMs) return true;
      this.#lookAtMs = nowMs + LOOK_INTERVAL_MS;
      return this.#fileSystem.stat(this.#path)?.identity === stat.identity;
    } catch (error) {
      this.#closeFile();
      throw error;
    }
  }

  /** The file grows with each mark; marks on another file are others. */
  #marksOf({ size }: FileStat): number {
    return this.#openings * MARKS_MAX + size;
  }

  #open(): FileHandle {
    const file = this.#fileSystem.open(this.#path, { mode: "append" });
    this.#openings++;
    this.#lookAtMs = -Infinity;
    return file;
  }

  #closeFile(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}

class Holder implements Disposable {
  readonly #letGo: (holder: Disposable) => void;

  constructor(letGo: (holder: Disposable) => void) {
    this.#letGo = letGo;
  }

  [Symbol.dispose](): void {
    this.#letGo(this);
  }
}
