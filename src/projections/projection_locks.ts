/**
 * The locks of a projection between processes, and what their holders say of themselves.
 *
 * @module
 */
import { join } from "node:path";
import type { Clock } from "../events/clock.ts";
import { FileLock } from "../storage/file_lock.ts";
import type { FileSystem } from "../storage/file_system.ts";
import type { ProjectionOwner } from "./projections.ts";

/** What each of them is for: see {@linkcode ProjectionStore}. */
type LockKind = "live" | "build" | "owner";

/** Where the locks are. */
export interface ProjectionLocksOptions {
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  /** The folder of a projection. */
  readonly directoryOf: (name: string) => string;
  /** Whether nothing may be created: only what is there is looked at. @default {false} */
  readonly readOnly?: boolean;
}

/** Lock files that are open at a time, but for those that are held or waited for. */
const IDLE_MAX = 32;

/** The locks of all projections. */
export class ProjectionLocks implements Disposable {
  readonly #options: ProjectionLocksOptions;
  readonly #locks = new Map<string, FileLock>();
  readonly #owned = new Map<string, ProjectionOwner>();

  /** @param options Where the locks are. */
  constructor(options: ProjectionLocksOptions) {
    this.#options = options;
  }

  /** See {@linkcode ProjectionStore.lockLive}. */
  async lockLive(
    name: string,
    signal?: AbortSignal,
    timeoutMs = 30_000,
  ): Promise<Disposable> {
    const options = signal ? { signal, timeoutMs } : { timeoutMs };
    return await this.#lock(name, "live").acquire(options);
  }

  /** See {@linkcode ProjectionStore.tryLockLive}. */
  tryLockLive(name: string): Disposable | undefined {
    return this.#lock(name, "live").tryAcquire();
  }

  /** See {@linkcode ProjectionStore.tryLockBuild}. */
  tryLockBuild(name: string, operationId = ""): Disposable | undefined {
    return this.#lock(name, "build").tryAcquire(operationId);
  }

  /** See {@linkcode ProjectionStore.operationBuilding}. */
  operationBuilding(name: string): string | null {
    return this.#lock(name, "build").readNote() || null;
  }

  /** See {@linkcode ProjectionStore.tryOwn}. */
  tryOwn(name: string): Disposable | undefined {
    const since = this.#options.clock.now().toISOString();
    const note = JSON.stringify({ pid: Deno.pid, since });
    const lock = this.#lock(name, "owner").tryAcquire(note);
    if (!lock) return undefined;
    this.#owned.set(name, { pid: Deno.pid, since, isSelf: true });
    return {
      [Symbol.dispose]: () => {
        this.#owned.delete(name);
        lock[Symbol.dispose]();
      },
    };
  }

  /** See {@linkcode ProjectionStore.owner}. */
  owner(name: string): ProjectionOwner | null {
    const own = this.#owned.get(name);
    if (own) return own;
    try {
      // Whoever only asks leaves nothing behind.
      if (!this.#options.fileSystem.exists(this.#path(name, "owner"))) {
        return null;
      }
      const lock = this.#lock(name, "owner");
      const free = lock.tryAcquire();
      free?.[Symbol.dispose]();
      return free ? null : toOwner(lock.readNote());
    } catch {
      // A folder that cannot be written to: then nobody keeps anything up to date there.
      return null;
    }
  }

  /** Lets all of them go. */
  [Symbol.dispose](): void {
    for (const lock of this.#locks.values()) lock[Symbol.dispose]();
    this.#locks.clear();
    this.#owned.clear();
  }

  #path(name: string, kind: LockKind): string {
    return join(this.#options.directoryOf(name), `${kind}.lock`);
  }

  #lock(name: string, kind: LockKind): FileLock {
    const { fileSystem, clock, directoryOf, readOnly } = this.#options;
    const path = this.#path(name, kind);
    // Each time: an operator may delete the folder while the store is open.
    if (!readOnly) fileSystem.makeDirectory(directoryOf(name));
    const mode = readOnly ? "read" : "append";
    const lock = this.#locks.get(path) ??
      new FileLock(fileSystem, path, clock, mode);
    // The one used last comes last. It is not among those to close: it is about to be used.
    this.#locks.delete(path);
    this.#closeIdle();
    this.#locks.set(path, lock);
    return lock;
  }

  /** Closes lock files that nobody uses until few enough are open, the oldest first. */
  #closeIdle(): void {
    if (this.#locks.size < IDLE_MAX) return;
    const idle = [...this.#locks].filter(([, lock]) => lock.isIdle);
    for (const [path, lock] of idle.slice(0, -(IDLE_MAX - 1))) {
      this.#locks.delete(path);
      lock[Symbol.dispose]();
    }
  }
}

/** What a holder wrote; it may be just writing it. */
function toOwner(note: string): ProjectionOwner {
  const unknown = { pid: null, since: null, isSelf: false };
  try {
    const { pid, since } = JSON.parse(note);
    return typeof pid === "number" && typeof since === "string"
      ? { pid, since, isSelf: false }
      : unknown;
  } catch {
    return unknown;
  }
}
