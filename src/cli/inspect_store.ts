/**
 * Inspects the store that a command works on, without opening it.
 *
 * @module
 */
import { systemClock } from "../events/clock.ts";
import {
  inspectFolder,
  type Inspection,
  type InspectOptions,
} from "../maintenance/inspect_folder.ts";
import { loadProjections } from "../projections/registry.ts";
import { denoFileSystem } from "../storage/deno_file_system.ts";
import { type CommandCall, UsageError } from "./command.ts";
import { bytesShown, stepsShown } from "./folder_progress.ts";
import { looksLikeStore, toModuleUrl } from "./open_store.ts";
import { startProgress } from "./progress.ts";

/** What the commands that inspect a folder are given. */
export interface FolderOptions extends Omit<InspectOptions, "deep"> {
  /** Whether the folder, or a new store, may be on a network file system. */
  readonly allowNetworkFileSystem: boolean;
}

/**
 * Does something with the folder that `--data` names and the definitions that `--projections`
 * names.
 *
 * @param call The call of the command.
 * @param action What to do; `scratch` is there while it lasts.
 * @returns What the action returned.
 * @throws {UsageError} If the folder holds no store.
 */
export async function withFolder<T>(
  { options, io }: CommandCall,
  action: (options: FolderOptions) => Promise<T>,
): Promise<T> {
  const { data, projections } = options;
  if (!data) throw new UsageError("Option '--data' is missing");
  if (!await looksLikeStore(data)) {
    throw new UsageError(
      `Cannot find a store in "${data}": it has neither "store.json" nor "events"`,
    );
  }
  const definitions = projections === undefined
    ? []
    : await loadProjections(toModuleUrl(projections));
  const scratch = await Deno.makeTempDir({ prefix: "opossum_" });
  try {
    return await action({
      fileSystem: denoFileSystem,
      path: data,
      clock: systemClock,
      definitions,
      scratch,
      signal: io.signal,
      allowNetworkFileSystem: options["allow-network-file-system"] ?? false,
    });
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

/**
 * Inspects the folder.
 *
 * @param call The call of the command.
 * @param options `deep`: also what is derived from the log.
 * @returns What was found.
 */
export async function inspectStore(
  call: CommandCall,
  { deep }: { readonly deep: boolean },
): Promise<Inspection> {
  return await withFolder(call, async (options) => {
    using progress = startProgress(call.io, "bytes");
    const onRun = bytesShown(progress, options, "Verifying");
    const onStep = stepsShown(progress);
    return await inspectFolder({ ...options, deep, onRun, onStep });
  });
}
