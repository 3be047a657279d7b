/**
 * The error that says: make the index again.
 *
 * @module
 */

/** The index does not fit the log or the process's own knowledge of it. Make it again. */
export class IndexMismatchError extends Error {
  override readonly name = "IndexMismatchError";
}
