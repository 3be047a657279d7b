/**
 * Bugs of the event log: reading, recovery and index.
 *
 * @module
 */
import type { SeededBug } from "./seeded_bug.ts";

/** The bugs. */
export const READING_BUGS: readonly SeededBug[] = [
  {
    name: "the checksum of frames is not checked",
    file: "src/log/format.ts",
    replace: "  return crc32(payload, covered) === header.crc;",
    by: "  return covered >= 0 && payload.length === header.bytes;",
    tests: [
      "tests/log",
    ],
  },
  {
    name: "the checksum does not cover the header",
    file: "src/log/format.ts",
    replace: "  return crc32(payload, covered) === header.crc;",
    by:
      "  return crc32(payload, covered) === header.crc || crc32(payload) >= 0;",
    tests: [
      "tests/log",
    ],
  },
  {
    name: "the order of frames is not checked",
    file: "src/log/frame_reader.ts",
    replace: "    if (this.crc !== undefined && header.prev !== this.crc) {",
    by: "    if (header.first < 0) {",
    tests: [
      "tests/log",
    ],
  },
  {
    name: "positions of frames are not checked",
    file: "src/log/frame_reader.ts",
    replace: "    if (header.first !== this.next) {",
    by: "    if (header.first < 0) {",
    tests: [
      "tests/log",
    ],
  },
  {
    name: "everything behind the first bad frame is cut off",
    file: "src/log/recovery.ts",
    replace: "  if (evidence !== undefined) {",
    by: '  if (evidence === "") {',
    tests: [
      "tests/log",
    ],
  },
  {
    name: "later frames are no evidence that a damaged one was acknowledged",
    file: "src/log/recovery.ts",
    replace:
      "  const durable = Math.max(provenDurable, highestDurable(file, offset));",
    by:
      "  const durable = Math.max(provenDurable, highestDurable(file, file.size()));",
    tests: [
      "tests/log",
    ],
  },
  {
    name: "what is cut off is not kept",
    file: "src/log/recovery.ts",
    replace: "    appendFully(copy, buffer.subarray(0, read));",
    by: "    copy.append(buffer.subarray(0, 0));",
    tests: [
      "tests/log",
    ],
  },
  {
    name: "an index that lacks events is trusted",
    file: "src/log/index_filling.ts",
    replace: "  for (let block; (block = gathered.oldest(which));) {",
    by:
      "  for (let block; (block = gathered.oldest(which)) && block.first < 0;) {",
    tests: [
      "tests/log",
    ],
  },
  {
    name: "store.json is made anew over events",
    file: "src/log/store_identity.ts",
    replace: "  if (segments.length === 0) return undefined;",
    by: "  if (segments.length >= 0) return undefined;",
    tests: [
      "tests/log",
    ],
  },
  {
    name: "a rebuild takes a damaged log for a shorter one",
    file: "src/log/event_scan.ts",
    replace: "    throw corruption;\n",
    by: "    return;\n",
    tests: [
      "tests/rebuild",
      "tests/log",
    ],
  },
  {
    name: "a torn tail is refused",
    file: "src/log/recovery.ts",
    replace: "durable >= position\n",
    by: "durable >= position - 1\n",
    tests: [
      "tests/faults/crash_states_test.ts",
    ],
  },
  {
    name: "a torn tail is not cut off",
    file: "src/log/recovery.ts",
    replace: "    log.truncate();\n",
    by: "",
    tests: [
      "tests/faults/crash_states_test.ts",
    ],
  },
  {
    name: "a whole frame behind one whose last byte is damaged is missed",
    file: "src/log/resync.ts",
    replace: "Buffer.from(KEY_FRAME)",
    by: "Buffer.from([10, ...KEY_FRAME])",
    tests: [
      "tests/faults/damaged_log_test.ts",
    ],
  },
  {
    name: "the copy of what is cut off lacks a byte",
    file: "src/log/recovery.ts",
    replace: "buffer.subarray(0, read)",
    by: "buffer.subarray(0, read - 1)",
    tests: [
      "tests/faults/damaged_log_test.ts",
    ],
  },
  {
    name: "lost rows of the index are not noticed",
    file: "src/log/index_sums.ts",
    replace: "if (!this.#areTypesChecked) this.#checkTypes();",
    by: "void this.#areTypesChecked;",
    tests: [
      "tests/faults/damaged_index_test.ts",
    ],
  },
  {
    name: "verify passes over whole frames behind damage",
    file: "src/log/verify.ts",
    replace: "this.#findFurther(file, at);",
    by: "this.#findFurther(file, at + 1);",
    tests: [
      "tests/maintenance/salvage_test.ts",
    ],
  },
  {
    name: "salvage does not say what is lost at the end",
    file: "src/log/salvage_log.ts",
    replace: "await lose(examination.report.head);",
    by: "",
    tests: [
      "tests/maintenance/salvage_test.ts",
    ],
  },
  {
    name: "the format differs from its description",
    file: "src/log/format.ts",
    replace: ',"count":${',
    by: ',"count": ${',
    tests: [
      "tests/log/format_example_test.ts",
    ],
  },
  {
    name: "the index of another store is trusted",
    file: "src/log/index_mark.ts",
    replace: "  if (format !== INDEX_FORMAT || store !== storeId) {",
    by: '  if (format !== INDEX_FORMAT || store === "") {',
    tests: [
      "tests/log",
    ],
  },
  {
    name: "a look at the log ends at what cannot be read",
    file: "src/log/examine_log.ts",
    replace: "      error instanceof LogReadError ||\n",
    by: "",
    tests: [
      "tests/faults/examine_reads_test.ts",
    ],
  },
  {
    name: "a read that is short passes for the end of the file",
    file: "src/storage/read_fully.ts",
    replace: "      if (hasMore) throw noBytesError();\n",
    by: "      if (hasMore) break;\n      void noBytesError;\n",
    tests: [
      "tests/faults/failing_reads_test.ts",
      "tests/storage/read_fully_test.ts",
    ],
  },
  {
    name: "what others append stays in a reader's memory",
    file: "src/log/group_writer.ts",
    replace: "    await this.#options.index.relieve();\n    return isDone;",
    by: "    return isDone;",
    tests: ["tests/log/bounded_tail_test.ts"],
  },
  {
    name: "a long way behind is caught up with in memory",
    file: "src/log/group_writer.ts",
    replace: "() => index.isLarge ? this.#adopt() : undefined",
    by: "() => undefined",
    tests: ["tests/log/bounded_tail_test.ts"],
  },
  {
    name: "who only reads keeps what an index that nobody asks for would need",
    file: "src/log/log_index.ts",
    replace: "if (this.#isUnmade) this.#tail = new IndexTail();",
    by: "if (this.#isUnmade && this.#isClosed) return;",
    tests: ["tests/log/bounded_tail_test.ts"],
  },
  {
    name: "a closed index answers",
    file: "src/log/log_index.ts",
    replace: "    this.#isClosed = true;\n",
    by: "",
    tests: ["tests/log/closed_index_test.ts"],
  },
  {
    name: "an index without room is made again",
    file: "src/log/log_index.ts",
    replace:
      "      if (!isIndexFault(error) || isDamagedIndex(error)) throw error;",
    by: "      throw error;",
    tests: ["tests/log/full_index_test.ts"],
  },
  {
    name: "the index file is deleted while others open it",
    file: "src/log/index_file.ts",
    replace: "!file.tryLock()",
    by: "!file",
    tests: ["tests/log/shared_index_test.ts"],
  },
  {
    name: "an index that is in use counts as damaged",
    file: "src/log/position_index.ts",
    replace: "[3, 5, 8, 10, 13, 14]",
    by: "[3, 8, 10, 13, 14]",
    tests: ["tests/log/shared_index_test.ts"],
  },
  {
    name: "SQL is run without a look at SQLite's code",
    file: "src/storage/sqlite_execute.ts",
    replace: "database.prepare(statement).run();",
    by: "(database as Database).exec(statement);",
    tests: ["tests/log/shared_index_test.ts", "tests/faults/no_room_test.ts"],
  },
  {
    name: "a segment that was replaced is written to",
    file: "src/log/segmented_log.ts",
    replace: " && this.isInPlace() &&",
    by: " &&",
    tests: ["tests/log/replaced_segment_test.ts"],
  },
  {
    name: "orders are not followed when documents are compared",
    file: "src/maintenance/projection_check.ts",
    replace:
      "    this.#generation.orders = () => Promise.resolve(recordedOrders(database));\n",
    by: "    void recordedOrders;\n",
    tests: ["tests/maintenance/verify_test.ts"],
  },
  {
    name: "a scan for rare events has no turns",
    file: "src/log/event_scan.ts",
    replace: "if (isFull || position - handedOut >= lookedAtMax) {",
    by: "if (isFull) {",
    tests: ["tests/log/sparse_scan_test.ts"],
  },
];
