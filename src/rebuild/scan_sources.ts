/**
 * What a shared scan reads from and writes to.
 *
 * @module
 */
import type {
  EventStore,
  ReadBatchesOptions,
  UnparsedBatch,
} from "../events/event_store.ts";
import { toUnparsed } from "../events/parsed_event.ts";
import type {
  Build,
  GenerationLocation,
} from "../projections/projection_store.ts";

/**
 * Lends several builds at once.
 *
 * @param builds Which.
 * @param action Told where they are, in the same order.
 * @returns What it returns.
 */
export async function lendAll<T>(
  builds: readonly Build[],
  action: (locations: readonly GenerationLocation[]) => Promise<T>,
  locations: readonly GenerationLocation[] = [],
): Promise<T> {
  const [first, ...others] = builds;
  if (!first) return await action(locations);
  return await first.lend((location) =>
    lendAll(others, action, [...locations, location])
  );
}

/**
 * Reads events of some types, parsed by the store, as if they were not.
 *
 * @param events The log.
 * @param types The types.
 * @param range From where to where.
 * @returns The batches.
 */
export async function* readUnparsed(
  events: EventStore,
  types: ReadonlySet<string>,
  range: ReadBatchesOptions,
): AsyncGenerator<UnparsedBatch, void, void> {
  const query = { items: [{ types: [...types] }] };
  for await (const batch of events.readBatches(query, range)) {
    yield toUnparsed(batch);
  }
}
