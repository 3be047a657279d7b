/**
 * Opens the events of a folder, to be read only: nothing in it is changed, and others may append.
 *
 * @module
 */
import type { Query } from "../events/query.ts";
import {
  type FileEventStore,
  openFileEventStore,
} from "../log/file_event_store.ts";
import { commandLogger } from "./command_logger.ts";
import { type CommandCall, type OptionValues, UsageError } from "./command.ts";
import { looksLikeStore } from "./open_store.ts";

/**
 * Opens the events in the folder that `--data` names.
 *
 * @param call The call of the command.
 * @returns The events.
 * @throws {UsageError} If there is no store.
 */
export async function openEvents(
  { options, io }: CommandCall,
): Promise<FileEventStore> {
  const { data = "" } = options;
  if (!await looksLikeStore(data)) {
    throw new UsageError(
      `Cannot find a store in "${data}": it has neither "store.json" nor "events"`,
    );
  }
  return await openFileEventStore({
    path: data,
    readOnly: true,
    allowNetworkFileSystem: options["allow-network-file-system"] ?? false,
    logger: commandLogger({ options, io }),
  });
}

/**
 * The query that `--type` and `--tag` ask for.
 *
 * @param options The options.
 * @returns Events of any of the types, with all of the tags.
 */
export function queryOf({ type = [], tag = [] }: OptionValues): Query {
  return type.length === 0 && tag.length === 0
    ? "all"
    : { items: [{ types: type, tags: tag }] };
}
