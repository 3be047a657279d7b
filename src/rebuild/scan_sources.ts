/**
 * What a scan in the serving thread reads.
 *
 * @module
 */
import type {
  EventStore,
  ReadBatchesOptions,
  UnparsedBatch,
} from "../events/event_store.ts";
import { toUnparsed } from "../events/parsed_event.ts";

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
