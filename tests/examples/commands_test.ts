import { assert, assertEquals, assertRejects } from "@std/assert";
import { MemoryEventStore } from "@opossum/deno/testing";
import { changeCourseLimit } from "../../examples/course_management/commands/change_course_limit.ts";
import { createCourse } from "../../examples/course_management/commands/create_course.ts";
import { enrolStudent } from "../../examples/course_management/commands/enrol_student.ts";
import { registerStudent } from "../../examples/course_management/commands/register_student.ts";
import { updateSubscription } from "../../examples/course_management/commands/update_subscription.ts";
import {
  CommandRefusedError,
  EntityNotFoundError,
  type RefusalReason,
} from "../../examples/course_management/errors.ts";
import { emailTag } from "../../examples/course_management/events.ts";
import {
  COURSE_LIMITS,
  TIERS,
} from "../../examples/course_management/tiers.ts";

function student(studentId: string) {
  return {
    studentId,
    firstName: "Ada",
    lastName: "O'Brien",
    email: `${studentId}@example.edu`,
  };
}

function course(courseId: string, maxStudents = 10) {
  return { courseId, name: "Algebra", description: "", maxStudents };
}

/** A store with the students s1 … and the courses c1 … of 10 seats each. */
async function campus(
  { students = 1, courses = 1 }: { students?: number; courses?: number } = {},
) {
  const store = new MemoryEventStore();
  for (let i = 1; i <= students; i++) {
    await registerStudent(store, student(`s${i}`));
  }
  for (let i = 1; i <= courses; i++) await createCourse(store, course(`c${i}`));
  return store;
}

async function assertRefused(
  reason: RefusalReason,
  command: () => Promise<unknown>,
) {
  const error = await assertRejects(command, CommandRefusedError);
  assertEquals(error.reason, reason);
}

Deno.test("registerStudent() records the registration under the student's and the address's tag", async () => {
  const store = new MemoryEventStore();
  assertEquals(await registerStudent(store, student("s1")), 1);
  const event = await store.readLast("all");
  assertEquals(event?.type, "StudentRegistered");
  assertEquals(event?.data, student("s1"));
  assertEquals(event?.tags, ["studentId:s1", emailTag("s1@example.edu")]);
});

Deno.test("registerStudent() refuses an id or an address that is taken, in any spelling", async () => {
  const store = await campus();
  await assertRefused(
    "student-exists",
    () => registerStudent(store, { ...student("s1"), email: "new@x.edu" }),
  );
  await assertRefused(
    "email-taken",
    () =>
      registerStudent(store, { ...student("s2"), email: "S1@Example.EDU " }),
  );
  assertEquals(await store.head(), 2);
});

Deno.test("registerStudent() refuses an address that only the look-up knows", async () => {
  const store = new MemoryEventStore();
  await assertRefused(
    "email-taken",
    () =>
      registerStudent(store, student("s1"), {
        isEmailKnown: (email) => Promise.resolve(email === "s1@example.edu"),
      }),
  );
  assertEquals(await store.head(), 0);
});

Deno.test("registerStudent() lets one of two racing registrations have the address", async () => {
  const store = new MemoryEventStore();
  const email = "ada@example.edu";
  const outcomes = await Promise.allSettled(
    ["s1", "s2"].map((id) => registerStudent(store, { ...student(id), email })),
  );
  assertEquals(outcomes.map(({ status }) => status), ["fulfilled", "rejected"]);
  assertEquals(await store.head(), 1);
});

Deno.test("createCourse() refuses an id that is taken", async () => {
  const store = await campus({ students: 0 });
  await assertRefused("course-exists", () => createCourse(store, course("c1")));
  assertEquals(await store.head(), 1);
});

Deno.test("changeCourseLimit() records the change, and nothing when there is none", async () => {
  const store = await campus({ students: 0 });
  const change = { courseId: "c1", maxStudents: 20 };
  assertEquals(await changeCourseLimit(store, change), 2);
  assertEquals(await changeCourseLimit(store, change), undefined);
  assertEquals(await store.head(), 2);
});

Deno.test("changeCourseLimit() refuses fewer seats than are taken", async () => {
  const store = await campus({ students: 2 });
  await enrolStudent(store, { studentId: "s1", courseId: "c1" });
  await enrolStudent(store, { studentId: "s2", courseId: "c1" });
  await assertRefused(
    "course-limit-below-enrolment",
    () => changeCourseLimit(store, { courseId: "c1", maxStudents: 1 }),
  );
  assert(await changeCourseLimit(store, { courseId: "c1", maxStudents: 2 }));
});

