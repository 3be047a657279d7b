/**
 * Opens the store that a command works on.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { openOpossum, type Opossum } from "../opossum.ts";
import type { OpossumOptions } from "../options.ts";
import { commandLogger } from "./command_logger.ts";
import { type CommandCall, UsageError } from "./command.ts";

/** How to open the store. */
export interface OpenStoreOptions {
  /** Whether to create a store where there is none. @default {false} */
  readonly create?: boolean;
  /** Whether to load the projections. @default {false} */
  readonly projections?: boolean;
  /** Further options of `openOpossum()`. @default {none} */
  readonly opossum?: Pick<OpossumOptions, "maxConcurrentRebuilds">;
}

/**
 * Opens the store in the folder that `--data` names. Nothing runs in it by itself: no daemon, no
 * rebuilds.
 *
 * @param call The call of the command.
 * @param options How to open it.
 * @returns The store.
 * @throws {UsageError} If there is none and it must not be created: a misspelt path would otherwise
 * look like an empty store.
 */
export async function openStore(
  { options: given, io }: CommandCall,
  options: OpenStoreOptions = {},
): Promise<Opossum> {
  const { data, projections } = given;
  if (!data) throw new UsageError("Option '--data' is missing");
  if (!options.create && !await looksLikeStore(data)) {
    throw new UsageError(
      `Cannot find a store in "${data}": it has neither "store.json" nor "events"`,
    );
  }
  return await openOpossum({
    path: data,
    startDaemon: false,
    enableAutoRebuild: false,
    allowNetworkFileSystem: given["allow-network-file-system"] ?? false,
    readOnly: given["read-only"] === true,
    logger: commandLogger({ options: given, io }),
    ...options.projections && projections !== undefined
      ? { projections: toModuleUrl(projections) }
      : {},
    ...options.opossum,
  });
}

/**
 * The URL of a module that was given as a path or a URL.
 *
 * @param module The path or URL.
 * @returns The URL.
 */
export function toModuleUrl(module: string): string {
  // One letter before the colon is a drive of Windows.
  return /^[a-z][a-z0-9+.-]+:/i.test(module)
    ? module
    : pathToFileURL(resolve(module)).href;
}

/** Also a store that lost half of its files is one: it is for opening it to say what is wrong. */
export async function looksLikeStore(path: string): Promise<boolean> {
  const parts = [join(path, "store.json"), join(path, "events")];
  const found = await Promise.all(parts.map(exists));
  return found.some((isThere) => isThere);
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
