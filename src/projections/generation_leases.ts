/**
 * The open current generations: opened when they are asked for, kept as long as they serve, and
 * closed again when too many are open, the one that was used longest ago first.
 *
 * @module
 */
import type { FileSystem } from "../storage/file_system.ts";
import {
  ProjectionDamagedError,
  ProjectionNotBuiltError,
  ProjectionsClosedError,
  ProjectionUnavailableError,
} from "./errors.ts";
import {
  type CurrentFile,
  currentFileVersion,
  readCurrentFile,
} from "./generation_files.ts";
import { isUnshareable, markDamaged } from "./sqlite_connection.ts";
import {
  SqliteGeneration,
  type SqliteGenerationOptions,
} from "./sqlite_generation.ts";

/**
 * Projections whose databases are open at a time for readers, and for live updates. A database
 * takes three descriptors, and two more for the connection of live updates; most systems let a
 * process have 1,024, which were used up by 140 projections before there was a bound. Up to the
 * lower number nothing is ever closed; up to the higher one only what is cheap to open again.
 */
export const OPEN_MAX: OpenMax = { serving: 128, changing: 64 };

/** How many databases are open at a time, but for those in use. */
export interface OpenMax {
  readonly serving: number;
  readonly changing: number;
}

/** What the leases are of. */
export interface GenerationLeasesOptions {
  readonly fileSystem: FileSystem;
  /** The folder of a projection. */
  readonly directoryOf: (name: string) => string;
  /** The database of a projection's complete generation. */
  readonly locate: (name: string, number: number) => SqliteGenerationOptions;
  /** How many are open at a time. @default {OPEN_MAX} */
  readonly openMax?: OpenMax | undefined;
  /** Called when the generation that serves is found to be damaged. */
  readonly onDamage: (name: string) => void;
}

/** Damage that was found in a generation while it served. */
interface Damage {
  readonly error: ProjectionDamagedError;
  readonly file: SqliteGenerationOptions;
  /** Of the file and of `current.json`, at that time. */
  readonly identity: string | undefined;
  readonly version: string | undefined;
  /** Whether others who open the file learn of it. */
  isMarked: boolean;
}

/** An open current generation, and who uses it. */
interface Lease {
  /** For readers. */
  readonly generation: SqliteGeneration;
  /** Why no other connection can be opened beside that one, if so: it is closed after its use. */
  readonly noRoom: ProjectionUnavailableError | undefined;
  /** Of the file that it was opened on. */
  readonly identity: string | undefined;
  /** For live updates, from the first one on. */
  changing: SqliteGeneration | undefined;
  /** Of `current.json`, when it named this generation. */
  readonly version: string;
  /** How many actions run on it. */
  users: number;
  /** Whether another generation serves now, or it is one too many: the last user closes it. */
  retired: boolean;
}

/** Keeps current generations open. */
export class GenerationLeases implements Disposable {
  readonly #options: GenerationLeasesOptions;
  /** The one used last comes last. */
  readonly #leases = new Map<string, Lease>();
  readonly #damages = new Map<string, Damage>();
  #isClosed = false;

  /** @param options What they are of. */
  constructor(options: GenerationLeasesOptions) {
    this.#options = options;
  }

  /** Whether a generation is open, as far as is known without looking at any file. */
  isOpen(name: string): boolean {
    return this.#leases.has(name);
  }

  /** Lets `action` read the current generation. */
  async withCurrent<T>(
    name: string,
    action: (generation: SqliteGeneration) => Promise<T>,
  ): Promise<T> {
    const lease = this.#current(name);
    try {
      return await this.#use(lease, () => action(lease.generation));
    } finally {
      this.#closeIfAlone(name, lease);
    }
  }

