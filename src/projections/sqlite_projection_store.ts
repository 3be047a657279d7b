/**
 * The projection store on SQLite files: which generation serves, how a new one takes its place,
 * and what is swept away.
 *
 * @module
 */
import { join } from "node:path";
import type { Clock } from "../events/clock.ts";
import { sweepTemporaries } from "../storage/atomic_replace.ts";
import { makeDurableDirectory } from "../storage/durable_directory.ts";
import type { FileSystem } from "../storage/file_system.ts";
import { readNote, writeNote } from "./build_notes.ts";
import {
  ProjectionDamagedError,
  ProjectionUnavailableError,
} from "./errors.ts";
import {
  generationFileName,
  listGenerationFiles,
  newestGeneration,
  readCurrentFile,
  removeGenerationFile,
  sweepCompanions,
} from "./generation_files.ts";
import { GenerationCare } from "./generation_care.ts";
import { GenerationLeases, type OpenMax } from "./generation_leases.ts";
import { describeGenerations } from "./generation_listing.ts";
import type {
  BeginOptions,
  Build,
  BuildIdentity,
  Generation,
  GenerationNumbers,
  ProjectionStore,
  StoredDocument,
} from "./projection_store.ts";
import { numberToKeep } from "./number_to_keep.ts";
import { ProjectionLocks } from "./projection_locks.ts";
import type { ProjectionGeneration, ProjectionOwner } from "./projections.ts";
import { rollBack } from "./roll_back_generation.ts";
import { SqliteBuild } from "./sqlite_build.ts";
import {
  SqliteGeneration,
  type SqliteGenerationOptions,
} from "./sqlite_generation.ts";

/** What the store needs. */
export interface SqliteProjectionStoreOptions {
  /** The folder of all projections. */
  readonly directory: string;
  /** For every file but the databases. */
  readonly fileSystem: FileSystem;
  /** Stamps completed builds and times the waiting for locks. */
  readonly clock: Clock;
  /** Projections whose databases are open at a time, but for those in use. @default {OPEN_MAX} */
  readonly openMax?: OpenMax;
  /** Whether only to read. @default {false} */
  readonly readOnly?: boolean;
}

/** Keeps generations as SQLite files in one folder a projection. */
export class SqliteProjectionStore implements ProjectionStore {
  readonly #options: SqliteProjectionStoreOptions;
  readonly #leases: GenerationLeases;
  readonly care: GenerationCare;
  readonly #locks: ProjectionLocks;
  /** Number of the last build begun here, by projection. */
  readonly #lastBegun = new Map<string, number>();
  /** What was last told of generations, by folder. */
  readonly #toldGenerations = new Map<
    string,
    readonly ProjectionGeneration[]
  >();
  /** Projections whose folder is known to survive a power cut. */
  readonly #durable = new Set<string>();
  readonly #damageListeners = new Set<(name: string) => void>();

  /** @param options Where. */
  constructor(options: SqliteProjectionStoreOptions) {
    this.#options = options;
    const directoryOf = (name: string) => this.#directory(name);
    this.#locks = new ProjectionLocks({ ...options, directoryOf });
    const locate = (name: string, number: number) =>
      this.#generationOptions(name, number, "complete");
    const { fileSystem } = options;
    this.#leases = new GenerationLeases({
      fileSystem,
      directoryOf,
      locate,
      openMax: options.openMax,
      onDamage: (name) => {
        for (const listener of [...this.#damageListeners]) listener(name);
      },
    });
    const leases = this.#leases;
    this.care = new GenerationCare({ ...options, directoryOf, locate, leases });
  }

  onDamage(listener: (name: string) => void): Disposable {
    this.#damageListeners.add(listener);
    return {
      [Symbol.dispose]: () => void this.#damageListeners.delete(listener),
    };
  }

  // deno-lint-ignore require-await -- turns what is thrown into a rejection
  async numbers(name: string): Promise<GenerationNumbers> {
    const current = this.#readCurrent(name);
    return {
      current: current?.generation ?? null,
      previous: current?.previous ?? null,
      rolledBack: current?.rolledBack ?? null,
    };
  }

  // deno-lint-ignore require-await -- turns what is thrown into a rejection
  async generations(name: string): Promise<readonly ProjectionGeneration[]> {
    const { fileSystem, readOnly = false } = this.#options;
    return describeGenerations({
      fileSystem,
      directory: this.#directory(name),
      current: this.#readCurrentOrNothing(name),
      readOnly,
      told: this.#toldGenerations,
    });
  }

