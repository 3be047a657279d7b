/**
 * Folding the log anew for some documents only, aside from the generation that serves.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { EventStore } from "../events/event_store.ts";
import type { ProjectionWatch } from "../projections/code_watch.ts";
import type {
  Checkpoint,
  ProjectionDefinition,
} from "../projections/definition.ts";
import { DefinitionCode } from "../projections/definition_code.ts";
import { ProjectionApplyError } from "../projections/errors.ts";
import { eventTypesOf } from "../projections/event_types.ts";
import { Fold } from "../projections/fold.ts";
import { freezeEvents } from "../projections/freeze_events.ts";
import type { Generation } from "../projections/projection_store.ts";

/** Memory for documents, and for related events, in bytes, each. */
const HELD_BYTES_MAX = 33_554_432;

/** What to fold. */
export interface KeyFoldOptions {
  readonly definition: ProjectionDefinition;
  /** Whether a document is wanted; asked for each event that changes it, in order of position. */
  readonly wants: (key: string) => boolean;
  /** Where it goes. */
  readonly generation: Generation;
  readonly events: EventStore;
  /** Events a batch. */
  readonly batchSize: number;
  /** Stops it by throwing its reason. */
  readonly signal: AbortSignal;
  readonly watch: ProjectionWatch | undefined;
}

/** A fold of some documents. */
export class KeyFold {
  readonly #options: KeyFoldOptions;
  readonly #fold: Fold;

  /** @param options What to fold. */
  constructor(options: KeyFoldOptions) {
    this.#options = options;
    this.#fold = new Fold(
      onlyKeys(options.definition, options.wants),
      options.generation,
      {
        checkpoint: 0,
        relatedBytesMax: HELD_BYTES_MAX,
        watch: options.watch,
      },
    );
  }

  /** Position up to which the log is folded. */
  get checkpoint(): Checkpoint {
    return this.#fold.checkpoint;
  }

  /**
   * Folds on.
   *
   * @param upTo Up to this position.
   * @param afterBatch Called with the number of events that were gone through in each batch; what
   * it throws ends the work.
   * @throws {ProjectionApplyError} If the definition's code fails where it must not.
   */
  async feed(
    upTo: Position,
    afterBatch: (eventsScanned: number) => Promise<void> | void = () => {},
  ): Promise<void> {
    const { events, definition, batchSize, signal } = this.#options;
    if (upTo <= this.checkpoint) return;
    const query = { items: [{ types: [...eventTypesOf([definition])] }] };
    const range = { after: this.checkpoint, upTo, batchSize, signal };
    for await (const batch of events.readBatches(query, range)) {
      signal.throwIfAborted();
      const before = this.checkpoint;
      freezeEvents(batch.events);
      await this.#fold.apply(batch);
      if (this.#fold.heldBytes > HELD_BYTES_MAX) {
        await this.#fold.flush();
        this.#fold.shed(HELD_BYTES_MAX / 2);
      }
      await afterBatch(this.checkpoint - before);
    }
  }

  /** Writes everything, so that it can be read from the generation. */
  async flush(): Promise<void> {
    await this.#fold.flush();
  }
}

/** A definition that changes some documents only, and is the same for these. */
function onlyKeys(
  definition: ProjectionDefinition,
  wants: (key: string) => boolean,
): ProjectionDefinition {
  const code = new DefinitionCode(definition, {
    attempts: 1,
    watch: undefined,
  });
  const { name, version, eventTypes, related, errorPolicy, deadLettersMax } =
    definition;
  return {
    name,
    version,
    eventTypes,
    key(event) {
      try {
        // All of them are checked: an event with one that is malformed changes no document.
        return code.keys(event).filter(wants);
      } catch (error) {
        // Told as if there were no code in between.
        throw error instanceof ProjectionApplyError ? error.cause : error;
      }
    },
    apply: (state, event, context) => definition.apply(state, event, context),
    ...definition.tags === undefined
      ? {}
      : { tags: (state, key) => definition.tags?.(state, key) ?? [] },
    ...related === undefined ? {} : { related },
    ...errorPolicy === undefined ? {} : { errorPolicy },
    ...deadLettersMax === undefined ? {} : { deadLettersMax },
  };
}
