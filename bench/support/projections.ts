/**
 * Projections that do next to nothing, so that what is measured is how events get to them. A
 * module: pass its URL to `openOpossum()`.
 *
 * @module
 */
import type { CourseManagementEvent } from "../../examples/course_management/events.ts";
import { defineProjection, type ProjectionDefinition } from "../../mod.ts";

type Type = CourseManagementEvent["type"];
type Count = ProjectionDefinition<{ count: number }, CourseManagementEvent>;

const TYPES: readonly Type[] = [
  "StudentRegistered",
  "StudentSubscriptionUpdated",
  "CourseCreated",
  "CourseStudentLimitModified",
  "StudentEnrolledToCourse",
];

/** Counts the events of some types that name a student or course. */
function counting(name: string, eventTypes: readonly Type[]): Count {
  return defineProjection<{ count: number }, CourseManagementEvent>({
    name,
    version: 1,
    eventTypes,
    key: ({ tags }) => tags[0],
    apply: (state) => ({ count: (state?.count ?? 0) + 1 }),
  });
}

/** Wants one event in a hundred. */
export const countsRare: Count = counting("CountsRare", [
  "CourseStudentLimitModified",
]);

/** Wants every event. */
export const countsAll: Count = counting("CountsAll", TYPES);

/** Wants every event, and does nothing with any: what remains is the scan. */
export const ignoresAll: Count = defineProjection<
  { count: number },
  CourseManagementEvent
>({
  name: "IgnoresAll",
  version: 1,
  eventTypes: TYPES,
  key: () => undefined,
  apply: () => undefined,
});
