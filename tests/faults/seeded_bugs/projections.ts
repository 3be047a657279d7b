/**
 * Bugs of projections, rebuilds and whoever looks after them.
 *
 * @module
 */
import type { SeededBug } from "./seeded_bug.ts";

/** The bugs. */
export const PROJECTION_BUGS: readonly SeededBug[] = [
  {
    name: "current.json names a generation whose name is not durable",
    file: "src/projections/sqlite_build.ts",
    replace:
      "    await fileSystem.syncDirectory(directory);\n    await writeCurrentFile(",
    by: "    await writeCurrentFile(",
    tests: [
      "tests/faults/crash_states_test.ts",
    ],
  },
  {
    name: "current.json names a generation before it is there",
    file: "src/projections/sqlite_build.ts",
    replace:
      '    fileSystem.rename(\n      file,\n      join(directory, generationFileName(number, "complete")),\n    );\n    // The file must be there under its name before anything points to it.\n    await fileSystem.syncDirectory(directory);\n    await writeCurrentFile(fileSystem, directory, {\n      generation: number,\n      previous,\n      rolledBack: null,\n    });\n',
    by:
      '    await writeCurrentFile(fileSystem, directory, {\n      generation: number,\n      previous,\n      rolledBack: null,\n    });\n    fileSystem.rename(\n      file,\n      join(directory, generationFileName(number, "complete")),\n    );\n    await fileSystem.syncDirectory(directory);\n',
    tests: [
      "tests/faults/crash_states_test.ts",
      "tests/faults/kills_test.ts",
    ],
  },
  {
    name: "a generation is not synced before it serves",
    file: "src/projections/sqlite_build.ts",
    replace: "      await handle.sync();\n",
    by: "      handle.size();\n",
    tests: [
      "tests/faults/crash_states_test.ts",
      "tests/faults/kills_test.ts",
    ],
  },
  {
    name: "the previous generation is deleted",
    file: "src/projections/sqlite_projection_store.ts",
    replace: "    const kept = [current?.generation, current?.previous];",
    by: "    const kept = [current?.generation];",
    tests: [
      "tests/projections",
      "tests/daemon",
    ],
  },
  {
    name: "a build goes on although its definition changed",
    file: "src/projections/fingerprint.ts",
    replace: " && one.fingerprint === other.fingerprint",
    by: "",
    tests: [
      "tests/projections",
      "tests/rebuild",
      "tests/daemon",
    ],
  },
  {
    name: "documents and checkpoint are committed apart",
    file: "src/projections/sqlite_generation.ts",
    replace:
      '      this.#setMeta(checkpointMeta(this.identity, checkpoint, checkpointId));\n      this.#execLong("COMMIT");',
    by:
      '      this.#execLong("COMMIT");\n      this.#setMeta(checkpointMeta(this.identity, checkpoint, checkpointId));',
    tests: [
      "tests/projections",
      "tests/rebuild",
    ],
  },
  {
    name: "live updates go on although another process applied the events",
    file: "src/projections/live_folds.ts",
    replace:
      "    if (kept?.generation === generation && kept.committed === checkpoint) {",
    by: "    if (kept?.generation === generation) {",
    tests: [
      "tests/projections",
      "tests/daemon",
    ],
  },
  {
    name: "a rebuild does not take the lock for its swap",
    file: "src/rebuild/catch_up.ts",
    replace: "        using _lock = await store.lockLive(name, task.signal);\n",
    by: "",
    tests: [
      "tests/rebuild",
      "tests/daemon",
    ],
  },
  {
    name: "a rebuild does not catch up before its swap",
    file: "src/rebuild/catch_up.ts",
    replace:
      "        await this.#feed(member, fold, await events.head(), () => {});\n",
    by: "",
    tests: [
      "tests/rebuild",
      "tests/daemon",
    ],
  },
  {
    name: "the name of the operations folder is not synced",
    file: "src/rebuild/operation_store.ts",
    replace:
      "      await this.#fileSystem.syncDirectory(dirname(this.#directory));\n",
    by: "",
    tests: [
      "tests/faults/crash_states_test.ts",
    ],
  },
  {
    name: "a rebuild keeps what is damaged for going back to it",
    file: "src/projections/number_to_keep.ts",
    replace: "!current || isKnownDamaged(fileOf(current.generation))",
    by: "!current",
    tests: [
      "tests/projections/number_to_keep_test.ts",
    ],
  },
  {
    name: "the old generation is deleted before the new one serves",
    file: "src/projections/sqlite_build.ts",
    replace: "    const previous = previousNumber();\n",
    by:
      '    const previous = previousNumber();\n    if (previous) removeGenerationFile(fileSystem, directory, generationFileName(previous, "complete"));\n',
    tests: [
      "tests/faults/crash_states_test.ts",
    ],
  },
  {
    name: "the folder of a projection is not durable",
    file: "src/projections/sqlite_projection_store.ts",
    replace:
      "    await makeDurableDirectory(fileSystem, this.#directory(name));\n",
    by: "",
    tests: [
      "tests/faults/crash_states_test.ts",
    ],
  },
  {
    name: "old generations are never swept",
    file: "src/projections/sqlite_projection_store.ts",
    replace: "          this.#sweep(name);\n",
    by: "",
    tests: [
      "tests/faults/crash_states_test.ts",
    ],
  },
  {
    name: "current.json has no checksum",
    file: "src/projections/generation_files.ts",
    replace: "if (crc !== crcOf(current)) {",
    by: "if (crc === 0) {",
    tests: [
      "tests/faults/damaged_files_test.ts",
    ],
  },
  {
    name: "a generation's checkpoint has no checksum",
    file: "src/projections/sqlite_connection.ts",
    replace: 'if (meta.get("checksum") !== checksum) {',
    by: "if (checksum === -1) {",
    tests: [
      "tests/faults/damaged_files_test.ts",
    ],
  },
  {
    name: "a projection goes on that is ahead of a restored log",
    file: "src/opossum.ts",
    replace: "disownAhead({",
    by: "void ({",
    tests: [
      "tests/faults/put_back_test.ts",
    ],
  },
  {
    name: "repair repairs without being told",
    file: "src/maintenance/repair.ts",
    replace: "if (!options.apply || planned.length === 0) {",
    by: "if (planned.length === 0) {",
    tests: [
      "tests/maintenance/repair_test.ts",
    ],
  },
  {
    name: "repair takes what is in use",
    file: "src/maintenance/repair.ts",
    replace: "if (!lock.tryAcquire()) return false;",
    by: "lock.tryAcquire();",
    tests: [
      "tests/maintenance/repair_test.ts",
    ],
  },
  {
    name: "verify --deep does not compare documents",
    file: "src/maintenance/projection_check.ts",
    replace: "if (differing === 0) continue;",
    by: "if (differing >= 0) continue;",
    tests: [
      "tests/maintenance/verify_test.ts",
    ],
  },
  {
    name: "a standby never takes over",
    file: "src/daemon/ownership.ts",
    replace: "if (!lock)",
    by: "if (!lock || lock)",
    tests: [
      "tests/daemon/ownership_test.ts",
    ],
  },
  {
    name: "a quarantined document is updated",
    file: "src/projections/fold.ts",
    replace: "isQuarantined(key)) continue",
    by: 'isQuarantined(key) && key === "") continue',
    tests: ["tests/projections/quarantine_test.ts"],
  },
  {
    name: "what is passed over is not recorded",
    file: "src/projections/sqlite_generation.ts",
    replace: "writeDeadLetters(",
    by: "void (",
    tests: [
      "tests/projections/error_policy_test.ts",
    ],
  },
  {
    name: "dead letters have no bound",
    file: "src/projections/dead_letters.ts",
    replace: "#failures >= deadLettersMax",
    by: "#failures >= Infinity",
    tests: [
      "tests/projections/error_policy_test.ts",
    ],
  },
  {
    name: "a build goes on with another version of its definition",
    file: "src/projections/sqlite_projection_store.ts",
    replace: "found.version === identity.version &&",
    by: "",
    tests: [
      "tests/rebuild/changed_code_test.ts",
    ],
  },
  {
    name: "a build goes on with other code",
    file: "src/projections/sqlite_projection_store.ts",
    replace: "found.fingerprint === identity.fingerprint",
    by: 'found.fingerprint !== ""',
    tests: [
      "tests/rebuild/changed_code_test.ts",
    ],
  },
  {
    name: "a rejected promise of a definition ends the process",
    file: "src/projections/definition_code.ts",
    replace: "value.catch(() => {})",
    by: "void value",
    tests: [
      "tests/projections/error_policy_test.ts",
    ],
  },
  {
    name: "what SQLite kept beside a deleted database is never swept",
    file: "src/projections/sqlite_projection_store.ts",
    replace: "    sweepCompanions(",
    by: "    void (",
    tests: [
      "tests/projections/sqlite_projection_store_test.ts",
    ],
  },
  {
    name: "locks in use are forgotten when many are",
    file: "src/projections/projection_locks.ts",
    replace: ".filter(([, lock]) => lock.isIdle);",
    by: ".filter(() => true);",
    tests: [
      "tests/projections",
    ],
  },
  {
    name: "every lock file that was ever needed stays open",
    file: "src/projections/projection_locks.ts",
    replace: "    if (this.#locks.size < IDLE_MAX) return;",
    by: "    if (this.#locks.size >= 0) return;",
    tests: [
      "tests/projections",
    ],
  },
  {
    name: "a health check says nothing of a store that takes no appends",
    file: "api/health_routes.ts",
    replace: 'if (appends.state !== "refused") return undefined;',
    by: "if (appends) return undefined;",
    tests: [
      "tests/api/health_routes_test.ts",
    ],
  },
  {
    name: "tags of documents are not checked",
    file: "src/projections/definition_code.ts",
    replace: 'for (const tag of list) assertText("tag", tag);',
    by: "void list;",
    tests: [
      "tests/faults/hostile_texts_test.ts",
    ],
  },
  {
    name: "a rebuild begins in a store that only reads",
    file: "src/rebuild/errors.ts",
    replace: 'if (readOnly) throw openedReadOnly("rebuild");',
    by: "void readOnly;",
    tests: [
      "tests/faults/read_only_test.ts",
    ],
  },
];