Deno.test("updateSubscription() refuses a tier below the student's enrolments", async () => {
  const store = await campus({ courses: 3 });
  await updateSubscription(store, { studentId: "s1", tier: "Standard" });
  for (const courseId of ["c1", "c2", "c3"]) {
    await enrolStudent(store, { studentId: "s1", courseId });
  }
  await assertRefused(
    "tier-limit-below-enrolment",
    () => updateSubscription(store, { studentId: "s1", tier: "Basic" }),
  );
  const unchanged = { studentId: "s1", tier: "Standard" } as const;
  assertEquals(await updateSubscription(store, unchanged), undefined);
  assert(await updateSubscription(store, { ...unchanged, tier: "Master" }));
});

Deno.test("commands name the student or course that does not exist", async () => {
  const store = await campus();
  const table: [() => Promise<unknown>, "student" | "course"][] = [
    [
      () => changeCourseLimit(store, { courseId: "c9", maxStudents: 1 }),
      "course",
    ],
    [
      () => updateSubscription(store, { studentId: "s9", tier: "Basic" }),
      "student",
    ],
    [() => enrolStudent(store, { studentId: "s1", courseId: "c9" }), "course"],
    [() => enrolStudent(store, { studentId: "s9", courseId: "c1" }), "student"],
  ];
  for (const [command, entity] of table) {
    const error = await assertRejects(command, EntityNotFoundError);
    assertEquals(error.entity, entity);
  }
  assertEquals(await store.head(), 2);
});

Deno.test("enrolStudent() refuses a second seat in the same course", async () => {
  const store = await campus();
  const command = { studentId: "s1", courseId: "c1" };
  assertEquals(await enrolStudent(store, command), 3);
  await assertRefused("already-enrolled", () => enrolStudent(store, command));
});

Deno.test("enrolStudent() refuses when the course is full, until its limit is raised", async () => {
  const store = await campus({ students: 2 });
  await changeCourseLimit(store, { courseId: "c1", maxStudents: 1 });
  await enrolStudent(store, { studentId: "s1", courseId: "c1" });
  const command = { studentId: "s2", courseId: "c1" };
  await assertRefused("course-full", () => enrolStudent(store, command));
  await changeCourseLimit(store, { courseId: "c1", maxStudents: 2 });
  assert(await enrolStudent(store, command));
});

Deno.test("enrolStudent() allows each tier exactly its number of courses", async () => {
  const store = await campus({ courses: COURSE_LIMITS.Master + 1 });
  let enrolled = 0;
  for (const tier of TIERS) {
    await updateSubscription(store, { studentId: "s1", tier });
    while (enrolled < COURSE_LIMITS[tier]) {
      const courseId = `c${++enrolled}`;
      await enrolStudent(store, { studentId: "s1", courseId });
    }
    await assertRefused(
      "tier-limit-reached",
      () =>
        enrolStudent(store, { studentId: "s1", courseId: `c${enrolled + 1}` }),
    );
  }
});

Deno.test("enrolStudent() gives the last seat to one of all who race for it", async () => {
  const store = await campus({ students: 8 });
  await changeCourseLimit(store, { courseId: "c1", maxStudents: 3 });
  const outcomes = await Promise.allSettled(
    Array.from(
      { length: 8 },
      (_, i) => enrolStudent(store, { studentId: `s${i + 1}`, courseId: "c1" }),
    ),
  );
  const won = outcomes.filter(({ status }) => status === "fulfilled");
  assertEquals(won.length, 3);
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled") continue;
    assert(outcome.reason instanceof CommandRefusedError);
    assertEquals(outcome.reason.reason, "course-full");
  }
});

Deno.test("enrolStudent() gives a student's last place to one of two racing enrolments", async () => {
  const store = await campus({ courses: 3 });
  await enrolStudent(store, { studentId: "s1", courseId: "c1" });
  const outcomes = await Promise.allSettled(
    ["c2", "c3"].map((courseId) =>
      enrolStudent(store, { studentId: "s1", courseId })
    ),
  );
  assertEquals(outcomes.map(({ status }) => status), ["fulfilled", "rejected"]);
});

Deno.test("enrolStudent() gives up when its signal aborts, and records nothing", async () => {
  const store = await campus();
  const signal = AbortSignal.abort(new Error("Enough"));
  await assertRejects(
    () => enrolStudent(store, { studentId: "s1", courseId: "c1" }, { signal }),
    Error,
    "Enough",
  );
  assertEquals(await store.head(), 2);
});
