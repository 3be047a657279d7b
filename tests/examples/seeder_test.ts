import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { AppendConditionError, type EventInput } from "@opossum/deno";
import { MemoryEventStore } from "@opossum/deno/testing";
import type { CourseManagementEvent } from "../../examples/course_management/events.ts";
import {
  generateEvents,
  seedStore,
  StoreNotEmptyError,
} from "../../examples/course_management/seeder.ts";
import {
  COURSE_LIMITS,
  type Tier,
} from "../../examples/course_management/tiers.ts";

const UUID =
  /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function generate(events: number, seed?: number) {
  return [
    ...generateEvents({ events, ...(seed === undefined ? {} : { seed }) }),
  ];
}

/** Fails at the first event that breaks a guarantee of the data set or a rule of the commands. */
function assertObeysTheRules(
  log: readonly EventInput<CourseManagementEvent>[],
) {
  const ids = new Set<string>();
  const emails = new Set<string>();
  const students = new Map<string, { tier: Tier; courses: Set<string> }>();
  const courses = new Map<string, { seats: number; taken: number }>();
  let before = "";
  for (const { type, id, timestamp, tags, data } of log) {
    assert(id !== undefined && UUID.test(id) && !ids.has(id), `id ${id}`);
    ids.add(id);
    assert(timestamp !== undefined && timestamp > before, "timestamps rise");
    before = timestamp;
    const studentId = "studentId" in data ? data.studentId : undefined;
    const courseId = "courseId" in data ? data.courseId : undefined;
    assertEquals(tags, [
      ...studentId === undefined ? [] : [`studentId:${studentId}`],
      ...courseId === undefined ? [] : [`courseId:${courseId}`],
    ]);
    const student = students.get(studentId ?? "");
    const course = courses.get(courseId ?? "");
    switch (type) {
      case "StudentRegistered":
        assert(!student && UUID.test(data.studentId), "a new student");
        assert(!emails.has(data.email), "a new address");
        emails.add(data.email);
        students.set(data.studentId, { tier: "Basic", courses: new Set() });
        break;
      case "StudentSubscriptionUpdated":
        assert(student && COURSE_LIMITS[data.tier] >= student.courses.size);
        assertNotEquals(student.tier, data.tier);
        student.tier = data.tier;
        break;
      case "CourseCreated":
        assert(!course && UUID.test(data.courseId), "a new course");
        courses.set(data.courseId, { seats: data.maxStudents, taken: 0 });
        break;
      case "CourseStudentLimitModified":
        assert(course && data.maxStudents >= Math.max(course.taken, 1));
        assertNotEquals(course.seats, data.maxStudents);
        course.seats = data.maxStudents;
        break;
      case "StudentEnrolledToCourse":
        assert(student && course, "both known");
        assert(!student.courses.has(data.courseId), "a new pair");
        student.courses.add(data.courseId);
        course.taken += 1;
        assert(student.courses.size <= COURSE_LIMITS[student.tier], "tier");
        assert(course.taken <= course.seats, "seats");
        break;
    }
  }
}

Deno.test("generateEvents() obeys every guarantee and rule, at any number of events and seed", () => {
  for (let events = 1; events <= 60; events++) {
    const log = generate(events, events);
    assertEquals(log.length, events);
    assertObeysTheRules(log);
  }
  assertObeysTheRules(generate(20_000, 0));
  assertObeysTheRules(generate(3_000, 0xffff_ffff));
});

Deno.test("generateEvents() keeps the proportions", () => {
  const total = 20_000;
  const counts = Map.groupBy(generate(total), ({ type }) => type);
  const share = (type: string) =>
    (counts.get(type as CourseManagementEvent["type"])?.length ?? 0) / total;
  const around: [string, number, number][] = [
    ["StudentRegistered", 0.09, 0.11],
    ["CourseCreated", 0.018, 0.023],
    ["StudentEnrolledToCourse", 0.8, 0.83],
    ["StudentSubscriptionUpdated", 0.045, 0.055],
    ["CourseStudentLimitModified", 0.009, 0.011],
  ];
  for (const [type, least, most] of around) {
    assertGreater(share(type), least, type);
    assertLess(share(type), most, type);
  }
});

Deno.test("generateEvents() gives the same log for the same seed, and another for another", () => {
  assertEquals(generate(500, 7), generate(500, 7));
  assertEquals(generate(500), generate(500, 1));
  assertNotEquals(generate(500, 7), generate(500, 8));
});

Deno.test("generateEvents() makes up names with letters beyond ASCII and apostrophes", () => {
  const names = generate(2_000).flatMap((event) =>
    event.type === "StudentRegistered"
      ? [event.data.firstName, event.data.lastName]
      : event.type === "CourseCreated"
      ? [event.data.name]
      : []
  ).join("");
  assert(/[^ -~]/.test(names));
  assert(names.includes("'"));
});

Deno.test("generateEvents() refuses numbers out of range", () => {
  const table = [
    { events: 0 },
    { events: 1.5 },
    { events: NaN },
    { events: 100_000_001 },
    { events: 1, seed: -1 },
    { events: 1, seed: 2 ** 32 },
  ];
  for (const options of table) {
    assertThrows(() => generateEvents(options), RangeError, "Cannot seed as");
  }
});

Deno.test("seedStore() appends everything in order, and tells how far it is", async () => {
  const store = new MemoryEventStore();
  const progress: number[] = [];
  const written = await seedStore(store, {
    events: 2_500,
    seed: 3,
    onProgress: (count) => progress.push(count),
  });
  assertEquals(written, 2_500);
  assertEquals(progress, [1_000, 2_000, 2_500]);
  const log = await Array.fromAsync(store.read("all"));
  assertEquals(
    log.map(({ position: _, ...event }) => event),
    generate(2_500, 3) as unknown[] as typeof log,
  );
});

Deno.test("seedStore() refuses a store that holds events", async () => {
  const store = new MemoryEventStore();
  await store.append([{ type: "Something", data: null }]);
  const error = await assertRejects(
    () => seedStore(store, { events: 10 }),
    StoreNotEmptyError,
    "its last position is 1",
  );
  assertEquals(error.head, 1);
  assertEquals(await store.head(), 1);
});

Deno.test("seedStore() stops when somebody else appends meanwhile", async () => {
  const store = new MemoryEventStore();
  const appends: Promise<unknown>[] = [];
  await assertRejects(
    () =>
      seedStore(store, {
        events: 2_000,
        onProgress: () =>
          appends.push(store.append([{ type: "Something", data: null }])),
      }),
    AppendConditionError,
  );
  await Promise.all(appends);
  assertEquals(await store.head(), 1_001);
});

Deno.test("seedStore() stops between two batches when its signal aborts", async () => {
  const store = new MemoryEventStore();
  const controller = new AbortController();
  await assertRejects(
    () =>
      seedStore(store, {
        events: 5_000,
        signal: controller.signal,
        onProgress: () => controller.abort(new Error("Enough")),
      }),
    Error,
    "Enough",
  );
  assertEquals(await store.head(), 1_000);
});
