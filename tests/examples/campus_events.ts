/**
 * Random logs of the sample's domain, for property tests.
 *
 * @module
 */
import fc from "fast-check";
import type { EventInput } from "@opossum/deno";
import {
  courseCreated,
  type CourseManagementEvent,
  courseStudentLimitModified,
  studentEnrolledToCourse,
  studentRegistered,
  studentSubscriptionUpdated,
} from "../../examples/course_management/events.ts";
import { TIERS } from "../../examples/course_management/tiers.ts";

/** Few enough that events meet. */
const IDS = Array.from(
  { length: 5 },
  (_, i) => `00000000-0000-4000-8000-00000000000${i}`,
);

const id = fc.constantFrom(...IDS);
const text = fc.string({ unit: "grapheme", maxLength: 12 });
const seats = fc.integer({ min: 1, max: 10_000 });

/**
 * Logs that may break every guarantee: unknown students and courses, repeated registrations,
 * repeated enrolments.
 */
export const anyLog: fc.Arbitrary<EventInput<CourseManagementEvent>[]> = fc
  .array(
    fc.oneof(
      fc.record({ studentId: id, firstName: text, lastName: text, email: text })
        .map(studentRegistered),
      fc.record({ studentId: id, tier: fc.constantFrom(...TIERS) })
        .map(studentSubscriptionUpdated),
      fc.record({
        courseId: id,
        name: text,
        description: text,
        maxStudents: seats,
      }).map(courseCreated),
      fc.record({ courseId: id, maxStudents: seats })
        .map(courseStudentLimitModified),
      // Twice, so that logs hold more of these than of anything else.
      fc.record({ studentId: id, courseId: id }).map(studentEnrolledToCourse),
      fc.record({ studentId: id, courseId: id }).map(studentEnrolledToCourse),
    ),
    { maxLength: 60 },
  );

/** Logs as the guarantees have them: what breaks them is left out. */
export const validLog: fc.Arbitrary<EventInput<CourseManagementEvent>[]> =
  anyLog.map((log) => {
    const seen = new Set<string>();
    return log.filter((event) => {
      const { type, tags = [] } = event;
      const creates = type === "StudentRegistered" || type === "CourseCreated";
      const name = creates || type === "StudentEnrolledToCourse"
        ? tags.join()
        : undefined;
      const isNew = name === undefined || !seen.has(name);
      const isKnown = creates || tags.every((tag) => seen.has(tag));
      if (isNew && isKnown && name !== undefined) seen.add(name);
      return isNew && isKnown;
    });
  });
