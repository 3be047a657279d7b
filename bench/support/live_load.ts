/**
 * Events that are appended and waited for until the read models show them.
 *
 * @module
 */
import type { CourseShortInfo } from "../../examples/course_management/projections/course_short_info.ts";
import {
  courseCreated,
  type CourseManagementEvent,
  courseStudentLimitModified,
} from "../../examples/course_management/events.ts";
import type { EventInput, Opossum } from "../../mod.ts";

type Events = readonly EventInput<CourseManagementEvent>[];

/** How long it took, in milliseconds. */
export interface LiveDurations {
  /** Until the events were durable. */
  readonly appended: number;
  /** Until every projection showed them. */
  readonly visible: number;
}

/** Appends to one store, whose daemon runs. */
export class LiveLoad {
  readonly #opossum: Opossum;
  readonly #events: Iterator<EventInput<CourseManagementEvent>>;
  readonly #courseId = crypto.randomUUID();
  #maxStudents = 0;

  /**
   * @param opossum The store.
   * @param events What the batches are made of.
   */
  constructor(
    opossum: Opossum,
    events: Iterable<EventInput<CourseManagementEvent>>,
  ) {
    this.#opossum = opossum;
    this.#events = events[Symbol.iterator]();
  }

  /**
   * Appends a batch, which was made up before the time runs.
   *
   * @param size How many events; fewer when there are no more.
   * @returns How long it took.
   */
  async batch(size: number): Promise<LiveDurations> {
    const events: EventInput<CourseManagementEvent>[] = [];
    while (events.length < size) {
      const next = this.#events.next();
      if (next.done) break;
      events.push(next.value);
    }
    return await this.#append(events);
  }

  /**
   * Appends one event that changes one course, and reads that course.
   *
   * @returns How long it took, the reading included.
   */
  async single(): Promise<LiveDurations> {
    const courseId = this.#courseId;
    if (this.#maxStudents === 0) {
      const course = { courseId, name: "", description: "", maxStudents: 0 };
      await this.#append([courseCreated(course)]);
    }
    const maxStudents = ++this.#maxStudents;
    const event = courseStudentLimitModified({ courseId, maxStudents });
    const startedMs = performance.now();
    const { appended } = await this.#append([event]);
    const course = await this.#opossum.projections.get<CourseShortInfo>(
      "CourseShortInfo",
      courseId,
    );
    const visible = performance.now() - startedMs;
    if (course?.maxStudents !== maxStudents) {
      throw new Error(`The read model shows ${course?.maxStudents}`);
    }
    return { appended, visible };
  }

  async #append(batch: Events): Promise<LiveDurations> {
    const { events, projections } = this.#opossum;
    const startedMs = performance.now();
    const { last } = await events.append(batch);
    const appended = performance.now() - startedMs;
    await projections.waitFor(last);
    return { appended, visible: performance.now() - startedMs };
  }
}

/** How long a bare append of one line and a sync take, in milliseconds. */
export class BareAppend implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #line = new TextEncoder().encode(`${"x".repeat(300)}\n`);

  /** @param path The file to append to. */
  constructor(path: string) {
    this.#file = Deno.openSync(path, { append: true, create: true });
  }

  /** Appends once. */
  async append(): Promise<number> {
    const startedMs = performance.now();
    this.#file.writeSync(this.#line);
    await this.#file.syncData();
    return performance.now() - startedMs;
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}
