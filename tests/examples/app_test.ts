import { assertEquals, assertMatch } from "@std/assert";
import { FakeClock } from "@opossum/deno/testing";
import { studentRegistered } from "../../examples/course_management/events.ts";
import { TestApp } from "./test_app.ts";

const STUDENT = "5f0c8e1a-7b1d-4e0f-9a55-3c1d2b7e9f10";
const COURSE = "0d9b1c52-4a8e-4c3b-8f6e-91a7d2c4e6b8";
const UNKNOWN = "00000000-0000-4000-8000-000000000000";

const ADA = {
  studentId: STUDENT,
  firstName: "Ada",
  lastName: "O'Brien",
  email: "ada@example.edu",
};
const ALGEBRA = {
  courseId: COURSE,
  name: "Algèbre",
  description: "Groups",
  maxStudents: 2,
};

Deno.test("POST /students answers 201 with the Location of a student who can be read", async () => {
  await using app = await TestApp.open();
  const { studentId: _, ...person } = ADA;
  const made = await app.send("POST", "/students?wait=true", person);
  assertEquals(made.status, 201);
  const { studentId } = made.body;
  assertMatch(studentId, /^[0-9a-f-]{36}$/);
  assertEquals(made.body, { studentId, position: 1, visible: true });
  assertEquals(made.headers.get("location"), `/students/${studentId}`);
  const read = await app.send("GET", `/students/${studentId}`);
  assertEquals(read.status, 200);
  assertEquals(read.body, {
    ...person,
    studentId,
    tier: "Basic",
    enrolledCourses: 0,
    courses: [],
  });
});

Deno.test("ids are taken in any case and kept in lower case", async () => {
  await using app = await TestApp.open();
  const upper = { ...ADA, studentId: STUDENT.toUpperCase() };
  const made = await app.send("POST", "/students?wait=true", upper);
  assertEquals(made.body.studentId, STUDENT);
  const read = await app.send("GET", `/students/${STUDENT.toUpperCase()}`);
  assertEquals(read.status, 200);
});

Deno.test("the commands change what the queries show", async () => {
  await using app = await TestApp.open();
  const students = `/students/${STUDENT}`;
  const courses = `/courses/${COURSE}`;
  const steps: [string, string, unknown, unknown][] = [
    ["POST", "/students", ADA, { studentId: STUDENT, position: 1 }],
    ["POST", "/courses", ALGEBRA, { courseId: COURSE, position: 2 }],
    ["PATCH", `${courses}/student-limit`, { maxStudents: 7 }, {
      courseId: COURSE,
      maxStudents: 7,
      position: 3,
    }],
    ["PATCH", `${courses}/student-limit`, { maxStudents: 7 }, {
      courseId: COURSE,
      maxStudents: 7,
      position: null,
    }],
    ["PATCH", `${students}/subscription`, { tier: "Master" }, {
      studentId: STUDENT,
      tier: "Master",
      position: 4,
    }],
    ["PATCH", `${students}/subscription`, { tier: "Master" }, {
      studentId: STUDENT,
      tier: "Master",
      position: null,
    }],
    ["POST", `${courses}/enrolments`, { studentId: STUDENT }, {
      courseId: COURSE,
      studentId: STUDENT,
      position: 5,
    }],
  ];
  for (const [method, path, body, expected] of steps) {
    const { status, body: answer } = await app.send(
      method,
      `${path}?wait=true`,
      body,
    );
    assertEquals(status, method === "POST" ? 201 : 200, path);
    assertEquals(answer, { ...expected as object, visible: true });
  }
  assertEquals((await app.send("GET", courses)).body, {
    courseId: COURSE,
    name: "Algèbre",
    maxStudents: 7,
    enrolled: 1,
    students: [ADA],
  });
  assertEquals((await app.send("GET", students)).body, {
    ...ADA,
    tier: "Master",
    enrolledCourses: 1,
    courses: [{ courseId: COURSE, name: "Algèbre" }],
  });
  assertEquals((await app.send("GET", "/courses")).body.items, [
    { courseId: COURSE, name: "Algèbre", maxStudents: 7, enrolled: 1 },
  ]);
  assertEquals((await app.send("GET", "/students")).body, {
    items: [{ ...ADA, tier: "Master", enrolledCourses: 1 }],
    next: null,
    checkpoint: 5,
  });
});