  async rollBack(identity: BuildIdentity): Promise<void> {
    const { fileSystem, clock } = this.#options;
    const name = identity.projectionName;
    const directory = this.#directory(name);
    await rollBack({
      fileSystem,
      directory,
      identity,
      at: clock.now().toISOString(),
      current: this.#readCurrent(name),
      locate: (number) => this.#generationOptions(name, number, "complete"),
      // Whoever asked for it did so before this: continued, it would undo the decision.
      discardBuilds: () => this.#removeUnfinished(name),
    });
  }

  isOpen(name: string): boolean {
    return this.#leases.isOpen(name);
  }

  async withCurrent<T>(
    name: string,
    action: (generation: Generation) => Promise<T>,
  ): Promise<T> {
    return await this.#leases.withCurrent(name, action);
  }

  async changeCurrent<T>(
    name: string,
    action: (generation: Generation) => Promise<T>,
  ): Promise<T> {
    return await this.#leases.changeCurrent(name, action);
  }

  async *snapshot(name: string): AsyncGenerator<StoredDocument> {
    yield* this.#leases.peek(name).snapshot();
  }

  async begin(
    identity: BuildIdentity,
    { resume, manual = false }: BeginOptions,
  ): Promise<Build> {
    const { fileSystem } = this.#options;
    const name = identity.projectionName;
    const directory = this.#directory(name);
    await this.#makeFolder(name);
    sweepTemporaries(fileSystem, directory);
    sweepCompanions(fileSystem, directory);
    const interrupted = resume
      ? this.#openInterrupted(identity, { manual })
      : undefined;
    if (interrupted) return this.#build(interrupted, { resumed: true });
    const numbers = listGenerationFiles(fileSystem, directory)
      .map(({ number }) => number);
    this.#removeUnfinished(name);
    // Never twice: a worker that was given up may still hold what it built, under its name.
    const lastBegun = this.#lastBegun.get(name) ?? 0;
    const number = Math.max(lastBegun, this.#lastNumber(name), ...numbers) + 1;
    this.#lastBegun.set(name, number);
    const fileName = generationFileName(number, "building");
    // What SQLite left beside a deleted database must not be taken for the new one's.
    removeGenerationFile(fileSystem, directory, fileName);
    const options = this.#generationOptions(name, number, "building");
    const generation = SqliteGeneration.create(options, identity);
    if (manual) writeNote(options.file, "manual", "yes");
    return this.#build(generation, { resumed: false });
  }

  // deno-lint-ignore require-await -- turns what is thrown into a rejection
  async hasInterruptedBuild(identity: BuildIdentity): Promise<boolean> {
    const name = identity.projectionName;
    // Mostly there is none, and whoever wants the lock for a build must not come upon this look.
    if (this.#unfinished(name).length === 0) return false;
    using lock = this.tryLockBuild(name);
    if (!lock) return false;
    using generation = this.#openInterrupted(identity, { manual: false });
    return generation !== undefined;
  }

  lockLive(
    name: string,
    signal?: AbortSignal,
    timeoutMs?: number,
  ): Promise<Disposable> {
    return this.#locks.lockLive(name, signal, timeoutMs);
  }

  tryLockLive(name: string): Disposable | undefined {
    return this.#locks.tryLockLive(name);
  }

  tryLockBuild(name: string, operationId?: string): Disposable | undefined {
    return this.#locks.tryLockBuild(name, operationId);
  }

  operationBuilding(name: string): string | null {
    return this.#locks.operationBuilding(name);
  }

  tryOwn(name: string): Disposable | undefined {
    return this.#locks.tryOwn(name);
  }

  owner(name: string): ProjectionOwner | null {
    return this.#locks.owner(name);
  }

  // deno-lint-ignore require-await -- nothing to wait for, but disposal may be in others
  async [Symbol.asyncDispose](): Promise<void> {
    this.#leases[Symbol.dispose]();
    this.#locks[Symbol.dispose]();
  }

  #build(
    begun: SqliteGeneration,
    { resumed }: { resumed: boolean },
  ): Build {
    const { fileSystem, clock } = this.#options;
    const name = begun.identity.projectionName;
    const options = this.#generationOptions(name, begun.number, "building");
    return new SqliteBuild(begun, {
      fileSystem,
      clock,
      directory: this.#directory(name),
      options,
      resumed,
      previousNumber: () =>
        numberToKeep(
          this.#readCurrentOrNothing(name),
          (number) => this.#generationOptions(name, number, "complete").file,
        ),
      newestNumber: () => this.#lastNumber(name),
      onSwap: () => {
        try {
          this.#sweep(name);
        } catch {
          // It serves: what is left over is no failure, and goes with the next one.
        }
      },
    });
  }

  async #makeFolder(name: string): Promise<void> {
    const { fileSystem, directory } = this.#options;
    // Each time: an operator may delete the folder while the store is open.
    fileSystem.makeDirectory(this.#directory(name));
    if (this.#durable.has(name)) return;
    // Else what is swapped in could be gone after a power cut, with the folder that it is in.
    await makeDurableDirectory(fileSystem, directory);
    await makeDurableDirectory(fileSystem, this.#directory(name));
    this.#durable.add(name);
  }

  /** The newest unfinished build, if it is of that identity, and waits to be promoted or not. */
  #openInterrupted(
    identity: BuildIdentity,
    { manual }: { readonly manual: boolean },
  ): SqliteGeneration | undefined {
    const { fileSystem } = this.#options;
    const name = identity.projectionName;
    const directory = this.#directory(name);
    const file = this.#unfinished(name).at(-1);
    if (!file) return undefined;
    if (!file.building) {
      // It has served, and lacks what was written to it last: a crash may have come while that was
      // moved into it.
      if (fileSystem.exists(join(directory, `${file.fileName}-wal`))) {
        return undefined;
      }
      // Complete, but the crash came before `current.json` named it: take it up again.
      fileSystem.rename(
        join(directory, file.fileName),
        join(directory, generationFileName(file.number, "building")),
      );
    }
    const options = this.#generationOptions(name, file.number, "building");
    try {
      const generation = SqliteGeneration.open(options, name);
      const found = generation.identity;
      const isSame = found.version === identity.version &&
        found.fingerprint === identity.fingerprint &&
        found.storeId === identity.storeId &&
        (readNote(options.file, "manual") !== undefined) === manual;
      if (isSame) return generation;
      generation.close();
    } catch (error) {
      // What passes is no reason to lose what is built.
      if (error instanceof ProjectionUnavailableError) throw error;
      // Damaged: it is derived, so the build starts over.
    }
    return undefined;
  }

  /** Generations that are newer than those that served. */
  #unfinished(
    name: string,
  ): { number: number; building: boolean; fileName: string }[] {
    const files = listGenerationFiles(
      this.#options.fileSystem,
      this.#directory(name),
    );
    let last = Infinity;
    try {
      last = newestGeneration(this.#readCurrent(name));
    } catch (error) {
      // One of those that are complete serves, and will again if only reading failed.
      if (!(error instanceof ProjectionDamagedError)) throw error;
    }
    return files.filter(({ number, building }) => building || number > last);
  }

  /** Deletes what was begun and never swapped in. */
  #removeUnfinished(name: string): void {
    const { fileSystem } = this.#options;
    for (const { fileName } of this.#unfinished(name)) {
      removeGenerationFile(fileSystem, this.#directory(name), fileName);
    }
  }

  /** Deletes every generation but the current and the previous one. */
  #sweep(name: string): void {
    const { fileSystem } = this.#options;
    const directory = this.#directory(name);
    const current = this.#readCurrent(name);
    const kept = [current?.generation, current?.previous];
    for (const file of listGenerationFiles(fileSystem, directory)) {
      if (kept.includes(file.number)) continue;
      removeGenerationFile(fileSystem, directory, file.fileName);
    }
  }

  #readCurrent(name: string): ReturnType<typeof readCurrentFile> {
    return readCurrentFile(
      this.#options.fileSystem,
      this.#directory(name),
      name,
    );
  }

  /** For builds: a damaged `current.json` is about to be replaced anyway. */
  #readCurrentOrNothing(name: string): ReturnType<typeof readCurrentFile> {
    try {
      return this.#readCurrent(name);
    } catch (error) {
      // What only cannot be read now must not be taken for gone.
      if (!(error instanceof ProjectionDamagedError)) throw error;
      return undefined;
    }
  }

  #lastNumber(name: string): number {
    return newestGeneration(this.#readCurrentOrNothing(name));
  }

  #generationOptions(
    name: string,
    number: number,
    stage: "building" | "complete",
  ): SqliteGenerationOptions {
    const fileName = generationFileName(number, stage);
    const { readOnly } = this.#options;
    return {
      file: join(this.#directory(name), fileName),
      number,
      displayName: `projections/${name}/${fileName}`,
      use: stage === "building" ? "building" : readOnly ? "reading" : "serving",
    };
  }

  #directory(name: string): string {
    return join(this.#options.directory, name);
  }
}
