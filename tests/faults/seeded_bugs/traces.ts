/**
 * Bugs of what traces tell.
 *
 * @module
 */
import type { SeededBug } from "./seeded_bug.ts";

const TRACES = ["tests/rebuild/trace_test.ts"];
const RESTARTS = ["tests/rebuild/trace_over_restarts_test.ts"];
const SENT = ["tests/api/traces_test.ts"];

/** The bugs. */
export const TRACE_BUGS: readonly SeededBug[] = [
  {
    name: "where an operation stands in its trace is not written down",
    file: "src/rebuild/running_operation.ts",
    replace: "...traceparent === undefined ? {} : { traceparent },",
    by: "",
    tests: RESTARTS,
  },
  {
    name: "whoever takes a paused operation up becomes its parent",
    file: "src/rebuild/operation_span.ts",
    replace: "const parent = before ?? (isOwn",
    by: "const parent = (isOwn",
    tests: RESTARTS,
  },
  {
    name: "every batch of a scan is noted",
    file: "src/rebuild/scan_span.ts",
    replace: "    if (step <= this.#step) return;\n",
    by: "",
    tests: TRACES,
  },
  {
    name: "every flush of a projection has a span",
    file: "src/rebuild/scan_span.ts",
    replace: "    member.flushSpansLeft--;\n",
    by: "",
    tests: TRACES,
  },
  {
    name: "flushes of workers are told to nobody",
    file: "src/rebuild/scan_worker.ts",
    replace: "flushed: tellsFlushes\n",
    by: "flushed: tellsFlushes && index < 0\n",
    tests: SENT,
  },
  {
    name: "the end of a projection's rebuild is logged in the operation's span",
    file: "src/rebuild/build_tasks.ts",
    replace: "task.workContext,",
    by: "task.context,",
    tests: TRACES,
  },
  {
    name: "a span is told the message of an error",
    file: "src/telemetry/spans.ts",
    replace: '"exception.type": type,\n',
    by: '"exception.type": type, "exception.message": String(error),\n',
    tests: TRACES,
  },
  {
    name: "a live batch is linked to every append",
    file: "src/telemetry/append_spans.ts",
    replace: "noted.last <= after",
    by: "noted.last < 0",
    tests: ["tests/daemon/live_trace_test.ts"],
  },
  {
    name: "progress begins anew where events are put aside",
    file: "src/projections/group_fold.ts",
    replace: "this.#spill ? this.#divided : this.#through",
    by: "this.#spill ? this.#options.after : this.#through",
    tests: ["tests/rebuild/scan_progress_test.ts"],
  },
  {
    name: "what a wrong guess makes begin anew shows no progress",
    file: "src/rebuild/headway.ts",
    replace: "if (worked < this.#told) this.#anew",
    by: "if (worked < 0) this.#anew",
    tests: ["tests/rebuild/scan_progress_test.ts"],
  },
  {
    name: "a live batch that stops at an event looks as if all were well",
    file: "src/daemon/live_loop.ts",
    replace: "fault !== null && fault.attempts !== before?.attempts",
    by: "fault !== null && fault.attempts < (before?.attempts ?? 0)",
    tests: ["tests/daemon/live_trace_test.ts"],
  },
];
