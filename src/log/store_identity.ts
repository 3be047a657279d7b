/**
 * `store.json`: what makes a folder a store, and which one.
 *
 * @module
 */
import { atomicReplace, readTextIfExists } from "../storage/atomic_replace.ts";
import type { FileSystem } from "../storage/file_system.ts";
import { StoreFormatError } from "./errors.ts";
import { FORMAT_VERSION, parseSegmentName } from "./format.ts";

/** What `store.json` says. */
export interface StoreIdentity {
  /** Version of the layout of the folder. */
  readonly formatVersion: number;
  /** Tells the store from every other one; stands in every segment. */
  readonly storeId: string;
  /** When it was created, ISO 8601. */
  readonly createdAt: string;
}

/** Name of the file in the data folder. */
const STORE_FILE = "store.json";

/**
 * Reads the identity of the store, giving it one when the folder holds no store yet. Call it with
 * the store's lock held: two processes must not both create it.
 *
 * @param fileSystem Where.
 * @param path The data folder.
 * @param now The present time.
 * @returns The identity.
 * @throws {StoreFormatError} If the folder holds events without `store.json`, or the file is
 * damaged or of a newer version.
 */
export async function openIdentity(
  fileSystem: FileSystem,
  path: string,
  now: Date,
): Promise<StoreIdentity> {
  const file = `${path}/${STORE_FILE}`;
  const found = readIdentity(fileSystem, path);
  if (found) return found;
  const segments = fileSystem.list(`${path}/events`).filter((name) =>
    parseSegmentName(name) !== undefined
  );
  if (segments.length > 0) {
    throw new StoreFormatError(
      path,
      `"events" holds ${segments.length} segments but "${STORE_FILE}" is missing, ` +
        "restore it from a backup",
    );
  }
  const identity: StoreIdentity = {
    formatVersion: FORMAT_VERSION,
    storeId: crypto.randomUUID(),
    createdAt: now.toISOString(),
  };
  await atomicReplace(fileSystem, file, `${JSON.stringify(identity)}\n`);
  return identity;
}

/**
 * Reads the identity of the store.
 *
 * @param fileSystem Where.
 * @param path The data folder.
 * @returns The identity; `undefined` when there is none.
 * @throws {StoreFormatError} If the file is damaged or of a newer version.
 */
export function readIdentity(
  fileSystem: FileSystem,
  path: string,
): StoreIdentity | undefined {
  const file = `${path}/${STORE_FILE}`;
  const text = readText(fileSystem, file);
  return text === undefined ? undefined : parseIdentity(file, text);
}

function readText(fileSystem: FileSystem, file: string): string | undefined {
  try {
    return readTextIfExists(fileSystem, file);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw damaged(file, cause);
  }
}

function parseIdentity(file: string, text: string): StoreIdentity {
  let value: Partial<StoreIdentity> | null;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw damaged(file, cause);
  }
  const { formatVersion, storeId, createdAt } = value ?? {};
  if (
    !Number.isSafeInteger(formatVersion) || formatVersion === undefined ||
    formatVersion < 1 || typeof storeId !== "string" || storeId === "" ||
    typeof createdAt !== "string"
  ) {
    throw damaged(file);
  }
  if (formatVersion > FORMAT_VERSION) {
    throw new StoreFormatError(
      file,
      `it was written by a newer version, use that one: format version ${formatVersion}, ` +
        `newest known ${FORMAT_VERSION}`,
    );
  }
  return { formatVersion, storeId, createdAt };
}

function damaged(file: string, cause?: unknown): StoreFormatError {
  return new StoreFormatError(
    file,
    "it is damaged, restore it from a backup",
    cause === undefined ? {} : { cause },
  );
}
