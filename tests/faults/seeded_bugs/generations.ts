/**
 * Bugs of going back to generations, of comparing them, and of those that wait to be promoted.
 *
 * @module
 */
import type { SeededBug } from "./seeded_bug.ts";

/** The bugs. */
export const GENERATION_BUGS: readonly SeededBug[] = [
  {
    name: "what serves is deleted when current.json cannot be read",
    file: "src/projections/sqlite_projection_store.ts",
    replace: "    let last = Infinity;\n",
    by: "    let last = 0;\n",
    tests: [
      "tests/projections/sqlite_projection_store_test.ts",
      "tests/rebuild/rollback_faults_test.ts",
    ],
  },
  {
    name: "a rollback is forgotten by the next start",
    file: "src/projections/roll_back_generation.ts",
    replace: "    rolledBack: isBack\n",
    by: "    rolledBack: isBack && at === fingerprint\n",
    tests: ["tests/rebuild/rollback_test.ts"],
  },
  {
    name: "a rollback holds for every definition to come",
    file: "src/projections/document_reader.ts",
    replace: "isSameDefinition(rolledBack, live.identity(name));",
    by: "rolledBack.version > 0;",
    tests: ["tests/rebuild/rollback_test.ts"],
  },
  {
    name: "a rollback leaves what is interrupted, to be swapped in later",
    file: "src/projections/roll_back_generation.ts",
    replace: "  options.discardBuilds();\n",
    by: "",
    tests: ["tests/rebuild/rollback_test.ts"],
  },
  {
    name: "a rollback serves a generation that it did not look at",
    file: "src/projections/roll_back_generation.ts",
    replace: "  await assertUsable(options, previous);\n",
    by: "",
    tests: ["tests/rebuild/rollback_test.ts"],
  },
  {
    name: "the newest number is that of the generation that serves",
    file: "src/projections/generation_files.ts",
    replace: "current?.previous ?? 0);",
    by: "0);",
    tests: [
      "tests/rebuild/rollback_test.ts",
      "tests/faults/crash_states_test.ts",
    ],
  },
  {
    name: "a comparison looks at where the build came to by itself",
    file: "src/rebuild/begin_build.ts",
    replace: "compareAt = await servingAt(store, name, head);",
    by: "compareAt = await servingAt(store, name, head) && head;",
    tests: ["tests/rebuild/verify_test.ts"],
  },
  {
    name: "a comparison is made of what live updates changed meanwhile",
    file: "src/rebuild/verification.ts",
    replace: "  await advance(serving.checkpoint);\n",
    by: "",
    tests: ["tests/rebuild/verification_test.ts"],
  },
  {
    name: "keys are compared by UTF-16",
    file: "src/projections/key_order.ts",
    replace: "a !== b && Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0",
    by: "Buffer.isEncoding(a) || a < b",
    tests: ["tests/rebuild/verify_test.ts"],
  },
  {
    name: "whoever comes next swaps in what nobody promoted",
    file: "src/projections/sqlite_projection_store.ts",
    replace: '    if (manual) writeNote(options.file, "manual", "yes");\n',
    by: "    if (manual) options.file.trim();\n",
    tests: ["tests/rebuild/promote_restart_test.ts"],
  },
  {
    name: "a promotion is not written down",
    file: "src/rebuild/promotion.ts",
    replace: "  operation.promoteAt(at);\n",
    by: "",
    tests: [
      "tests/rebuild/promote_test.ts",
      "tests/rebuild/promote_restart_test.ts",
    ],
  },
  {
    name: "a promotion holds for whatever is built",
    file: "src/rebuild/begin_build.ts",
    replace: "      else task.demote();\n",
    by: "",
    tests: ["tests/rebuild/promote_restart_test.ts"],
  },
  {
    name: "a build that waits keeps its place",
    file: "src/rebuild/parking.ts",
    replace: "    this.rest();\n    this.#manual?.onPark();",
    by: "    this.#manual?.onPark();",
    tests: ["tests/rebuild/promote_test.ts"],
  },
  {
    name: "a build that waits is not discarded with its operation",
    file: "src/rebuild/shared_scan.ts",
    replace: "                this.#watchParked(member);\n",
    by: "",
    tests: ["tests/rebuild/promote_test.ts"],
  },
  {
    name: "a rollback goes back from a generation that nobody has seen",
    file: "src/rebuild/roll_back_projection.ts",
    replace: "if (from !== undefined && before.current !== from) {",
    by: "if (from !== undefined && before.previous === from) {",
    tests: ["tests/rebuild/rollback_from_test.ts"],
  },
  {
    name: "any rollback overrules what was asked for after it",
    file: "src/rebuild/interrupted.ts",
    replace: "nameOf(rolledBack) !== rollbacksBefore?.[name];",
    by: "nameOf(rolledBack) !== name;",
    tests: ["tests/rebuild/rollback_clocks_test.ts"],
  },
];
