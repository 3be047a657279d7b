/**
 * What SQLite says of a disk: nothing but its code tells a full one from a damaged file.
 *
 * @module
 */

/**
 * SQLite's extended code of an error that comes from it.
 *
 * @param error Whatever was thrown.
 */
export function extendedCode(error: unknown): number | undefined {
  return error instanceof Error && "errcode" in error &&
      typeof error.errcode === "number"
    ? error.errcode
    : undefined;
}

/**
 * SQLite's primary code of an error that comes from it.
 *
 * @param error Whatever was thrown.
 */
export function primaryCode(error: unknown): number | undefined {
  const code = extendedCode(error);
  return code === undefined ? undefined : code & 0xff;
}

const BUSY = 5;

/** Whether another connection is at the database just now. */
export function isBusy(error: unknown): boolean {
  return primaryCode(error) === BUSY;
}

const FULL = 13;

/**
 * A write failed, and memory that is shared by processes could not be opened, made larger or
 * mapped. That is how a full quota is told, and a full disk where a database is opened.
 */
const UNWRITABLE = [778, 4_618, 4_874, 5_386];

/**
 * Whether SQLite found no room to write, or could not write for another reason: that says nothing
 * about what stands in the file.
 *
 * @param error Whatever was thrown.
 */
export function isUnwritable(error: unknown): boolean {
  const code = extendedCode(error);
  return code !== undefined &&
    (primaryCode(error) === FULL || UNWRITABLE.includes(code));
}

/**
 * Whether a database could not even be opened: the runtime tells no code of SQLite's then. Nothing
 * is read of it so early, so that it is the system that refused, or no file.
 *
 * @param error Whatever was thrown.
 */
export function isOfOpening(error: unknown): boolean {
  return error instanceof Error && "code" in error &&
    error.code === "ERR_SQLITE_ERROR" && extendedCode(error) === undefined;
}
