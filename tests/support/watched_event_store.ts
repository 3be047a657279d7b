/**
 * A log in memory that lets a test step in while it is read.
 *
 * @module
 */
import type {
  DomainEvent,
  EventBatch,
  Query,
  ReadBatchesOptions,
} from "../../mod.ts";
import { MemoryEventStore } from "../../src/testing/mod.ts";

/** A log that tells of each batch before it hands it out. */
export class WatchedEventStore extends MemoryEventStore {
  /** Called with each batch. */
  onBatch: (batch: EventBatch) => void | Promise<void> = () => {};

  /** Reads as any store does. */
  override async *readBatches<E extends DomainEvent = DomainEvent>(
    query: Query,
    options?: ReadBatchesOptions,
  ): AsyncIterable<EventBatch<E>> {
    for await (const batch of super.readBatches<E>(query, options)) {
      await this.onBatch(batch);
      yield batch;
    }
  }
}
