/**
 * The errors that say: make the index again, or leave its file alone.
 *
 * @module
 */

/** The index does not fit the log or the process's own knowledge of it. Make it again. */
export class IndexMismatchError extends Error {
  override readonly name: string = "IndexMismatchError";
}

/** Nothing can be written to the index file for now, which is as good as it was. */
export class IndexBusyError extends IndexMismatchError {
  override readonly name = "IndexBusyError";

  constructor() {
    super("The index file stays locked, or its disk full");
  }
}
