/**
 * Comparing a build with the generation that serves, at the same position, while live updates go
 * on.
 *
 * Both are at one position for a moment only: with the projection's live lock held, the build is
 * brought exactly to where the serving generation is, and a snapshot of each is begun. Then the
 * lock is let go, and the snapshots are read at leisure.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import {
  ProjectionDamagedError,
  ProjectionNotBuiltError,
} from "../projections/errors.ts";
import type {
  ProjectionStore,
  StoredDocument,
} from "../projections/projection_store.ts";
import type { ScannedBuild } from "./catch_up.ts";
import { compareDocuments } from "./compare_documents.ts";
import type { RebuildComparison } from "./operation.ts";

/** What it is made of. */
export interface VerificationOptions {
  readonly store: ProjectionStore;
  /** Brings a build up to a position, as fast as rebuilds may go. */
  readonly approach: (upTo: Position) => Promise<void>;
  /** Brings it there at once: for the last few events, with the live lock held. */
  readonly advance: (upTo: Position) => Promise<void>;
}

/** Where a generation serves. */
export interface Serving {
  /** Its number. */
  readonly generation: number;
  /** Position up to which it has applied the log. */
  readonly checkpoint: Position;
}

/**
 * Which generation serves a projection, and how far it is.
 *
 * @param store Where.
 * @param name The projection.
 * @returns `undefined` if none does.
 */
export async function servingOf(
  store: ProjectionStore,
  name: string,
): Promise<Serving | undefined> {
  try {
    return await store.withCurrent(name, async (current) => {
      const { checkpoint } = await current.status();
      return { generation: current.number, checkpoint };
    });
  } catch (error) {
    const isUseless = error instanceof ProjectionNotBuiltError ||
      error instanceof ProjectionDamagedError;
    if (isUseless) return undefined;
    throw error;
  }
}

/**
 * Compares a build with what serves.
 *
 * @param member The build.
 * @param options What it is made of.
 * @returns What differs; `null` when there is nothing to compare with, or that is damaged.
 */
export async function verifyBuild(
  member: ScannedBuild,
  options: VerificationOptions,
): Promise<RebuildComparison | null> {
  const { task, build } = member;
  // Not under the lock, since it takes long for many documents.
  build.prepare();
  const pair = await beginSnapshots(member, options);
  if (pair === undefined) return null;
  const { serving: { generation, checkpoint }, before, after } = pair;
  try {
    const found = await compareDocuments(before, after, task.signal);
    return Object.freeze({ checkpoint, generation, ...found });
  } catch (error) {
    // What serves is damaged: that must not keep its successor from serving.
    if (error instanceof ProjectionDamagedError && before.hasFailed) {
      return null;
    }
    throw error;
  } finally {
    await before.return();
    await after.return();
  }
}

interface SnapshotPair {
  readonly serving: Serving;
  readonly before: BegunSnapshot;
  readonly after: BegunSnapshot;
}

async function beginSnapshots(
  { task, build }: ScannedBuild,
  { store, approach, advance }: VerificationOptions,
): Promise<SnapshotPair | undefined> {
  const name = task.projectionName;
  const near = await servingOf(store, name);
  if (near === undefined) return undefined;
  await approach(near.checkpoint);
  using _lock = await store.lockLive(name, task.signal);
  const serving = await servingOf(store, name);
  if (serving === undefined) return undefined;
  await advance(serving.checkpoint);
  const { checkpoint } = await build.generation.status();
  // It went back, as what was put there by hand does, or is ahead of the log.
  if (checkpoint !== serving.checkpoint) return undefined;
  const before = new BegunSnapshot(store.snapshot(name));
  const after = new BegunSnapshot(build.snapshot());
  await before.begin();
  await after.begin();
  return { serving, before, after };
}

/** A snapshot whose first document was pulled already: it stands for that moment. */
class BegunSnapshot implements AsyncIterator<StoredDocument> {
  readonly #documents: AsyncIterator<StoredDocument>;
  #first: Promise<IteratorResult<StoredDocument>> | undefined;
  /** Whether reading it failed. */
  hasFailed = false;

  constructor(documents: AsyncIterable<StoredDocument>) {
    this.#documents = documents[Symbol.asyncIterator]();
  }

  async begin(): Promise<void> {
    this.#first = this.#documents.next();
    // Told by the first pull.
    await this.#first.catch(() => {});
  }

  async next(): Promise<IteratorResult<StoredDocument>> {
    const first = this.#first;
    this.#first = undefined;
    try {
      return await (first ?? this.#documents.next());
    } catch (error) {
      this.hasFailed = true;
      throw error;
    }
  }

  async return(): Promise<IteratorResult<StoredDocument>> {
    await this.#documents.return?.();
    return { done: true, value: undefined };
  }
}
