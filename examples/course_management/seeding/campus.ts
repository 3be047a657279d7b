/**
 * A made-up campus: makes events that could have come from the commands, one after another.
 *
 * It keeps some 100 bytes a student and course, so that no student enrols twice in a course, no
 * course has more students than seats and nobody more courses than the tier allows.
 *
 * @module
 */
import type { EventInput } from "@opossum/deno";
import {
  courseCreated,
  type CourseManagementEvent,
  courseStudentLimitModified,
  studentEnrolledToCourse,
  studentRegistered,
  studentSubscriptionUpdated,
} from "../events.ts";
import { COURSE_LIMITS, INITIAL_TIER, type Tier, TIERS } from "../tiers.ts";
import { inventCourse, inventPerson } from "./names.ts";
import { OpenSet } from "./open_set.ts";
import { type SeededRandom, seededUuid } from "./random.ts";

const STUDENT = 1;
const COURSE = 2;
/** Draws before an enrolment is given up: enough while one in five pairs is free. */
const ENROLMENT_DRAWS = 32;
/** Most who leave the first tier study a lot: they have to take most of the enrolments. */
const UPGRADES = [
  "Standard",
  ...repeat("Professional", 4),
  ...repeat("Master", 15),
] as [Tier, ...Tier[]];

/** Everything that the commands know, for every student and course. */
export class Campus {
  readonly #seed: number;
  readonly #random: SeededRandom;
  readonly #tiers: Tier[] = [];
  readonly #coursesOf: number[][] = [];
  readonly #seats: number[] = [];
  readonly #enrolled: number[] = [];
  readonly #beginners = new OpenSet();
  readonly #freeStudents = new OpenSet();
  readonly #freeCourses = new OpenSet();

  /**
   * @param seed Determines the ids.
   * @param random Determines everything else.
   */
  constructor(seed: number, random: SeededRandom) {
    this.#seed = seed;
    this.#random = random;
  }

  /**
   * A new student signs up.
   *
   * @returns The event.
   */
  register(): EventInput<CourseManagementEvent> {
    const student = this.#tiers.push(INITIAL_TIER) - 1;
    this.#coursesOf.push([]);
    this.#updateStudent(student);
    return studentRegistered({
      studentId: this.#studentId(student),
      ...inventPerson(this.#random, student),
    });
  }

  /**
   * A new course is set up.
   *
   * @returns The event.
   */
  createCourse(): EventInput<CourseManagementEvent> {
    const maxStudents = this.#random.integer(20, 140);
    const course = this.#seats.push(maxStudents) - 1;
    this.#enrolled.push(0);
    this.#updateCourse(course);
    return courseCreated({
      courseId: this.#courseId(course),
      ...inventCourse(this.#random, course),
      maxStudents,
    });
  }

  /**
   * A student takes a seat.
   *
   * @returns The event, or `undefined` when hardly any student could enrol anywhere.
   */
  enrol(): EventInput<CourseManagementEvent> | undefined {
    for (let draws = 0; draws < ENROLMENT_DRAWS; draws++) {
      const student = this.#freeStudents.draw(this.#random);
      const course = this.#freeCourses.draw(this.#random);
      if (student === undefined || course === undefined) return undefined;
      const courses = this.#coursesOf[student] ?? [];
      if (courses.includes(course)) continue;
      courses.push(course);
      this.#enrolled[course] = (this.#enrolled[course] ?? 0) + 1;
      this.#updateStudent(student);
      this.#updateCourse(course);
      return studentEnrolledToCourse({
        studentId: this.#studentId(student),
        courseId: this.#courseId(course),
      });
    }
    return undefined;
  }

  /**
   * A student changes to another tier: mostly a beginner who wants more, at times anybody.
   *
   * @returns The event, or `undefined` when there is no student who could.
   */
  changeTier(): EventInput<CourseManagementEvent> | undefined {
    const random = this.#random;
    const beginner = random.fraction() < 0.85
      ? this.#beginners.draw(random)
      : undefined;
    const student = beginner ??
      (this.#tiers.length > 0 ? random.integer(0, this.#tiers.length - 1) : -1);
    const current = this.#tiers[student];
    if (current === undefined) return undefined;
    const courseCount = this.#coursesOf[student]?.length ?? 0;
    const [first, ...others] = (beginner === undefined ? TIERS : UPGRADES)
      .filter((tier) => tier !== current && COURSE_LIMITS[tier] >= courseCount);
    if (first === undefined) return undefined;
    const tier = random.pick([first, ...others]);
    this.#tiers[student] = tier;
    this.#updateStudent(student);
    return studentSubscriptionUpdated({
      studentId: this.#studentId(student),
      tier,
    });
  }

  /**
   * A course gets another number of seats, never fewer than are taken.
   *
   * @returns The event, or `undefined` when there is no course.
   */
  changeLimit(): EventInput<CourseManagementEvent> | undefined {
    if (this.#seats.length === 0) return undefined;
    const course = this.#random.integer(0, this.#seats.length - 1);
    const taken = Math.max(this.#enrolled[course] ?? 0, 1);
    const wanted = taken + this.#random.integer(0, 60);
    const maxStudents = wanted === this.#seats[course] ? wanted + 1 : wanted;
    this.#seats[course] = maxStudents;
    this.#updateCourse(course);
    return courseStudentLimitModified({
      courseId: this.#courseId(course),
      maxStudents,
    });
  }

  /**
   * Makes room for further enrolments, where it is missing.
   *
   * @returns The event.
   */
  makeRoom(): EventInput<CourseManagementEvent> {
    if (this.#freeCourses.size === 0) return this.createCourse();
    if (this.#freeStudents.size === 0) {
      return (this.#beginners.size > 0 ? this.changeTier() : undefined) ??
        this.register();
    }
    // Who could still enrol has been everywhere: both more people and more courses help.
    return this.#random.fraction() < 0.5
      ? this.register()
      : this.createCourse();
  }

  #studentId(student: number): string {
    return seededUuid(this.#seed, STUDENT, student);
  }

  #courseId(course: number): string {
    return seededUuid(this.#seed, COURSE, course);
  }

  #updateStudent(student: number): void {
    const tier = this.#tiers[student] ?? INITIAL_TIER;
    const courseCount = this.#coursesOf[student]?.length ?? 0;
    this.#beginners.set(student, { isMember: tier === INITIAL_TIER });
    this.#freeStudents.set(student, {
      isMember: courseCount < COURSE_LIMITS[tier],
    });
  }

  #updateCourse(course: number): void {
    const free = (this.#seats[course] ?? 0) - (this.#enrolled[course] ?? 0);
    this.#freeCourses.set(course, { isMember: free > 0 });
  }
}

function repeat(tier: Tier, times: number): Tier[] {
  return Array.from({ length: times }, () => tier);
}
