/**
 * Bugs of looking for damage, and of mending it document by document.
 *
 * @module
 */
import type { SeededBug } from "./seeded_bug.ts";

const REPAIRS = [
  "tests/rebuild/rebuild_keys_test.ts",
  "tests/rebuild/repair_refusals_test.ts",
];
const PROPERTY = ["tests/rebuild/repair_property_test.ts"];
const SCRUBS = ["tests/daemon/scrub_test.ts"];

/** The bugs. */
export const HEALTH_BUGS: readonly SeededBug[] = [
  {
    name: "documents are mended, and nobody who holds them is told",
    file: "src/projections/generation_mending.ts",
    replace: "    await atomicReplace(fileSystem, this.#current, text);\n",
    by: "    void atomicReplace;\n",
    tests: REPAIRS,
  },
  {
    name: "whoever holds mended documents is told too late",
    file: "src/projections/generation_mending.ts",
    replace:
      "    await this.#tellOthers();\n    try {\n      await this.#write(changes);",
    by: "    try {\n      await this.#write(changes);",
    tests: ["tests/faults/repair_kills_test.ts"],
  },
  {
    name: "documents are mended without the live lock",
    file: "src/rebuild/key_rebuilder.ts",
    replace: "    using _lock = await store.lockLive(name, signal);\n",
    by: "",
    tests: REPAIRS,
  },
  {
    name: "documents are mended during a rebuild",
    file: "src/rebuild/key_rebuilder.ts",
    replace: "    if (!lock) {\n      throw new RebuildConflictError",
    by: "    if (lock && !lock) {\n      throw new RebuildConflictError",
    tests: REPAIRS,
  },
  {
    name: "mended documents are as of an earlier checkpoint",
    file: "src/rebuild/key_rebuilder.ts",
    replace: "    await fold.feed(checkpoint);\n",
    by: "",
    tests: REPAIRS,
  },
  {
    name: "a missing document that live updates begin anew counts as sound",
    file: "src/projections/generation_look.ts",
    replace: '    execute(database, "BEGIN");\n',
    by: "",
    tests: REPAIRS,
  },
  {
    name: "mended documents keep the tags that they had",
    file: "src/rebuild/key_comparison.ts",
    replace: "differing.push({ key, tagsAdded, tagsRemoved });",
    by: "differing.push({ key, tagsAdded, tagsRemoved: [] });",
    tests: PROPERTY,
  },
  {
    name: "a lost document that was counted stays counted",
    file: "src/projections/generation_mending.ts",
    replace: "(SELECT count(*) FROM documents) WHERE name = 'documents'",
    by: "value + 1 WHERE name = 'documents'",
    tests: PROPERTY,
  },
  {
    name: "foreign documents stay",
    file: "src/rebuild/key_rebuilder.ts",
    replace: "      await survey.addForeign();\n",
    by: "",
    tests: ["tests/api/key_routes_test.ts", ...REPAIRS, ...PROPERTY],
  },
  {
    name: "a repair passes over lost related events",
    file: "src/rebuild/key_rebuilder.ts",
    replace: "      await survey.compareRelated(folded);\n",
    by: "      void folded;\n",
    tests: REPAIRS,
  },
  {
    name: "rebuilding one document says that the whole projection is sound",
    file: "src/rebuild/key_refusals.ts",
    replace:
      "  if (damage === undefined || (isRepair && isRowDamage(damage))) return;",
    by:
      "  if (damage === undefined || isRowDamage(damage) || isRepair) return;",
    tests: REPAIRS,
  },
  {
    name: "a repair says that a projection is sound whatever was wrong with it",
    file: "src/projections/row_sums.ts",
    replace: "  return ROW_DAMAGE.test(what);",
    by: "  return ROW_DAMAGE.test(what) || true;",
    tests: REPAIRS,
  },
  {
    name: "a repaired projection stays marked",
    file: "src/projections/generation_mending.ts",
    replace:
      '      if (isSound) prepare("DELETE FROM meta WHERE name = ?").run(DAMAGED);\n',
    by: "",
    tests: REPAIRS,
  },
  {
    name: "what a killed repair left aside stays for ever",
    file: "src/projections/generation_mending.ts",
    replace: "    sweepTemporaries(fileSystem, dirname(location.file));\n",
    by: "",
    tests: ["tests/faults/repair_kills_test.ts"],
  },
  {
    name: "a scrub calls damaged what was switched meanwhile",
    file: "src/projections/generation_scrub.ts",
    replace: "      if (!isSound && look() !== version) continue;\n",
    by: "",
    tests: SCRUBS,
  },
  {
    name: "a scrub calls damaged what cannot be read just now",
    file: "src/projections/generation_scrub.ts",
    replace:
      '      return { ...NOTHING, state: "unavailable", problem: wordsOf(error) };\n    }\n  }\n  const',
    by:
      '      return { ...NOTHING, state: "damaged", problem: wordsOf(error) };\n    }\n  }\n  const',
    tests: SCRUBS,
  },
  {
    name: "a scrub does not count documents",
    file: "src/projections/generation_scrub.ts",
    replace:
      "      if (said !== found) throw new FindingError(otherCount(said, found));\n",
    by: '      if (otherCount(said, found) === "") return 0;\n',
    tests: SCRUBS,
  },
  {
    name: "a scrub does not look whether documents are found",
    file: "src/projections/generation_scrub.ts",
    replace: "if (!isText || find.get(key)?.row !== row) throw mismatch();",
    by: "if (!isText || find.get(key)?.row === 0) throw mismatch();",
    tests: SCRUBS,
  },
  {
    name: "a scrub marks what is damaged where nothing may be written",
    file: "src/daemon/scrubber.ts",
    replace: '    if (found.state === "damaged" && !readOnly) {',
    by: '    if (found.state === "damaged" || readOnly) {',
    tests: SCRUBS,
  },
  {
    name: "what a scrub finds is not marked",
    file: "src/projections/generation_leases.ts",
    replace:
      "    this.#damages.set(name, damage);\n    mark(damage);\n    onDamage(name);",
    by: "    this.#damages.set(name, damage);\n    onDamage(name);",
    tests: SCRUBS,
  },
  {
    name: "nobody is told of what a scrub finds",
    file: "src/projections/generation_leases.ts",
    replace:
      "    this.#damages.set(name, damage);\n    mark(damage);\n    onDamage(name);",
    by: "    this.#damages.set(name, damage);\n    mark(damage);",
    tests: SCRUBS,
  },
  {
    name: 'what is stale is rebuilt although only "missing" was asked for',
    file: "src/rebuild/opossum_rebuilder.ts",
    replace: "      !(onlyMissing && servesOldDocuments(each))",
    by: "      !(onlyMissing && !servesOldDocuments(each))",
    tests: ["tests/daemon/stale_test.ts"],
  },
];
