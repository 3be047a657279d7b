/**
 * Telling of generations without being in anybody's way.
 *
 * @module
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { FileSystem } from "../storage/file_system.ts";
import { refuseLink } from "../storage/symbolic_links.ts";
import { noteIn } from "./build_notes.ts";
import {
  type CurrentFile,
  type GenerationFile,
  listGenerationFiles,
  newestGeneration,
} from "./generation_files.ts";
import type { GenerationRole, ProjectionGeneration } from "./projections.ts";
import { connect, identityOf, readCheckedMeta } from "./sqlite_connection.ts";
import { isPassing } from "./unusable_files.ts";

/** Which generations. */
export interface GenerationListing {
  readonly fileSystem: FileSystem;
  /** The projection's folder. */
  readonly directory: string;
  /** What its `current.json` says. */
  readonly current: CurrentFile | undefined;
  /** Whether nothing may be created. */
  readonly readOnly: boolean;
  /** What was told of each folder the last time: what is being written cannot be read. */
  readonly told: Map<string, readonly ProjectionGeneration[]>;
}

/** Others hold a complete generation for a moment only. */
const WAIT_MS_MAX = 100;

type FileRole = Exclude<GenerationRole, "awaitingPromotion">;

/**
 * Describes every generation.
 *
 * @param listing Which.
 * @returns The oldest first; those that cannot be read are left out.
 */
export function describeGenerations(
  listing: GenerationListing,
): readonly ProjectionGeneration[] {
  const { fileSystem, directory, told } = listing;
  const before = told.get(directory) ?? [];
  const files = listGenerationFiles(fileSystem, directory);
  const found = files.flatMap((file): ProjectionGeneration[] => {
    const role = roleOf(file, listing.current);
    if (role === undefined) return [];
    try {
      return [describe(listing, file, role)];
    } catch (error) {
      const last = before.find(({ number }) => number === file.number);
      // Just being written, or swapped in: what was told last is not far off.
      const isPast = role === "building" || isPassing(error);
      return last !== undefined && isPast
        ? [role === "building" ? last : { ...last, role }]
        : [];
    }
  });
  told.set(directory, found);
  return found;
}

/** `undefined` for one that is of no use any more, and just being swept away. */
function roleOf(
  { number, building }: GenerationFile,
  current: CurrentFile | undefined,
): FileRole | undefined {
  if (building || number > newestGeneration(current)) return "building";
  if (number === current?.generation) return "current";
  return number === current?.previous ? "previous" : undefined;
}

function describe(
  { directory, readOnly }: GenerationListing,
  { number, fileName }: GenerationFile,
  role: FileRole,
): ProjectionGeneration {
  const path = join(directory, fileName);
  refuseLink(path);
  const { size: bytes } = Deno.statSync(path);
  const database = open(path, role, readOnly);
  try {
    const meta = readCheckedMeta(database);
    const { version, fingerprint } = identityOf(meta);
    const isAwaiting = role === "building" &&
      noteIn(database, "awaiting") !== undefined;
    return Object.freeze({
      number,
      role: isAwaiting ? "awaitingPromotion" : role,
      version,
      fingerprint,
      checkpoint: Number(meta.get("checkpoint")),
      documents: Number(meta.get("documents")),
      bytes,
      builtAt: (meta.get("builtAt") ?? null) as string | null,
    });
  } finally {
    database.close();
  }
}

function open(path: string, role: FileRole, readOnly: boolean): DatabaseSync {
  // Without waiting, and without the right to undo what a crash left: whoever builds does that.
  if (role === "building") {
    return new DatabaseSync(path, { readOnly: true, timeout: 0 });
  }
  return readOnly
    ? connect(path, "reading")
    : new DatabaseSync(path, { timeout: WAIT_MS_MAX });
}