  /** Lets `action` change the current generation. */
  async changeCurrent<T>(
    name: string,
    action: (generation: SqliteGeneration) => Promise<T>,
  ): Promise<T> {
    let lease = this.#current(name);
    this.#assertShared(name, lease);
    if (!lease.changing) {
      const file = this.#options.locate(name, lease.generation.number);
      if (this.#identityOf(file) !== lease.identity) {
        // Somebody put another file in its place: what is written there, readers must see.
        this.#leases.delete(name);
        this.#retire(lease);
        lease = this.#current(name);
      }
      this.#makeRoomToChange();
      // A connection of its own: the other one sees nothing before it is committed.
      const { version } = lease;
      lease.changing = this.#openWatched(
        name,
        { ...file, use: "changing" },
        version,
      );
    }
    const { changing } = lease;
    return await this.#use(lease, () => action(changing));
  }

  /**
   * Takes note of damage that was found by looking at the file. Who is to mend it is told also
   * when it was known before: he may have been kept from it.
   */
  condemn(name: string, what: string): void {
    const { fileSystem, directoryOf, locate, onDamage } = this.#options;
    const directory = directoryOf(name);
    let current: CurrentFile | undefined;
    try {
      current = readCurrentFile(fileSystem, directory, name);
    } catch (error) {
      if (!(error instanceof ProjectionDamagedError)) throw error;
      // That is what is damaged.
      onDamage(name);
    }
    const version = currentFileVersion(fileSystem, directory, name);
    if (!current || version === undefined) return;
    const file = locate(name, current.generation);
    const error = new ProjectionDamagedError(name, file.displayName, {
      cause: new Error(what),
    });
    const identity = this.#identityOf(file);
    const damage = { error, file, identity, version, isMarked: false };
    this.#damages.set(name, damage);
    mark(damage);
    onDamage(name);
  }

  /** The open current generation, for what opens its file by itself. */
  peek(name: string): SqliteGeneration {
    const lease = this.#current(name);
    this.#assertShared(name, lease);
    return lease.generation;
  }

  /** Opens it for readers, who get on without any room on the disk. */
  #open(
    name: string,
    options: SqliteGenerationOptions,
    version: string,
  ): Pick<Lease, "generation" | "noRoom"> {
    try {
      return {
        generation: this.#openWatched(name, options, version),
        noRoom: undefined,
      };
    } catch (error) {
      const isFull = options.use === "serving" &&
        error instanceof ProjectionUnavailableError &&
        isUnshareable(error.cause);
      if (!isFull) throw error;
      const alone: SqliteGenerationOptions = { ...options, use: "alone" };
      return {
        generation: this.#openWatched(name, alone, version),
        noRoom: error,
      };
    }
  }

  /** Refuses what takes another connection where there is no room for one. */
  #assertShared(name: string, lease: Lease): void {
    this.#closeIfAlone(name, lease);
    if (lease.noRoom) throw lease.noRoom;
  }

  /** Nobody else can use its file meanwhile, and the next one may find room. */
  #closeIfAlone(name: string, lease: Lease): void {
    if (!lease.noRoom || lease.users > 0 || lease.retired) return;
    this.#leases.delete(name);
    this.#retire(lease);
  }

  /** Closes them, those in use as soon as they are not. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const lease of this.#leases.values()) this.#retire(lease);
    this.#leases.clear();
  }

  async #use<T>(lease: Lease, action: () => Promise<T>): Promise<T> {
    lease.users++;
    try {
      return await action();
    } finally {
      lease.users--;
      if (lease.retired && lease.users === 0) closeLease(lease);
      // Many in use at once may have been more than there should be.
      const { openMax = OPEN_MAX } = this.#options;
      if (this.#leases.size > openMax.serving) this.#makeRoom();
    }
  }

  /** The open current generation, after a look at whether it still is the current one. */
  #current(name: string): Lease {
    // Opening it again would leave it open for ever.
    if (this.#isClosed) throw new ProjectionsClosedError(name);
    const { fileSystem, directoryOf, locate } = this.#options;
    const directory = directoryOf(name);
    const version = currentFileVersion(fileSystem, directory, name);
    this.#assertUndamaged(name, version);
    const lease = this.#leases.get(name);
    if (lease && lease.version === version) {
      this.#leases.delete(name);
      this.#leases.set(name, lease);
      return lease;
    }
    const current = readCurrentFile(fileSystem, directory, name);
    if (!current || version === undefined) {
      throw new ProjectionNotBuiltError(name);
    }
    // Before, not after: this may be the one that is too many.
    if (!lease) this.#makeRoom();
    const options = locate(name, current.generation);
    const identity = this.#identityOf(options);
    const { generation, noRoom } = this.#open(name, options, version);
    if (lease) this.#retire(lease);
    const opened = {
      generation,
      noRoom,
      identity,
      changing: undefined,
      version,
      users: 0,
      retired: false,
    };
    this.#leases.set(name, opened);
    return opened;
  }

  /** Opens it; what is found to be damaged in it is taken note of. */
  #openWatched(
    name: string,
    file: SqliteGenerationOptions,
    version: string,
  ): SqliteGeneration {
    const identity = this.#identityOf(file);
    const onDamage = (error: ProjectionDamagedError) => {
      const { fileSystem, directoryOf, onDamage } = this.#options;
      const now = currentFileVersion(fileSystem, directoryOf(name), name);
      // A long read may come upon it in a generation that does not serve any more.
      if (this.#damages.has(name) || now !== version) return;
      const damage = { error, file, identity, version, isMarked: false };
      this.#damages.set(name, damage);
      mark(damage);
      onDamage(name);
    };
    return SqliteGeneration.open({ ...file, onDamage }, name);
  }

  /**
   * Refuses a generation in which damage was found: what else is wrong with it is unknown, and of a
   * document that cannot be found nothing tells that it ever was there.
   */
  #assertUndamaged(name: string, version: string | undefined): void {
    const damage = this.#damages.get(name);
    if (!damage) return;
    const isSame = damage.version === version &&
      damage.identity === this.#identityOf(damage.file);
    if (isSame) {
      mark(damage);
      throw damage.error;
    }
    this.#damages.delete(name);
    const lease = this.#leases.get(name);
    this.#leases.delete(name);
    if (lease) this.#retire(lease);
  }

  /** Closes what nobody uses, until there is room for one more. */
  #makeRoom(): void {
    const { openMax = OPEN_MAX } = this.#options;
    for (const [name, lease] of this.#leases) {
      if (this.#leases.size < openMax.serving) return;
      if (lease.users > 0) continue;
      this.#leases.delete(name);
      this.#retire(lease);
    }
  }

  /** Closes connections for live updates that nobody uses, until there is room for one more. */
  #makeRoomToChange(): void {
    const { openMax = OPEN_MAX } = this.#options;
    const open = [...this.#leases.values()].filter(({ changing }) => changing);
    let count = open.length;
    for (const lease of open) {
      if (count < openMax.changing) return;
      if (lease.users > 0) continue;
      lease.changing?.close();
      lease.changing = undefined;
      count--;
    }
  }

  #identityOf({ file }: SqliteGenerationOptions): string | undefined {
    return this.#options.fileSystem.stat(file)?.identity;
  }

  #retire(lease: Lease): void {
    lease.retired = true;
    if (lease.users === 0) closeLease(lease);
  }
}

function closeLease({ generation, changing }: Lease): void {
  changing?.close();
  generation.close();
}

/** Whoever is just writing goes first: the next look tries again. */
function mark(damage: Damage): void {
  const { file: { file, use }, error: { cause } } = damage;
  if (damage.isMarked || use === "reading") return;
  const what = cause instanceof Error ? cause.message : String(cause);
  damage.isMarked = markDamaged(file, what);
}
