/**
 * Why single documents cannot be rebuilt, told as what callers handle.
 *
 * @module
 */
import { fileErrorCode } from "../log/errors.ts";
import { IrreparableError, type Mending } from "../projections/mending.ts";
import {
  ProjectionDamagedError,
  ProjectionNotBuiltError,
  ProjectionUnavailableError,
} from "../projections/errors.ts";
import { isRowDamage } from "../projections/row_sums.ts";
import { asUnusable } from "../projections/unusable_files.ts";
import { isUnreadable } from "../storage/unreadable.ts";
import { KeyRebuildError } from "./rebuilt_keys.ts";

/** Refuses a generation of which more may be damaged than documents, or than those asked for. */
export function assertMendable(
  { damage }: Mending,
  { isRepair }: { readonly isRepair: boolean },
): void {
  if (damage === undefined || (isRepair && isRowDamage(damage))) return;
  throw new IrreparableError(damage);
}

/** What is thrown, told as what callers handle. */
export function asRefusal(name: string, thrown: unknown): unknown {
  const isOfDisk = thrown instanceof Error &&
    ("errcode" in thrown || fileErrorCode(thrown) !== undefined);
  const error = isOfDisk
    ? asUnusable(name, `projections/${name}`, thrown)
    : thrown;
  if (error instanceof ProjectionNotBuiltError) {
    return new KeyRebuildError(name, "notBuilt", { cause: error });
  }
  if (error instanceof ProjectionDamagedError) {
    const { cause } = error;
    // A disk that fails says nothing of what stands there, and the next try may go well.
    if (isUnreadable(cause)) {
      return new ProjectionUnavailableError(name, `projections/${name}`, {
        cause,
      });
    }
  }
  if (
    error instanceof ProjectionDamagedError || error instanceof IrreparableError
  ) return new KeyRebuildError(name, "damaged", { cause: error });
  return error;
}

const KEY_BYTES_MAX = 1_024;

/** Refuses what is no key of a document. */
export function assertKey(key: string): void {
  const isKey = typeof key === "string" && key !== "" && key.isWellFormed() &&
    !key.includes("\0") &&
    new TextEncoder().encode(key).length <= KEY_BYTES_MAX;
  if (isKey) return;
  throw new RangeError(
    "Cannot rebuild documents as a key must be a well-formed text of 1 to " +
      `${KEY_BYTES_MAX} bytes without U+0000`,
  );
}
