/**
 * Finding and mending damage in the files of projections.
 *
 * @module
 */
import type { FileSystem } from "../storage/file_system.ts";
import { ProjectionNotBuiltError } from "./errors.ts";
import { readCurrentFile } from "./generation_files.ts";
import type { GenerationLeases } from "./generation_leases.ts";
import { GenerationMending } from "./generation_mending.ts";
import {
  type ScrubbedGenerations,
  scrubGenerations,
} from "./generation_scrub.ts";
import type { Mending, ProjectionCare } from "./mending.ts";
import type { SqliteGenerationOptions } from "./sqlite_generation.ts";

/** Where the files are. */
export interface GenerationCareOptions {
  readonly fileSystem: FileSystem;
  /** Whether nothing may be written. @default {false} */
  readonly readOnly?: boolean;
  /** The folder of a projection. */
  readonly directoryOf: (name: string) => string;
  /** The database of a projection's complete generation. */
  readonly locate: (name: string, number: number) => SqliteGenerationOptions;
  /** Those that are open. */
  readonly leases: GenerationLeases;
}

/** Looks after SQLite files. */
export class GenerationCare implements ProjectionCare {
  readonly #options: GenerationCareOptions;

  /** @param options Where the files are. */
  constructor(options: GenerationCareOptions) {
    this.#options = options;
  }

  // deno-lint-ignore require-await -- turns what is thrown into a rejection
  async mend(name: string): Promise<Mending> {
    const { fileSystem, directoryOf, locate } = this.#options;
    const current = readCurrentFile(fileSystem, directoryOf(name), name);
    if (!current) throw new ProjectionNotBuiltError(name);
    const location = locate(name, current.generation);
    return new GenerationMending({ fileSystem, name, location });
  }

  async scrub(
    name: string,
    rest: () => Promise<void>,
    onChecked: (checked: number, documents: number) => void = () => {},
  ): Promise<ScrubbedGenerations> {
    const { fileSystem, directoryOf, readOnly = false } = this.#options;
    const directory = directoryOf(name);
    return await scrubGenerations({
      fileSystem,
      directory,
      readOnly,
      name,
      rest,
      onChecked,
    });
  }

  condemn(name: string, what: string): void {
    this.#options.leases.condemn(name, what);
  }
}
