/**
 * Checksums of the rows of a generation. SQLite trusts the disk: a bit that flips in the text of
 * a document is read as if it had been written, and what is folded on it stays wrong for ever.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import type { Position } from "../events/event.ts";
import type { StoredDocument } from "./projection_store.ts";

/** A row is not what was written. */
export class DamagedRowError extends Error {
  override readonly name = "DamagedRowError";

  /** @param what Which kind of row; not its key, which is the application's. */
  constructor(what: "document" | "event") {
    super(`The checksum of the ${what} does not match`);
  }
}

const ROW_DAMAGE =
  /^(The checksum of the document does not match|It says \d+ )/;

/**
 * Whether what was found to be wrong with a generation concerns single documents, as far as one
 * can tell, so that they can be mended one by one.
 *
 * @param what What was found.
 */
export function isRowDamage(what: string): boolean {
  return ROW_DAMAGE.test(what);
}

/** What to say of a generation that has another number of documents than it should. */
export function otherCount(said: unknown, found: number): string {
  return `It says ${said} documents and has ${found}`;
}

/** The checksum of a document with its key. Of 32 bits with a sign, which takes four bytes. */
export function sumOfDocument(key: string, text: string): number {
  return crc32(text, crc32(key)) | 0;
}

/** The checksum of a related event with its position. */
export function sumOfRelated(position: Position, text: string): number {
  return crc32(text, position >>> 0) | 0;
}

/** A document as it was read. */
export interface DocumentRow extends StoredDocument {
  /** The checksum beside it; `null` in a generation of a format that had none. */
  readonly sum: number | null;
}

/**
 * Checks a document that was read.
 *
 * @param row The document, with the key that it was read by.
 * @throws {DamagedRowError} If it is not what was written.
 */
export function assertDocument({ key, text, sum }: DocumentRow): void {
  if (sum === sumOfDocument(key, text) || sum === null) return;
  throw new DamagedRowError("document");
}

/**
 * Checks a related event that was read.
 *
 * @param position Its position.
 * @param text Its text.
 * @param sum The checksum beside it.
 * @throws {DamagedRowError} If it is not what was written.
 */
export function assertRelated(
  position: Position,
  text: string,
  sum: unknown,
): void {
  if (sum !== sumOfRelated(position, text)) {
    throw new DamagedRowError("event");
  }
}
