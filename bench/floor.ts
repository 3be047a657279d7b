/**
 * The yardstick: what a plain loop in one thread needs to read all events of a store, fold the
 * sample's four projections in memory and write the states durably as JSON Lines. No checksums,
 * no resuming, no bound on memory. Prints one JSON line, with the digest of what it wrote: it must
 * be the one of the projections.
 *
 * `deno run --allow-read --allow-write --allow-sys bench/floor.ts STORE [parse]`; with `parse` it
 * only parses.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import process from "node:process";
import type { CourseManagementEvent } from "../examples/course_management/events.ts";
import type { RunResult } from "./support/child.ts";

/** What one run took. */
export interface FloorResult extends RunResult {
  /** Events read. */
  readonly events: number;
  /** What `opossum digest` prints for the same states; `null` when it only parsed. */
  readonly digest: string | null;
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
  readonly CourseDetails = new Map<
    string,
    {
      courseId: string;
      name: string;
      maxStudents: number;
      enrolled: number;
      students: Student[];
    }
  >();
  readonly CourseShortInfo = new Map<
    string,
    { courseId: string; name: string; maxStudents: number; enrolled: number }
  >();
  readonly StudentDetails = new Map<
    string,
    Student & {
      tier: string;
      enrolledCourses: number;
      courses: { courseId: string; name: string }[];
    }
  >();
  readonly StudentShortInfo = new Map<
    string,
    Student & { tier: string; enrolledCourses: number }
  >();

  apply(event: CourseManagementEvent): void {
    switch (event.type) {
      case "StudentRegistered": {
        const { studentId, firstName, lastName, email } = event.data;
        const student = { studentId, firstName, lastName, email };
        const start = { ...student, tier: "Basic", enrolledCourses: 0 };
        this.StudentShortInfo.set(studentId, start);
        this.StudentDetails.set(studentId, { ...start, courses: [] });
        break;
      }
      case "StudentSubscriptionUpdated": {
        const { studentId, tier } = event.data;
        const student = this.StudentShortInfo.get(studentId);
        const details = this.StudentDetails.get(studentId);
        if (student) student.tier = tier;
        if (details) details.tier = tier;
        break;
      }
      case "CourseCreated": {
        const { courseId, name, maxStudents } = event.data;
        const start = { courseId, name, maxStudents, enrolled: 0 };
        this.CourseShortInfo.set(courseId, start);
        this.CourseDetails.set(courseId, { ...start, students: [] });
        break;
      }
      case "CourseStudentLimitModified": {
        const { courseId, maxStudents } = event.data;
        const course = this.CourseShortInfo.get(courseId);
        const details = this.CourseDetails.get(courseId);
        if (course) course.maxStudents = maxStudents;
        if (details) details.maxStudents = maxStudents;
        break;
      }
      case "StudentEnrolledToCourse": {
        const { studentId, courseId } = event.data;
        const student = this.StudentShortInfo.get(studentId);
        const course = this.CourseShortInfo.get(courseId);
        const studentDetails = this.StudentDetails.get(studentId);
        const courseDetails = this.CourseDetails.get(courseId);
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

  /** Writes each projection as a file of its name, sorted by key, and syncs it. */
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

/** The digest over the files of the four projections, as `opossum digest` takes it. */
function digestOf(directory: string): string {
  const hash = createHash("sha256");
  for (const name of Object.keys(new States()).sort()) {
    hash.update(`#${name}\n`);
    hash.update(Deno.readFileSync(join(directory, `${name}.jsonl`)));
  }
  return hash.digest("hex");
}

/**
 * Runs the yardstick once.
 *
 * @param store The data folder.
 * @param mode `"parse"` to only parse.
 * @returns What it took.
 */
export function measureFloor(
  store: string,
  mode: "fold" | "parse" = "fold",
): FloorResult {
  let events = 0;
  const directory = Deno.makeTempDirSync({ dir: store, prefix: "floor_" });
  try {
    const startedMs = performance.now();
    const cpuBefore = process.cpuUsage();
    const states = new States();
    forEachEvent(store, (event) => {
      events++;
      if (mode === "fold") states.apply(event);
    });
    if (mode === "fold") states.write(directory);
    const { user, system } = process.cpuUsage(cpuBefore);
    return {
      events,
      duration: performance.now() - startedMs,
      cpu: (user + system) / 1_000,
      // Before the digest, which is not part of what is measured, reads the files.
      peakRssBytes: process.resourceUsage().maxRSS * 1_024,
      digest: mode === "fold" ? digestOf(directory) : null,
    };
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

if (import.meta.main) {
  const [store, mode = "fold"] = Deno.args;
  if (store === undefined) throw new Error("Which store?");
  if (mode !== "fold" && mode !== "parse") throw new Error("fold or parse?");
  // deno-lint-ignore no-console -- its only output
  console.log(JSON.stringify(measureFloor(store, mode)));
}
