/**
 * Locks between processes: `flock(2)` on a file that is created once and never deleted.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import type { FileHandle, FileSystem } from "./file_system.ts";

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

/** Nobody replaces a lock file so often in a row. */
const TRIES_MAX = 16;

/** Notes are shorter than this. */
const NOTE_BYTES_MAX = 256;

/** How to wait for a lock. */
export interface LockOptions {
  /** Gives up after this long, in milliseconds. @default {30_000} */
  readonly timeoutMs?: number;
  /** Gives up by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A lock file, kept open: taking and releasing it costs a few microseconds. */
export class FileLock implements Disposable {
  readonly #fileSystem: FileSystem;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #mode: "append" | "read";
  #file: FileHandle | undefined;
  #openings = 0;
  #waiting = 0;
  /** Of the open file: it cannot change. */
  #identity = "";
  #holder: Disposable | undefined;
  #hasNote = false;

  /**
   * @param fileSystem Where.
   * @param path The lock file; created when missing.
   * @param clock Times the waiting.
   * @param mode `"read"` for a lock file that is there and must not be written to.
   */
  constructor(
    fileSystem: FileSystem,
    path: string,
    clock: Clock,
    mode: "append" | "read" = "append",
  ) {
    this.#mode = mode;
    this.#fileSystem = fileSystem;
    this.#path = path;
    this.#clock = clock;
  }

  /**
   * Takes the lock if it is free. Whoever else uses this very object is kept out as well.
   *
   * @param note What others may know of the holder; it replaces what one that was killed left.
   * @returns What to dispose to let it go (once; more does nothing), or `undefined`.
   * @throws {Error} If the path never names the file that was opened by it.
   */
  tryAcquire(note?: string): Disposable | undefined {
    // The lock belongs to the open file: asking the system again would succeed.
    if (this.#holder !== undefined) return undefined;
    for (let tries = 1; tries <= TRIES_MAX; tries++) {
      const file = this.#file ??= this.#open();
      if (!file.tryLock()) return undefined;
      if (this.#isStillThere()) {
        if (note !== undefined) this.#write(note);
        return this.#holder = new Holder(this.#letGo);
      }
      this.#closeFile();
    }
    throw new Error(
      `Cannot take the lock "${this.#path}" as another file takes its place each time`,
    );
  }

  /**
   * Takes the lock, waiting for it.
   *
   * @param options How long to wait.
   * @returns What to dispose to let it go.
   * @throws {LockTimeoutError} If it was not free in time.
   */
  async acquire(
    options: LockOptions = {},
  ): Promise<Disposable> {
    this.#waiting++;
    try {
      return await this.#acquire(options);
    } finally {
      this.#waiting--;
    }
  }

  async #acquire(
    { timeoutMs = 30_000, signal }: LockOptions,
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

  /**
   * What the holder noted down, when another one holds the lock: otherwise what is there says
   * nothing. Empty when there is no note.
   */
  readNote(): string {
    const file = this.#file ??= this.#open();
    const bytes = new Uint8Array(NOTE_BYTES_MAX);
    const length = file.readAt(bytes, 0);
    return new TextDecoder().decode(bytes.subarray(0, length));
  }

  /** Whether nobody holds it or waits for it. */
  get isIdle(): boolean {
    return this.#holder === undefined && this.#waiting === 0;
  }

  /** How often the file was opened: once more each time that it was found replaced. */
  get openings(): number {
    return this.#openings;
  }

  /** Closes the file, and with it lets the lock go. */
  [Symbol.dispose](): void {
    if (this.#holder !== undefined && this.#hasNote) this.#write("");
    this.#closeFile();
    this.#holder = undefined;
  }

  readonly #letGo = (holder: Disposable): void => {
    // Another one may hold it by now.
    if (this.#holder !== holder) return;
    this.#holder = undefined;
    if (this.#hasNote) this.#write("");
    this.#file?.unlock();
  };

  /** A note is news, not a promise: a full disk keeps nobody from the lock. */
  #write(note: string): void {
    const file = this.#file;
    if (file === undefined) return;
    try {
      if (file.size() > 0) file.truncate(0);
      if (note !== "") file.append(new TextEncoder().encode(note));
      this.#hasNote = note !== "";
    } catch {
      this.#hasNote = true;
    }
  }

  /**
   * Whether the path still names the open file: one that was deleted, moved away or replaced
   * locks out nobody who comes by the path. Looked at each time, as nothing else tells.
   */
  #isStillThere(): boolean {
    try {
      return this.#fileSystem.stat(this.#path)?.identity === this.#identity;
    } catch (error) {
      this.#closeFile();
      throw error;
    }
  }

  #open(): FileHandle {
    const file = this.#fileSystem.open(this.#path, { mode: this.#mode });
    try {
      this.#identity = file.stat().identity;
      this.#openings++;
      return file;
    } catch (error) {
      file.close();
      throw error;
    }
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
