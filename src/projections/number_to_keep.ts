/**
 * Which generation a swap keeps for going back to it: the one that served, unless it is known to be
 * damaged. Nobody could go back to that, and each scrub would find it again.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { refuseLink } from "../storage/symbolic_links.ts";
import type { CurrentFile } from "./generation_files.ts";
import { GENERATION_FORMAT, UNCHECKED_FORMAT } from "./generation_schema.ts";
import { readCheckedMeta } from "./sqlite_connection.ts";
import { isLasting } from "./unusable_files.ts";

/**
 * The number of the generation to keep.
 *
 * @param current What `current.json` says, before the swap.
 * @param fileOf The database of a generation.
 * @returns The number, or `null` when there is none that is of use.
 */
export function numberToKeep(
  current: CurrentFile | undefined,
  fileOf: (number: number) => string,
): number | null {
  if (!current || isKnownDamaged(fileOf(current.generation))) return null;
  return current.generation;
}

/** Whether it says so itself, as somebody found out, or cannot even be asked, for good. */
function isKnownDamaged(file: string): boolean {
  let database: DatabaseSync | undefined;
  try {
    // Opening a missing database would create an empty one.
    Deno.lstatSync(file);
    refuseLink(file);
    // Without waiting: what is in use, or cannot be read just now, is kept.
    database = new DatabaseSync(file, { timeout: 0 });
    const format = database.prepare("SELECT value FROM meta WHERE name = ?")
      .get("format")?.value;
    // Of use to the version that wrote it, should that be put back.
    if (format !== GENERATION_FORMAT && format !== UNCHECKED_FORMAT) {
      return false;
    }
    readCheckedMeta(database);
    return false;
  } catch (error) {
    return error instanceof Deno.errors.NotFound || isLasting(error);
  } finally {
    database?.close();
  }
}
