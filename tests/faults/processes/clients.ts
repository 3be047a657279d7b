/**
 * What is asked of the processes: claims of seats, counters, and enrolments with a decision model
 * of two parts, all of them for few things, so that they collide.
 *
 * @module
 */
import type { AppendCondition, Query } from "../../../mod.ts";
import type { SeededRandom } from "../../../examples/course_management/seeding/random.ts";
import type { AppenderProcess } from "./appender_process.ts";
import type { NewEvent } from "./commands.ts";
import { KilledError } from "./line_process.ts";

const COUNTERS = 3;
const COURSES = 5;
const STUDENTS = 8;
/** Claims are made for a seat of the last or next few. */
const SEATS = 6;

/** What all clients know. */
export class World {
  readonly random: SeededRandom;
  /** About how many seats are claimed. */
  seats = 0;

  /** @param random Decides who asks for what. */
  constructor(random: SeededRandom) {
    this.random = random;
  }

  /** An event with an id of its own. */
  event(type: string, ...tags: string[]): NewEvent {
    return { id: crypto.randomUUID(), type, tags };
  }
}

/**
 * Has a process do one thing, which may take several commands. One that is killed meanwhile does
 * not finish it.
 *
 * @param process Who.
 * @param world What is known.
 */
export async function act(
  process: AppenderProcess,
  world: World,
): Promise<void> {
  const { random } = world;
  const deed = random.pick([claim, count, enrol, enrol, look, write]);
  try {
    await deed(process, world);
  } catch (error) {
    if (!(error instanceof KilledError)) throw error;
  }
}

type Deed = (process: AppenderProcess, world: World) => Promise<void>;

/** A seat is claimed once, whichever part of the log the claim is in. */
const claim: Deed = async (process, world) => {
  const seat = Math.max(1, world.seats + world.random.integer(-SEATS, 2));
  const tag = `seat:${seat}`;
  world.seats = Math.max(world.seats, seat);
  await process.call({
    do: "append",
    events: [world.event("Claimed", tag)],
    condition: { failIfEventsMatch: tagged(tag) },
  });
};

/** Nobody else counted since this one read. */
const count: Deed = async (process, world) => {
  const tag = `counter:${world.random.integer(1, COUNTERS)}`;
  await decide(process, tagged(tag), [world.event("Counted", tag)]);
};

/** Nobody else took a place in the course, nor enrolled the student, since this one read. */
const enrol: Deed = async (process, world) => {
  const course = `course:${world.random.integer(1, COURSES)}`;
  const student = `student:${world.random.integer(1, STUDENTS)}`;
  const query = {
    items: [
      { types: ["Enrolled", "Left"], tags: [course] },
      { types: ["Enrolled"], tags: [student] },
    ],
  };
  const type = world.random.pick(["Enrolled", "Left"]);
  await decide(process, query, [world.event(type, course, student)]);
};

/** The whole log, some of it, or where it ends. */
const look: Deed = async (process, world) => {
  const tag = `course:${world.random.integer(1, COURSES)}`;
  const query = world.random.pick<Query>(["all", tagged(tag)]);
  const answer = await process.call({ do: "head" });
  if (answer.is !== "head" || world.random.fraction() < 0.5) return;
  // Not the whole log each time: what is new is at its end.
  const after = Math.max(0, answer.head - world.random.integer(0, 50));
  await process.call({ do: "read", query, after });
};

/** Events that must stay together. */
const write: Deed = async (process, world) => {
  const events = Array.from(
    { length: world.random.integer(1, 4) },
    () => world.event("Written", "batch"),
  );
  await process.call({ do: "append", events });
};

async function decide(
  process: AppenderProcess,
  failIfEventsMatch: Query,
  events: readonly NewEvent[],
): Promise<void> {
  const start = await process.call({ do: "head" });
  if (start.is !== "head") return;
  const after = Math.max(0, start.head - 40);
  const read = await process.call({
    do: "read",
    query: failIfEventsMatch,
    after,
  });
  if (read.is !== "events") return;
  const seen = read.events.at(-1)?.[0] ?? after;
  const condition: AppendCondition = { failIfEventsMatch, after: seen };
  await process.call({ do: "append", events, condition });
}

function tagged(tag: string): Query {
  return { items: [{ tags: [tag] }] };
}
