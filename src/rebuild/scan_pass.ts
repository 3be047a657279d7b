/**
 * One pass over the log that feeds a group of projections under construction: the part of a
 * rebuild that runs alike in the serving thread and in workers.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { UnparsedBatch } from "../events/event_store.ts";
import type { ProjectionWatch } from "../projections/code_watch.ts";
import type { ProjectionDefinition } from "../projections/definition.ts";
import { eventTypesOf } from "../projections/event_types.ts";
import type { EventSpill } from "../projections/event_spill.ts";
import { Fold } from "../projections/fold.ts";
import { GroupFold, type GroupMember } from "../projections/group_fold.ts";
import type { Generation } from "../projections/projection_store.ts";

/** How a pass goes about it; the same for everyone, plain data. */
export interface PassSettings {
  /** Where the pass ends: the last durable position. */
  readonly upTo: Position;
  /** Events a batch. */
  readonly batchSize: number;
  /** Memory for the documents and related events of the group, in bytes. */
  readonly memoryBytesMax: number;
  /** How often what is folded is stored, in milliseconds. */
  readonly checkpointInterval: number;
}

/** The share of the memory that related events may take. Those beyond it are looked up on disk. */
const RELATED_SHARE = 7 / 8;

/** A projection to feed. */
export interface PassMember {
  /** Its definition. */
  readonly definition: ProjectionDefinition;
  /** What it is built into. */
  readonly generation: Generation;
  /** Position up to which the generation has applied the log. */
  readonly checkpoint: Position;
  /** Whether it still takes part. */
  readonly isRunning: boolean;
  /** Told when its code runs. @default {nobody} */
  readonly watch?: ProjectionWatch | undefined;
  /** Throws when it is to stop. */
  throwIfStopped(): void;
  /** Told how far it is. */
  advance(progress: PassProgress): void;
  /** Ends its part: its code failed, or it is to stop. Must not throw. */
  fail(error: unknown): Promise<void>;
  /** Told how long it took to store what was folded. @default {nobody asks} */
  readonly flushed?: ((flush: FlushTiming) => void) | undefined;
}

/** What was folded is stored. */
export interface FlushTiming {
  /**
   * When that began and ended, in milliseconds since 1970: what threads have in common. It lasted
   * exactly as long.
   */
  readonly startMs: number;
  readonly endMs: number;
  /** Position up to which it is stored. */
  readonly position: Position;
  /** Events applied, in this pass. */
  readonly eventsApplied: number;
}

/** How far a projection is in a pass. */
export interface PassProgress {
  /** Position up to which the log was read. */
  readonly position: Position;
  /** Events applied, in this pass. */
  readonly eventsApplied: number;
  /** Bytes of the events read, in this pass, about: of all that anybody in it wants. */
  readonly bytesRead: number;
  /** Position up to which the work is done, about: what was put aside counts in part. */
  readonly worked: Position;
}

/** What a pass needs. */
export interface PassOptions extends PassSettings {
  /** Who takes part; at most `GROUP_SIZE_MAX`. */
  readonly members: readonly PassMember[];
  /** Reads the log: events of those types after a position, up to `upTo`. */
  readonly read: (
    types: ReadonlySet<string>,
    after: Position,
  ) => AsyncIterable<UnparsedBatch>;
  /** Whether to guess keys from the texts of events, to spare parsing. */
  readonly guessKeys: boolean;
  /** Makes the temporary file for events that are put aside. */
  readonly openSpill: () => EventSpill;
  /** Measures time, in milliseconds. */
  readonly monotonicMs: () => number;
  /**
   * Lets others run, and waits while the pass is paused or goes too fast.
   *
   * @param eventsRead How many events of the log were read since the last time.
   */
  readonly breathe: (eventsRead: number) => Promise<void>;
}

/**
 * Feeds the log to the members, and stores what came of it.
 *
 * @param options What it needs.
 * @throws Whatever reading the log throws; what a member's own code throws only ends that member.
 */
export async function scanPass(options: PassOptions): Promise<void> {
  const { members, upTo, memoryBytesMax, breathe } = options;
  // Documents beyond a few megabytes are folded part by part: they need little of it.
  const lookingBack = members.filter(({ definition }) => definition.related);
  const relatedBytesMax = Math.floor(
    memoryBytesMax * RELATED_SHARE / Math.max(lookingBack.length, 1),
  );
  const types = eventTypesOf(members.map(({ definition }) => definition));
  const after = Math.min(...members.map(({ checkpoint }) => checkpoint));
  if (after >= upTo) return;
  const read = { bytes: 0 };
  using group = new GroupFold({
    ...options,
    after,
    breathe: () => breathe(0),
    members: members.map((member) =>
      toGroupMember(member, relatedBytesMax, read)
    ),
  });
  const isOver = () => members.every(({ isRunning }) => !isRunning);
  let through = after;
  for await (const batch of options.read(types, after)) {
    await breathe(batch.through - through);
    through = batch.through;
    read.bytes += batch.bytes;
    if (isOver()) return;
    await group.apply(batch);
  }
  if (!isOver()) await group.finish();
}

function toGroupMember(
  member: PassMember,
  relatedBytesMax: number,
  read: { readonly bytes: number },
): GroupMember {
  const { definition, generation, checkpoint } = member;
  const fold = new Fold(definition, generation, {
    checkpoint,
    relatedBytesMax,
    watch: member.watch,
    throwIfStopped: () => member.throwIfStopped(),
  });
  return {
    fold,
    get isRunning() {
      return member.isRunning;
    },
    fail: (error) => member.fail(error),
    progress: (worked) => {
      const { checkpoint: position, eventsApplied } = fold;
      const { bytes: bytesRead } = read;
      member.advance({ position, eventsApplied, bytesRead, worked });
    },
    flushing: member.flushed && (() => {
      const startMs = Date.now();
      const beganMs = performance.now();
      return () => {
        const { checkpoint: position, eventsApplied } = fold;
        const endMs = startMs + performance.now() - beganMs;
        member.flushed?.({ startMs, endMs, position, eventsApplied });
      };
    }),
  };
}
