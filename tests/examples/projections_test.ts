import { assertEquals } from "@std/assert";
import fc from "fast-check";
import * as definitions from "../../examples/course_management/projections.ts";
import {
  courseCreated,
  courseStudentLimitModified,
  studentEnrolledToCourse,
  studentRegistered,
  studentSubscriptionUpdated,
} from "../../examples/course_management/events.ts";
import { anyLog, validLog } from "./campus_events.ts";
import { foldDefinition } from "./fold_definition.ts";
import { exportLines, oracleDigest, oracleStates } from "./oracle.ts";

const { courseDetails, courseShortInfo, studentDetails, studentShortInfo } =
  definitions;
const ALL = [courseDetails, courseShortInfo, studentDetails, studentShortInfo];

const ada = studentRegistered({
  studentId: "s1",
  firstName: "Ada",
  lastName: "O'Brien",
  email: "ada@example.edu",
});
const algebra = courseCreated({
  courseId: "c1",
  name: "Algèbre",
  description: "Groups",
  maxStudents: 30,
});

Deno.test("projections.ts exports the four projections that are compared by digest", () => {
  assertEquals(
    Object.values(definitions).map(({ name }) => name).sort(),
    Object.keys(oracleStates([])),
  );
});

Deno.test("the definitions give the oracle's states, byte for byte, on valid logs", () => {
  fc.assert(fc.property(validLog, (log) => {
    const states = oracleStates(log);
    for (const definition of ALL) {
      const name = definition.name as keyof typeof states;
      assertEquals(
        exportLines(foldDefinition(definition, log)),
        exportLines(states[name]),
      );
    }
  }));
});

Deno.test("the definitions are total: logs that break every guarantee fold as documented", () => {
  fc.assert(fc.property(anyLog, (log) => {
    const states = oracleStates(log);
    for (const definition of ALL) {
      const name = definition.name as keyof typeof states;
      assertEquals(
        exportLines(foldDefinition(definition, log)),
        exportLines(states[name]),
      );
    }
  }));
});

Deno.test("the states have their fields in the order of the data set's description", () => {
  const log = [
    ada,
    algebra,
    studentSubscriptionUpdated({ studentId: "s1", tier: "Master" }),
    courseStudentLimitModified({ courseId: "c1", maxStudents: 3 }),
    studentEnrolledToCourse({ studentId: "s1", courseId: "c1" }),
  ];
  const lines = ALL.flatMap((definition) =>
    exportLines(foldDefinition(definition, log))
  );
  assertEquals(lines, [
    `{"courseId":"c1","name":"Algèbre","maxStudents":3,"enrolled":1,"students":[{"studentId":"s1","firstName":"Ada","lastName":"O'Brien","email":"ada@example.edu"}]}`,
    `{"courseId":"c1","name":"Algèbre","maxStudents":3,"enrolled":1}`,
    `{"studentId":"s1","firstName":"Ada","lastName":"O'Brien","email":"ada@example.edu","tier":"Master","enrolledCourses":1,"courses":[{"courseId":"c1","name":"Algèbre"}]}`,
    `{"studentId":"s1","firstName":"Ada","lastName":"O'Brien","email":"ada@example.edu","tier":"Master","enrolledCourses":1}`,
  ]);
});

Deno.test("an enrolment of an unknown student in a known course is listed without a name", () => {
  const log = [
    algebra,
    studentEnrolledToCourse({ studentId: "s9", courseId: "c1" }),
  ];
  assertEquals(foldDefinition(courseDetails, log).get("c1"), {
    courseId: "c1",
    name: "Algèbre",
    maxStudents: 30,
    enrolled: 1,
    students: [
      { studentId: "s9", firstName: null, lastName: null, email: null },
    ],
  });
  assertEquals(foldDefinition(studentDetails, log).size, 0);
  assertEquals(foldDefinition(studentShortInfo, log).size, 0);
});

Deno.test("an enrolment of a known student in an unknown course is listed without a name", () => {
  const log = [
    ada,
    studentEnrolledToCourse({ studentId: "s1", courseId: "c9" }),
  ];
  assertEquals(foldDefinition(studentDetails, log).get("s1"), {
    studentId: "s1",
    firstName: "Ada",
    lastName: "O'Brien",
    email: "ada@example.edu",
    tier: "Basic",
    enrolledCourses: 1,
    courses: [{ courseId: "c9", name: null }],
  });
  assertEquals(foldDefinition(courseDetails, log).size, 0);
});

Deno.test("a name that comes after the enrolment does not change what the enrolment saw", () => {
  const log = [
    ada,
    studentEnrolledToCourse({ studentId: "s1", courseId: "c1" }),
    algebra,
  ];
  const [student] = foldDefinition(studentDetails, log).values();
  assertEquals((student as { courses: unknown }).courses, [
    { courseId: "c1", name: null },
  ]);
});

Deno.test("StudentShortInfo is found by email address in any spelling", () => {
  const tagsOf = (email: string) =>
    studentShortInfo.tags?.({
      studentId: "s1",
      firstName: "Zoë",
      lastName: "Ó",
      email,
      tier: "Basic",
      enrolledCourses: 0,
    }, "s1");
  assertEquals(tagsOf("Zoë@Example.edu "), tagsOf("zoe\u0308@example.EDU"));
});

Deno.test("oracleDigest() hashes the lines that the data set's description names", () => {
  // Computed apart from this code, with printf and sha256sum.
  assertEquals(
    oracleDigest(oracleStates([algebra])),
    "899427f37305a6461e5d7dc25454348e0192baa670a95d75f5a4417b75b543ba",
  );
});
