/**
 * A generation under construction in a SQLite file, and how it becomes the one that serves.
 *
 * @module
 */
import { join } from "node:path";
import type { Clock } from "../events/clock.ts";
import type { FileSystem } from "../storage/file_system.ts";
import { readNote, writeNote } from "./build_notes.ts";
import {
  generationFileName,
  removeGenerationFile,
  writeCurrentFile,
} from "./generation_files.ts";
import type {
  Build,
  BuildNote,
  Generation,
  GenerationLocation,
  StoredDocument,
} from "./projection_store.ts";
import {
  SqliteGeneration,
  type SqliteGenerationOptions,
} from "./sqlite_generation.ts";

/** What a build is made of. */
export interface SqliteBuildOptions {
  readonly fileSystem: FileSystem;
  /** Stamps the completed generation. */
  readonly clock: Clock;
  /** The projection's folder. */
  readonly directory: string;
  /** Where it is. */
  readonly options: SqliteGenerationOptions;
  /** Whether it continues an earlier run. */
  readonly resumed: boolean;
  /** The number of the generation to be kept for going back to it, or `null`. */
  readonly previousNumber: () => number | null;
  /** The number of the newest generation that was ever swapped in; 0 for none. */
  readonly newestNumber: () => number;
  /** Called once it serves. */
  readonly onSwap: () => void;
}

/** A build in a SQLite file. */
export class SqliteBuild implements Build {
  readonly resumed: boolean;
  readonly #options: SqliteBuildOptions;
  readonly #name: string;
  #open: SqliteGeneration | undefined;

  /**
   * @param begun The generation, open.
   * @param options What it is made of.
   */
  constructor(begun: SqliteGeneration, options: SqliteBuildOptions) {
    this.#open = begun;
    this.#name = begun.identity.projectionName;
    this.#options = options;
    this.resumed = options.resumed;
  }

  get generation(): Generation {
    return this.#opened();
  }

  async lend<T>(
    action: (location: GenerationLocation) => Promise<T>,
  ): Promise<T> {
    this.#close();
    return await action(this.#options.options);
  }

  readNote(note: BuildNote): string | undefined {
    return readNote(this.#options.options.file, note);
  }

  writeNote(note: BuildNote, text: string): void {
    writeNote(this.#options.options.file, note, text);
  }

  snapshot(): AsyncIterable<StoredDocument> {
    return this.#opened().snapshot();
  }

  prepare(): void {
    this.#opened().makeFindable();
  }

  async swapIn(): Promise<void> {
    const { fileSystem, clock, directory, options, previousNumber, onSwap } =
      this.#options;
    const { number, file } = options;
    const previous = previousNumber();
    this.#opened().complete(clock.now().toISOString());
    {
      using handle = fileSystem.open(file, { mode: "append" });
      await handle.sync();
    }
    fileSystem.rename(
      file,
      join(directory, generationFileName(number, "complete")),
    );
    // The file must be there under its name before anything points to it.
    await fileSystem.syncDirectory(directory);
    await writeCurrentFile(fileSystem, directory, {
      generation: number,
      previous,
      rolledBack: null,
    });
    onSwap();
  }

  async discard(): Promise<void> {
    const { fileSystem, directory, options: { number }, newestNumber } =
      this.#options;
    this.#close();
    const fileName = generationFileName(number, "building");
    removeGenerationFile(fileSystem, directory, fileName);
    if (newestNumber() < number) {
      // Complete, but nothing points to it.
      const complete = generationFileName(number, "complete");
      removeGenerationFile(fileSystem, directory, complete);
    }
    await fileSystem.syncDirectory(directory);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#close();
    return Promise.resolve();
  }

  #opened(): SqliteGeneration {
    // Not sooner: whoever borrowed it may have hung, and still hold it.
    return this.#open ??= SqliteGeneration.open(
      this.#options.options,
      this.#name,
    );
  }

  #close(): void {
    this.#open?.close();
    this.#open = undefined;
  }
}
