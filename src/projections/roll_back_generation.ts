/**
 * Going back to the generation that served before.
 *
 * @module
 */
import type { FileSystem } from "../storage/file_system.ts";
import { missesSkips } from "./dead_letters.ts";
import { ProjectionRollbackError } from "./errors.ts";
import { type CurrentFile, writeCurrentFile } from "./generation_files.ts";
import type { BuildIdentity } from "./projection_store.ts";
import {
  SqliteGeneration,
  type SqliteGenerationOptions,
} from "./sqlite_generation.ts";

/** What to go back on. */
export interface RollBackOptions {
  readonly fileSystem: FileSystem;
  /** The projection's folder. */
  readonly directory: string;
  /** What the registered definition builds. */
  readonly identity: BuildIdentity;
  /** The time, ISO 8601. */
  readonly at: string;
  /** What `current.json` says. */
  readonly current: CurrentFile | undefined;
  /** The database of a complete generation. */
  readonly locate: (number: number) => SqliteGenerationOptions;
  /** Deletes what is under construction. */
  readonly discardBuilds: () => void;
}

/**
 * Lets the previous generation serve, and keeps the one that served as the previous one.
 *
 * @param options What to go back on.
 * @throws {ProjectionRollbackError} If there is none that may serve.
 */
export async function rollBack(options: RollBackOptions): Promise<void> {
  const { fileSystem, directory, identity, at, current } = options;
  const { projectionName, version, fingerprint } = identity;
  if (!current || current.previous === null) {
    throw new ProjectionRollbackError(
      projectionName,
      "noPreviousGeneration",
      "it has no previous generation",
    );
  }
  const { generation, previous } = current;
  await assertUsable(options, previous);
  options.discardBuilds();
  // Forward again is not a decision against anything.
  const isBack = previous < generation;
  await writeCurrentFile(fileSystem, directory, {
    generation: previous,
    previous: generation,
    rolledBack: isBack
      ? { at, version, fingerprint, id: crypto.randomUUID() }
      : null,
  });
}

async function assertUsable(
  { identity, locate }: RollBackOptions,
  previous: number,
): Promise<void> {
  const { projectionName, version, fingerprint, storeId } = identity;
  const refuse = (why: string, options?: ErrorOptions) =>
    new ProjectionRollbackError(
      projectionName,
      "noPreviousGeneration",
      `its previous generation ${why}`,
      options,
    );
  let found: string | undefined;
  try {
    using generation = SqliteGeneration.open(locate(previous), projectionName);
    await generation.status();
    const built = generation.identity;
    const isOfDefinition = built.version === version &&
      built.fingerprint === fingerprint;
    if (built.storeId !== storeId) {
      found = "holds events that the log has not, or those of another one";
    } else if (isOfDefinition && await missesSkips(generation)) {
      found = "has applied events that are ordered to be passed over";
    }
  } catch (cause) {
    throw refuse("cannot be used", { cause });
  }
  if (found !== undefined) throw refuse(found);
}
