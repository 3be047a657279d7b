/**
 * Bugs of operations: orders that do not last, and requests that count twice.
 *
 * @module
 */
import type { SeededBug } from "./seeded_bug.ts";

/** The bugs. */
export const OPERATION_BUGS: readonly SeededBug[] = [
  {
    name: "a pause is not written down",
    file: "src/rebuild/operations_under_way.ts",
    replace:
      "    this.#change(operation, action);\n    try {\n      await this.#record(entry);",
    by: "    this.#change(operation, action);\n    try {\n",
    tests: [
      "tests/rebuild/durable_pause_test.ts",
      "tests/rebuild/paused_kill_test.ts",
    ],
  },
  {
    name: "a shutdown turns what is paused into what goes on by itself",
    file: "src/rebuild/running_operation.ts",
    replace: 'this.#pausedAt === null || snapshot.state !== "interrupted"',
    by: "snapshot.state.length > 0",
    tests: ["tests/rebuild/durable_pause_test.ts"],
  },
  {
    name: "a pause that cannot be written down holds all the same",
    file: "src/rebuild/operations_under_way.ts",
    replace:
      '      this.#change(operation, action === "pause" ? "resume" : "pause");\n',
    by: "",
    tests: ["tests/rebuild/durable_pause_test.ts"],
  },
  {
    name: "rebuilds at start-up join what is paused",
    file: "src/rebuild/operation_starter.ts",
    replace: "(options.leavesPaused && this.isHeldUp(planned))",
    by: "(options.leavesPaused && planned.events < 0)",
    tests: ["tests/rebuild/durable_pause_test.ts"],
  },
  {
    name: "what is cancelled while it waits goes on at the next start",
    file: "src/rebuild/shared_scan.ts",
    replace: "    await build.discard();\n  }\n\n  /** Else the next",
    by: "    await build[Symbol.asyncDispose]();\n  }\n\n  /** Else the next",
    tests: ["tests/rebuild/durable_pause_test.ts"],
  },
  {
    name: "the history forgets what is paused",
    file: "src/rebuild/operation_store.ts",
    replace: "if (old === name || isNeeded(this.#read(old)))",
    by: "if (old === name)",
    tests: ["tests/rebuild/idempotency_test.ts"],
  },
  {
    name: "what a cancelled operation held up stays in the queue",
    file: "src/rebuild/operations_under_way.ts",
    replace: "    this.#options.reconsider();\n    await ended;",
    by: "    await ended;",
    tests: ["tests/rebuild/orders_between_operations_test.ts"],
  },
  {
    name:
      "what a window closed upon while it was paused is not held up any more",
    file: "src/rebuild/opossum_rebuilder.ts",
    replace: '"interrupted");\n    await this.#takingUp.paused(id);',
    by: '"interrupted");',
    tests: ["tests/daemon/held_up_test.ts"],
  },
  {
    name: "what is cancelled before it is gone on with is kept",
    file: "src/rebuild/shared_scan.ts",
    replace: "        await this.#discardCancelled(task);\n",
    by: "        task.signal.throwIfAborted();\n",
    tests: ["tests/rebuild/orders_between_operations_test.ts"],
  },
  {
    name: "a key starts twice when it comes twice at once",
    file: "src/rebuild/idempotency.ts",
    replace: "    this.#starting.set(key, { request, operation });\n",
    by: "",
    tests: ["tests/rebuild/idempotency_test.ts"],
  },
  {
    name: "keys of different callers are the same",
    file: "src/rebuild/idempotency.ts",
    replace: "digest([requestedBy, key])",
    by: "digest([key])",
    tests: ["tests/rebuild/idempotency_test.ts"],
  },
  {
    name: "an interrupted operation is continued twice",
    file: "src/rebuild/interrupted.ts",
    replace:
      "    if (operation.resumes) continuedBy.set(operation.resumes, operation.id);\n",
    by: "",
    tests: ["tests/rebuild/interrupted_test.ts"],
  },
  {
    name: "a rebuild that just fits is refused",
    file: "src/rebuild/rebuild_survey.ts",
    replace: "if (estimatedBytes > freeBytes)",
    by: "if (estimatedBytes >= freeBytes)",
    tests: ["tests/rebuild/estimate_test.ts"],
  },
  {
    name: "a stream of events misses what happened while a client was away",
    file: "api/event_feed.ts",
    replace: "this.#buffer.filter(({ id }) => id > lastEventId)",
    by: "this.#buffer.filter(({ id }) => id > this.#lastId)",
    tests: ["tests/api/operation_events_test.ts"],
  },
  {
    name: "what is cancelled waits until its pass has rested",
    file: "src/rebuild/throttle.ts",
    replace: "    const wake = () => waking.abort();\n",
    by:
      "    const wake = () => stops.every(({ aborted }) => aborted) && waking.abort();\n",
    tests: ["tests/rebuild/throttle_test.ts"],
  },
  {
    name: "a clock that is set back keeps schedules waiting",
    file: "src/daemon/until_due.ts",
    replace: "    if (next && next < due) due = next;\n",
    by: "",
    tests: ["tests/daemon/clock_set_back_test.ts"],
  },
  {
    name: "what is stopped before it is queued waits for a place",
    file: "src/rebuild/scheduler.ts",
    replace: "      if (task.signal.aborted) leave();\n      else task",
    by: "      task",
    tests: ["tests/rebuild/orders_while_saving_test.ts"],
  },
  {
    name: "a rebuild joins one that is being cancelled",
    file: "src/rebuild/build_tasks.ts",
    replace: ".find((task) => task?.signal.aborted);",
    by: ".find((task) => task?.signal.aborted && task.hasEnded);",
    tests: ["tests/rebuild/orders_while_saving_test.ts"],
  },
  {
    name: "an order that was refused is found by the next process",
    file: "src/rebuild/operations_under_way.ts",
    replace: "      await this.restore(id);\n",
    by: "",
    tests: ["tests/rebuild/refused_records_test.ts"],
  },
  {
    name: "a start that was refused is continued by the next process",
    file: "src/rebuild/operation_starter.ts",
    replace:
      "      if (!adopts) this.#options.history.forget(operation.record());\n",
    by: "",
    tests: ["tests/rebuild/refused_records_test.ts"],
  },
  {
    name: "a window that opens again when it closes interrupts its rebuild",
    file: "src/daemon/schedule.ts",
    replace: "again === undefined || again <= at ||",
    by: "again === undefined || again >= at ||",
    tests: ["tests/daemon/window_again_test.ts"],
  },
  {
    name: "a start goes on with what a window began of a stale projection",
    file: "src/rebuild/rebuild_survey.ts",
    replace: '(onlyMissing && info.state === "stale")',
    by: '(onlyMissing && info.state === "absent")',
    tests: ["tests/daemon/auto_rebuild_test.ts"],
  },
];
