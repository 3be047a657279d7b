/**
 * Bugs of repairs that others are at work beside, of their progress, and of what is put away.
 *
 * @module
 */
import type { SeededBug } from "./seeded_bug.ts";

const LOCKS = ["tests/rebuild/repair_lock_test.ts"];
const PROGRESS = ["tests/rebuild/repair_progress_test.ts"];
const UNREADABLE = ["tests/maintenance/unreadable_test.ts"];
const COMPARISON = ["tests/maintenance/projection_check_test.ts"];

/** The bugs. */
export const REPAIR_BUGS: readonly SeededBug[] = [
  {
    name: "rows that are out of order are read for ever",
    file: "src/projections/row_pages.ts",
    replace: "    if (!isBefore(after, next)) throw disorder();\n",
    by: "    if (!isBefore(after, next)) return void disorder;\n",
    tests: ["tests/rebuild/damaged_order_test.ts"],
  },
  {
    name: "a repair calls damaged what the disk does not let it read",
    file: "src/rebuild/key_refusals.ts",
    replace: "    if (isUnreadable(cause)) {",
    by: "    if (isUnreadable(cause) && name === undefined) {",
    tests: ["tests/rebuild/repair_faults_test.ts"],
  },
  {
    name: "verify and repair take for damaged what cannot be read just now",
    file: "src/storage/unreadable.ts",
    replace: "    return SYSTEM_CODES.includes(code) || isUnwritable(error);",
    by: "    return isUnwritable(error);",
    tests: UNREADABLE,
  },
  {
    name: "a database that cannot be opened counts as damaged",
    file: "src/storage/unreadable.ts",
    replace: "  if (isOfOpening(error)) return true;\n",
    by: "  if (isOfOpening(error)) return false;\n",
    tests: UNREADABLE,
  },
  {
    name: "repair puts current.json away when it cannot be read just now",
    file: "src/maintenance/projection_findings.ts",
    replace: '(error as Error).cause, "it is damaged")',
    by: 'undefined, "it is damaged")',
    tests: UNREADABLE,
  },
  {
    name: "repair puts a projection away whose code fails",
    file: "src/maintenance/projection_inspection.ts",
    replace: 'const remedy = isCompared ? "move" : "none";',
    by: 'const remedy = isCompared ? "move" : "move";',
    tests: UNREADABLE,
  },
  {
    name: "a look at a database that was deleted begins a new one",
    file: "src/storage/sqlite_reading.ts",
    replace: "      Deno.lstatSync(this.#file);\n",
    by: "",
    tests: UNREADABLE,
  },
  {
    name: "all projections are open at once while they are verified",
    file: "src/maintenance/inspect_folder.ts",
    replace: "const { only, projectionsMax = PROJECTIONS_MAX } = options;",
    by: "const { only } = options, projectionsMax = PROJECTIONS_MAX;",
    tests: ["tests/maintenance/many_projections_test.ts"],
  },
  {
    name: "a comparison holds all documents, however many there are",
    file: "src/maintenance/projection_check.ts",
    replace: "      memoryBytesMax: bytesMax,\n",
    by: "      memoryBytesMax: Infinity,\n",
    tests: COMPARISON,
  },
  {
    name: "a document that is damaged while a repair waits keeps its tags",
    file: "src/rebuild/key_tags.ts",
    replace: "  if (there && !there.isSound && !before.damaged.has(key)) {",
    by: "  if (there && !there.isSound && before.damaged.has(key + key)) {",
    tests: LOCKS,
  },
  {
    name: "a repair goes through all tags while live updates wait",
    file: "src/rebuild/key_rebuilder.ts",
    replace: "      before: tagsBefore,\n",
    by:
      "      before: await findTags({ look: mending.look(), keys, rest: async () => {} }) ?? tagsBefore,\n",
    tests: LOCKS,
  },
  {
    name: "tags that nobody saw before the lock stay",
    file: "src/rebuild/key_tags.ts",
    replace: "    ...before.tags.get(key) ?? [],\n",
    by: "",
    tests: ["tests/rebuild/repair_property_test.ts", ...LOCKS],
  },
  {
    name: "the texts of all documents to be changed are held",
    file: "src/rebuild/key_comparison.ts",
    replace: "      yield { ...each, text: await textOf(each.key) };\n",
    by:
      "      const texts = await Promise.all(differing.map(({ key }) => textOf(key)));\n" +
      "      yield { ...each, text: texts[differing.indexOf(each)] ?? null };\n",
    tests: ["tests/rebuild/key_comparison_test.ts"],
  },
  {
    name: "nobody waits for the disk before a repair says that it is done",
    file: "src/projections/generation_mending.ts",
    replace: "      await opened.sync();\n",
    by: "      void opened;\n",
    tests: ["tests/rebuild/repair_faults_test.ts"],
  },
  {
    name: "what is folded aside has a journal that a kill leaves behind",
    file: "src/projections/sqlite_connection.ts",
    replace: "PRAGMA journal_mode = MEMORY; ",
    by: "PRAGMA journal_mode = DELETE; ",
    tests: ["tests/projections/sqlite_generation_test.ts"],
  },
  {
    name: "any number of repairs go on at once",
    file: "src/rebuild/key_rebuilder.ts",
    replace: "    this.#places = new Semaphore(options.concurrency);\n",
    by: "    this.#places = new Semaphore(options.concurrency + 64);\n",
    tests: PROGRESS,
  },
  {
    name: "whoever gives up waiting keeps the place that he is given",
    file: "src/rebuild/key_rebuilder.ts",
    replace: "      granted.then((place) => place[Symbol.dispose]());\n",
    by: "      granted.then(() => {});\n",
    tests: PROGRESS,
  },
  {
    name: "a repair that is over is told for ever",
    file: "src/rebuild/key_rebuilder.ts",
    replace: "      this.#meters.delete(name);\n",
    by: "",
    tests: [...PROGRESS, "tests/api/repair_progress_test.ts"],
  },
  {
    name: "a repair does not tell how far it folded the log",
    file: "src/rebuild/key_rebuilder.ts",
    replace: "      meter.scanned(fold.checkpoint, keys.size);\n",
    by: "",
    tests: [...PROGRESS, "tests/api/repair_progress_test.ts"],
  },
  {
    name: "the command line does not ask a server how far a repair is",
    file: "src/cli/server/repair_on_server.ts",
    replace: "      if (now !== null && !ended.aborted) onProgress(now);\n",
    by: "      void ended, now;\n",
    tests: ["tests/cli/repair_progress_test.ts"],
  },
  {
    name: "what came of an earlier repair counts as the outcome of this one",
    file: "src/cli/server/repair_on_server.ts",
    replace: "last.startedAt >= answer.startedAt",
    by: "last.startedAt <= answer.startedAt",
    tests: ["tests/cli/repair_progress_test.ts"],
  },
  {
    name: "nobody is told that a repair failed which nobody waits for",
    file: "src/rebuild/key_rebuilder.ts",
    replace: "      this.#last.failed(ending, refusal, signal.aborted);\n",
    by: "",
    tests: ["tests/rebuild/last_repair_test.ts"],
  },
  {
    name: "what fails after its answer is in no log",
    file: "api/within.ts",
    replace: "    if (isOver) logger",
    by: "    if (!isOver) logger",
    tests: [
      "tests/api/repair_progress_test.ts",
      "tests/api/scrub_routes_test.ts",
    ],
  },
  {
    name: "a scrub does not tell which documents it looked at",
    file: "src/projections/generation_scrub.ts",
    replace: "      onPiece();\n",
    by: "",
    tests: ["tests/daemon/scrub_progress_test.ts"],
  },
];
