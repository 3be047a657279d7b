/**
 * The yardstick: what a plain loop in one thread needs to read all events of a store, fold the
 * sample's four projections in memory and write the states durably as JSON Lines. No checksums,
 * no resuming, no bound on memory. Prints one JSON line.
 *
 * `deno run --allow-read --allow-write bench/floor.ts STORE [parse]`; with `parse` it only parses.
 *
 * @module
 */
import { join } from "node:path";
import type { CourseManagementEvent } from "../examples/course_management/events.ts";

/** What one run took. */
interface FloorResult {
  /** Events read. */
  readonly events: number;
  /** Duration, in milliseconds. */
  readonly duration: number;
}

const PIECE_BYTES = 1_024 * 1_024;

/** Calls back with every line of a file. */
function forEachLine(path: string, take: (line: string) => void): void {
  using file = Deno.openSync(path);
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(PIECE_BYTES);
  let rest = "";
  for (;;) {
    const read = file.readSync(buffer);
    const text = rest + decoder.decode(buffer.subarray(0, read ?? 0), {
      stream: read !== null,
    });
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0;) {
      take(text.slice(start, end));
      start = end + 1;
      end = text.indexOf("\n", start);
    }
    if (read === null) return;
    rest = text.slice(start);
  }
}

function forEachEvent(
  store: string,
  take: (event: CourseManagementEvent) => void,
): void {
  const directory = join(store, "events");
  const names = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
  for (const name of names) {
    forEachLine(join(directory, name), (line) => {
      if (line.startsWith('{"position"')) take(JSON.parse(line));
    });
  }
}

interface Student {
  studentId: string;
  firstName: string;
  lastName: string;
  email: string;
}

/** The four projections as one would write them by hand. */
class States {
  readonly courseDetails = new Map<
    string,
    {
      courseId: string;
      name: string;
      maxStudents: number;
      enrolled: number;
      students: Student[];
    }
  >();
  readonly courses = new Map<
    string,
    { courseId: string; name: string; maxStudents: number; enrolled: number }
  >();
  readonly studentDetails = new Map<
    string,
    Student & {
      tier: string;
      enrolledCourses: number;
      courses: { courseId: string; name: string }[];
    }
  >();
  readonly students = new Map<
    string,
    Student & { tier: string; enrolledCourses: number }
  >();

  apply(event: CourseManagementEvent): void {
    switch (event.type) {
      case "StudentRegistered": {
        const { studentId, firstName, lastName, email } = event.data;
        const student = { studentId, firstName, lastName, email };
        const start = { ...student, tier: "Basic", enrolledCourses: 0 };
        this.students.set(studentId, start);
        this.studentDetails.set(studentId, { ...start, courses: [] });
        break;
      }
      case "StudentSubscriptionUpdated": {
        const { studentId, tier } = event.data;
        const student = this.students.get(studentId);
        const details = this.studentDetails.get(studentId);
        if (student) student.tier = tier;
        if (details) details.tier = tier;
        break;
      }
      case "CourseCreated": {
        const { courseId, name, maxStudents } = event.data;
        const start = { courseId, name, maxStudents, enrolled: 0 };
        this.courses.set(courseId, start);
        this.courseDetails.set(courseId, { ...start, students: [] });
        break;
      }
      case "CourseStudentLimitModified": {
        const { courseId, maxStudents } = event.data;
        const course = this.courses.get(courseId);
        const details = this.courseDetails.get(courseId);
        if (course) course.maxStudents = maxStudents;
        if (details) details.maxStudents = maxStudents;
        break;
      }
      case "StudentEnrolledToCourse": {
        const { studentId, courseId } = event.data;
        const student = this.students.get(studentId);
        const course = this.courses.get(courseId);
        const studentDetails = this.studentDetails.get(studentId);
        const courseDetails = this.courseDetails.get(courseId);
        if (!student || !course || !studentDetails || !courseDetails) return;
        student.enrolledCourses++;
        course.enrolled++;
        studentDetails.enrolledCourses++;
        studentDetails.courses.push({ courseId, name: course.name });
        courseDetails.enrolled++;
        const { firstName, lastName, email } = student;
        courseDetails.students.push({ studentId, firstName, lastName, email });
      }
    }
  }

  /** Writes each projection as a file, sorted by key, and syncs it. */
  write(directory: string): void {
    for (const [name, states] of Object.entries(this)) {
      using file = Deno.openSync(join(directory, `${name}.jsonl`), {
        write: true,
        create: true,
        truncate: true,
      });
      const encoder = new TextEncoder();
      let text = "";
      const flush = () => {
        const bytes = encoder.encode(text);
        for (let done = 0; done < bytes.length;) {
          done += file.writeSync(bytes.subarray(done));
        }
        text = "";
      };
      const sorted = [...states as Map<string, unknown>].sort(([a], [b]) =>
        a < b ? -1 : 1
      );
      for (const [, state] of sorted) {
        text += JSON.stringify(state) + "\n";
        if (text.length > PIECE_BYTES) flush();
      }
      flush();
      file.syncSync();
    }
  }
}

function measure(store: string, mode: string | undefined): FloorResult {
  let events = 0;
  const directory = Deno.makeTempDirSync({ dir: store, prefix: "floor_" });
  try {
    const startedMs = performance.now();
    const states = new States();
    forEachEvent(store, (event) => {
      events++;
      if (mode !== "parse") states.apply(event);
    });
    if (mode !== "parse") states.write(directory);
    return { events, duration: performance.now() - startedMs };
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

if (import.meta.main) {
  const [store, mode] = Deno.args;
  if (store === undefined) throw new Error("Which store?");
  // deno-lint-ignore no-console -- its only output
  console.log(JSON.stringify(measure(store, mode)));
}
