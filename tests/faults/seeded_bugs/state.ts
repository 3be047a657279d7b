/**
 * Bugs of what keeps damaged and foreign documents from being taken for good ones.
 *
 * @module
 */
import type { SeededBug } from "./seeded_bug.ts";

/** The bugs. */
export const STATE_BUGS: readonly SeededBug[] = [
  {
    name: "a document is not compared with its checksum",
    file: "src/projections/row_sums.ts",
    replace: "if (sum === sumOfDocument(key, text) || sum === null) return;",
    by: "if (sum !== undefined) return;",
    tests: [
      "tests/faults/damaged_documents_test.ts",
    ],
  },
  {
    name: "a related event is not compared with its checksum",
    file: "src/projections/row_sums.ts",
    replace: "if (sum !== sumOfRelated(position, text)) {",
    by: "if (sum === undefined) {",
    tests: [
      "tests/projections/sqlite_generation_test.ts",
    ],
  },
  {
    name: "a page of documents is not compared with its checksums",
    file: "src/projections/generation_rows.ts",
    replace: "  for (const row of rows) assertDocument(row);\n",
    by: "",
    tests: [
      "tests/faults/damaged_documents_test.ts",
    ],
  },
  {
    name: "a projection in which damage was found is read from",
    file: "src/projections/generation_leases.ts",
    replace: "    this.#assertUndamaged(name, version);\n",
    by: "",
    tests: [
      "tests/faults/damaged_documents_test.ts",
    ],
  },
  {
    name: "damage is not written down",
    file: "src/projections/generation_leases.ts",
    replace: "damage.isMarked = markDamaged(file, what);",
    by: "damage.isMarked = what !== file;",
    tests: [
      "tests/faults/damaged_documents_test.ts",
    ],
  },
  {
    name: "damage is written down where nothing may be written",
    file: "src/projections/generation_leases.ts",
    replace: 'if (damage.isMarked || use === "reading") return;',
    by: "if (damage.isMarked) return;",
    tests: [
      "tests/faults/damaged_documents_test.ts",
    ],
  },
  {
    name: "damage of a generation that does not serve is told of",
    file: "src/projections/generation_leases.ts",
    replace: "if (this.#damages.has(name) || now !== version) return;",
    by: "if (this.#damages.has(name) || !now) return;",
    tests: [
      "tests/projections/generation_leases_test.ts",
    ],
  },
  {
    name: "a projection that is found to be damaged is not rebuilt",
    file: "src/daemon/opossum_daemon.ts",
    replace: "    this.#damaged.add(name);\n",
    by: "",
    tests: [
      "tests/faults/damaged_documents_test.ts",
    ],
  },
  {
    name: "a projection of another history is taken",
    file: "src/projections/disown_ahead.ts",
    replace: "idAt(checkpoint) === checkpointId",
    by: "idAt(checkpoint)",
    tests: [
      "tests/faults/put_back_test.ts",
    ],
  },
  {
    name: "a generation does not say which event it has come to",
    file: "src/projections/fold_progress.ts",
    replace: "    this.#id = id;\n",
    by: "    this.#id = undefined;\n",
    tests: [
      "tests/faults/put_back_test.ts",
    ],
  },
  {
    name: "live updates wait for a lock while there is more to apply",
    file: "src/daemon/live_loop.ts",
    replace: "    if (!mayWait) return hasMoved;\n",
    by: "",
    tests: [
      "tests/daemon/live_loop_test.ts",
    ],
  },
  {
    name: "a page that SQLite finds malformed is forgotten again",
    file: "src/projections/unusable_files.ts",
    replace: "  if (code !== undefined) return LASTING_CODES.includes(code);\n",
    by: "",
    tests: [
      "tests/faults/damaged_documents_test.ts",
    ],
  },
  {
    name: "faulted projections are not measured",
    file: "src/projections/projection_gauges.ts",
    replace: "isFaulted: fault !== null",
    by: "isFaulted: fault === undefined",
    tests: [
      "tests/telemetry/projection_health_test.ts",
    ],
  },
  {
    name: "what other code made is not measured as stale",
    file: "src/projections/projection_gauges.ts",
    replace: "isStale: numbers.isForeign || numbers.checkpoint > head,",
    by: "isStale: numbers.checkpoint > head,",
    tests: [
      "tests/telemetry/projection_health_test.ts",
      "tests/projections/projection_gauges_test.ts",
    ],
  },
  {
    name: "of two stores that report the same, one counts alone",
    file: "src/telemetry/observed_group.ts",
    replace: "other ? merge(other, observation) : observation",
    by: "observation",
    tests: [
      "tests/telemetry/observed_group_test.ts",
    ],
  },
  {
    name: "events that were counted during a rebuild count at its end again",
    file: "src/rebuild/report.ts",
    replace: "this.#telemetry.rebuildEvents.add(most - counted, {",
    by: "this.#telemetry.rebuildEvents.add(most, {",
    tests: [
      "tests/rebuild/rebuild_metrics_test.ts",
    ],
  },
  {
    name: "metrics open closed databases at each collection",
    file: "src/projections/projection_gauges.ts",
    replace: "    if (isGood && !store.isOpen(name)) return last.numbers;\n",
    by: "",
    tests: [
      "tests/projections/projection_gauges_test.ts",
    ],
  },
];