Deno.test("refusals are problem details of their own kind", async () => {
  await using app = await TestApp.open();
  await app.send("POST", "/students", ADA);
  await app.send("POST", "/courses", { ...ALGEBRA, maxStudents: 1 });
  const other = { ...ADA, studentId: UNKNOWN, email: "other@example.edu" };
  const enrolments = `/courses/${COURSE}/enrolments`;
  const table: [string, string, unknown, number, string][] = [
    ["POST", "/students", { ...ADA, email: "x@y.edu" }, 409, "student-exists"],
    ["POST", "/students", { ...other, email: ADA.email }, 409, "email-taken"],
    ["POST", "/courses", ALGEBRA, 409, "course-exists"],
    ["POST", enrolments, { studentId: UNKNOWN }, 404, "unknown-student"],
    [
      "POST",
      `/courses/${UNKNOWN}/enrolments`,
      { studentId: STUDENT },
      404,
      "unknown-course",
    ],
    [
      "PATCH",
      `/courses/${UNKNOWN}/student-limit`,
      { maxStudents: 1 },
      404,
      "unknown-course",
    ],
    [
      "PATCH",
      `/students/${UNKNOWN}/subscription`,
      { tier: "Basic" },
      404,
      "unknown-student",
    ],
    ["GET", `/students/${UNKNOWN}`, undefined, 404, "unknown-student"],
    ["GET", `/courses/${UNKNOWN}`, undefined, 404, "unknown-course"],
    ["GET", "/students/7", undefined, 400, "invalid-parameter"],
    ["GET", "/students?limit=0", undefined, 400, "invalid-parameter"],
    ["GET", "/students?limit=1001", undefined, 400, "invalid-parameter"],
    ["GET", "/students?limit=1&limit=2", undefined, 400, "invalid-parameter"],
    ["GET", "/students?sort=tier", undefined, 400, "invalid-parameter"],
    ["GET", "/students?order=up", undefined, 400, "invalid-parameter"],
    ["GET", "/students?page=2", undefined, 400, "invalid-parameter"],
    ["GET", "/students?after=nonsense!", undefined, 400, "invalid-cursor"],
    ["GET", "/courses?after=e30", undefined, 400, "invalid-cursor"],
    ["POST", "/students?wait=yes", other, 400, "invalid-parameter"],
    ["POST", "/students", "{", 400, "malformed-json"],
    ["POST", "/students", {}, 422, "invalid-body"],
    ["POST", "/students", { ...other, email: "nobody" }, 422, "invalid-body"],
    ["POST", "/students", { ...other, firstName: "" }, 422, "invalid-body"],
    [
      "POST",
      "/students",
      { ...other, firstName: "\ud800" },
      422,
      "invalid-body",
    ],
    ["POST", "/students", { ...other, lastName: "a\nb" }, 422, "invalid-body"],
    ["POST", "/students", { ...other, tier: "Master" }, 422, "invalid-body"],
    ["POST", "/courses", { name: "x", maxStudents: 0 }, 422, "invalid-body"],
    ["POST", "/courses", { name: "x", maxStudents: 1.5 }, 422, "invalid-body"],
    ["POST", "/courses", { name: "x", maxStudents: "3" }, 422, "invalid-body"],
    [
      "PATCH",
      `/students/${STUDENT}/subscription`,
      { tier: "Gold" },
      422,
      "invalid-body",
    ],
  ];
  for (const [method, path, body, status, kind] of table) {
    const answer = await app.send(method, path, body);
    const what = `${method} ${path} ${JSON.stringify(body)}`;
    assertEquals(answer.status, status, what);
    assertEquals(answer.body.type, `urn:opossum:problem:${kind}`, what);
    assertEquals(answer.body.status, status);
    assertEquals(
      answer.headers.get("content-type"),
      "application/problem+json",
    );
  }
  assertEquals(await app.opossum.events.head(), 2);
});

