/**
 * The seeder: a course catalogue with its students, made up from a seed. The same number of events
 * and the same seed give the same log, ids and timestamps included.
 *
 * About 10 % of the events register students, 2 % create courses, 82 % are enrolments, 5 % change
 * a subscription and 1 % a course's limit. Small data sets hold fewer enrolments, since nobody
 * enrols twice in a course.
 *
 * @module
 */
import type { EventInput, EventStore, Position } from "@opossum/deno";
import type { CourseManagementEvent } from "./events.ts";
import { Campus } from "./seeding/campus.ts";
import { SeededRandom, seededUuid } from "./seeding/random.ts";

const EVENT = 0;
const BATCH_SIZE = 1_000;
/** The greatest seed. */
export const SEED_MAX = 0xffff_ffff;
/** The greatest number of events. */
export const EVENTS_MAX = 100_000_000;
const FIRST_TIMESTAMP_MS = Date.UTC(2025, 0, 6, 8);
const TIMESTAMP_STEP_MS_MAX = 30_000;

/** What to make up. */
export interface SeedOptions {
  /** How many events, an integer from 1 to 100,000,000. */
  readonly events: number;
  /** Which data set, an integer from 0 to 4,294,967,295. @default {1} */
  readonly seed?: number;
}

/** How to write it. */
export interface SeedStoreOptions extends SeedOptions {
  /** Called after each batch with the number of events written so far. */
  readonly onProgress?: (written: number) => void;
  /** Stops between two batches by throwing the signal's reason; what is written stays. */
  readonly signal?: AbortSignal;
}

/** The store to seed holds events already. Choose an empty folder. */
export class StoreNotEmptyError extends Error {
  override readonly name = "StoreNotEmptyError";

  /** @param head Position of the store's last event. */
  constructor(readonly head: Position) {
    super(
      `Cannot seed a store that holds events already: its last position is ${head}. ` +
        "Choose an empty folder",
    );
  }
}

/**
 * Makes up events.
 *
 * @param options How many, and which.
 * @returns The events in order, each with its id and timestamp.
 * @throws {RangeError} If an option is out of range.
 */
export function generateEvents(
  options: SeedOptions,
): Iterable<EventInput<CourseManagementEvent>> {
  const { events, seed = 1 } = options;
  assertInteger("events", events, 1, EVENTS_MAX);
  assertInteger("seed", seed, 0, SEED_MAX);
  return generate(events, seed);
}

function* generate(
  count: number,
  seed: number,
): Generator<EventInput<CourseManagementEvent>> {
  const random = new SeededRandom(seed);
  const campus = new Campus(seed, random);
  const kinds = plan(count, campus);
  let timestampMs = FIRST_TIMESTAMP_MS;
  for (let index = 0; index < count; index++) {
    const kind = drawKind(kinds, random);
    kind.left -= 1;
    const event = kind.make() ?? campus.makeRoom();
    timestampMs += random.integer(1, TIMESTAMP_STEP_MS_MAX);
    yield {
      ...event,
      id: seededUuid(seed, EVENT, index),
      timestamp: new Date(timestampMs).toISOString(),
    };
  }
}

/** One kind of event, and how many of it are still to come. */
interface Kind {
  left: number;
  readonly make: () => EventInput<CourseManagementEvent> | undefined;
}

function plan(count: number, campus: Campus): Kind[] {
  const kinds: Kind[] = [
    { left: Math.round(count * 0.1), make: () => campus.register() },
    { left: Math.round(count * 0.02), make: () => campus.createCourse() },
    { left: Math.round(count * 0.05), make: () => campus.changeTier() },
    { left: Math.round(count * 0.01), make: () => campus.changeLimit() },
  ];
  const planned = kinds.reduce((sum, kind) => sum + kind.left, 0);
  kinds.push({ left: count - planned, make: () => campus.enrol() });
  return kinds;
}

/** Draws as from a bag that holds every event still to come. */
function drawKind(kinds: readonly Kind[], random: SeededRandom): Kind {
  const left = kinds.reduce((sum, kind) => sum + kind.left, 0);
  let ticket = random.integer(1, left);
  for (const kind of kinds) {
    ticket -= kind.left;
    if (ticket <= 0) return kind;
  }
  throw new RangeError(`Cannot draw an event from an empty plan: ${left} left`);
}

/**
 * Makes up events and appends them, 1,000 at a time.
 *
 * @param store An empty store.
 * @param options How many, which, and whom to tell.
 * @returns How many events were written.
 * @throws {StoreNotEmptyError} If the store holds events. Nothing was written.
 * @throws {RangeError} If an option is out of range. Nothing was written.
 * @throws {AppendConditionError} If somebody else appends meanwhile.
 */
export async function seedStore(
  store: EventStore,
  options: SeedStoreOptions,
): Promise<number> {
  const { onProgress, signal } = options;
  const events = generateEvents(options);
  const head = await store.head();
  if (head > 0) throw new StoreNotEmptyError(head);
  let written = 0;
  let batch: EventInput<CourseManagementEvent>[] = [];
  const flush = async () => {
    signal?.throwIfAborted();
    const condition = { failIfEventsMatch: "all", after: written } as const;
    await store.append(batch, { condition });
    written += batch.length;
    batch = [];
    onProgress?.(written);
  };
  for (const event of events) {
    batch.push(event);
    if (batch.length === BATCH_SIZE) await flush();
  }
  if (batch.length > 0) await flush();
  return written;
}

function assertInteger(
  option: string,
  value: number,
  min: number,
  max: number,
): void {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new RangeError(
      `Cannot seed as '${option}' must be an integer from ${min} to ${max}: current value is ${value}`,
    );
  }
}