Deno.test("enrolments are refused by the course's limit, the tier's and the pair", async () => {
  await using app = await TestApp.open();
  const students = [1, 2, 3].map((n) => ({
    ...ADA,
    studentId: `00000000-0000-4000-8000-00000000000${n}`,
    email: `s${n}@example.edu`,
  }));
  const courses = [1, 2, 3].map((n) => ({
    ...ALGEBRA,
    courseId: `00000000-0000-4000-9000-00000000000${n}`,
  }));
  for (const student of students) await app.send("POST", "/students", student);
  for (const course of courses) await app.send("POST", "/courses", course);
  const enrol = (student: number, course: number) =>
    app.send("POST", `/courses/${courses[course]?.courseId}/enrolments`, {
      studentId: students[student]?.studentId,
    });
  assertEquals((await enrol(0, 0)).status, 201);
  const again = await enrol(0, 0);
  assertEquals(again.status, 409);
  assertEquals(again.body.type, "urn:opossum:problem:already-enrolled");
  const race = await Promise.all([enrol(1, 0), enrol(2, 0)]);
  assertEquals(race.map(({ status }) => status).sort(), [201, 409]);
  const full = race.find(({ status }) => status === 409);
  assertEquals(full?.body.type, "urn:opossum:problem:course-full");
  assertEquals((await enrol(0, 1)).status, 201);
  const third = await enrol(0, 2);
  assertEquals(third.status, 409);
  assertEquals(third.body.type, "urn:opossum:problem:tier-limit-reached");
  const limit = `/courses/${courses[0]?.courseId}/student-limit`;
  const below = await app.send("PATCH", limit, { maxStudents: 1 });
  assertEquals(
    below.body.type,
    "urn:opossum:problem:course-limit-below-enrolment",
  );
});

Deno.test("POST /students refuses the address of a registration without an email tag", async () => {
  await using app = await TestApp.open();
  const { opossum } = app;
  const imported = studentRegistered({ ...ADA, studentId: UNKNOWN });
  const { last } = await opossum.events.append([imported]);
  // Known from the log, whether or not the read model has it yet.
  assertEquals((await app.send("POST", "/students", ADA)).status, 409);
  await opossum.projections.waitFor(last);
  // Known from the read model.
  assertEquals((await app.send("POST", "/students", ADA)).status, 409);
  assertEquals(await opossum.events.head(), 1);
});

Deno.test("commands work without read models, queries say so with 503 and Retry-After", async () => {
  await using app = await TestApp.open({ enableAutoRebuild: false });
  const { opossum } = app;
  const imported = studentRegistered({ ...ADA, studentId: UNKNOWN });
  await opossum.events.append([imported]);
  assertEquals((await app.send("POST", "/students", ADA)).status, 409);
  const other = { ...ADA, email: "other@example.edu" };
  assertEquals((await app.send("POST", "/students", other)).status, 201);
  for (
    const path of [
      "/students",
      "/students?sort=email",
      `/students/${STUDENT}`,
      "/courses",
      `/courses/${COURSE}`,
    ]
  ) {
    const { status, headers, body } = await app.send("GET", path);
    assertEquals(status, 503, path);
    assertEquals(body.type, "urn:opossum:problem:projection-not-built");
    assertMatch(headers.get("retry-after") ?? "", /^[1-9]\d*$/);
  }
  await opossum.rebuilder.rebuildAll();
  assertEquals((await app.send("GET", "/students")).body.items.length, 2);
});

Deno.test("?wait=true answers after five seconds that the read models do not show it yet", async () => {
  const clock = new FakeClock();
  await using app = await TestApp.open({ clock });
  await app.opossum.daemon.stop();
  const answer = app.send("POST", "/students?wait=true", ADA);
  // The append and the waiting take no time on this clock: only the time-out does.
  let done = false;
  const finished = answer.then(() => done = true);
  while (!done) {
    await Promise.race([finished, new Promise<void>((r) => setImmediate(r))]);
    await clock.advance(1_000);
  }
  const { status, body } = await answer;
  assertEquals(status, 201);
  assertEquals(body, { studentId: STUDENT, position: 1, visible: false });
});
