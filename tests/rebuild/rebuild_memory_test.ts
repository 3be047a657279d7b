import { assert, assertEquals, assertGreater } from "@std/assert";
import { defineProjection } from "../../mod.ts";
import { openOverMemory } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

type Noted = { type: "Noted"; data: { key: string; note: string } };

const KEYS = 40;
const EVENTS = 3_000;

function notes(): Noted[] {
  return Array.from({ length: EVENTS }, (_, index) => ({
    type: "Noted",
    data: { key: `k${index % KEYS}`, note: `${index}:`.padEnd(1_000, "n") },
  }));
}

/** Counts how often a document came back from disk, and keeps the notes or only their number. */
function noting(name: string, keep: "all" | "number") {
  const known = new WeakSet<object>();
  const seen = { reloads: 0 };
  const definition = defineProjection<
    { count: number; notes: string[] },
    Noted
  >({
    name,
    version: 1,
    eventTypes: ["Noted"],
    key: ({ data }) => data.key,
    apply(state, { data }) {
      if (state && !known.has(state)) seen.reloads++;
      const next = state ?? { count: 0, notes: [] };
      known.add(next);
      next.count++;
      if (keep === "all") next.notes.push(data.note);
      return next;
    },
  });
  return { definition, seen };
}

Deno.test("a rebuild over its memory writes out the largest projection only, and loses nothing", async () => {
  using dir = new TempDir();
  // The small one comes first in every batch: it is the first to find the memory full.
  const large = noting("Notes", "all");
  const small = noting("Counts", "number");
  await using opossum = openOverMemory(
    dir.path,
    [small.definition, large.definition],
    {
      rebuildMemoryBytesMax: 2 * 1_024 * 1_024,
      maxConcurrentRebuilds: 2,
      batchSize: 50,
    },
  );
  await opossum.events.append(notes());
  const { success } = await opossum.rebuilder.rebuildAll();
  assert(success);

  assertGreater(large.seen.reloads, KEYS);
  assertEquals(small.seen.reloads, 0);
  for (const [index, name] of ["Notes", "Counts"].entries()) {
    const { documents } = await opossum.projections.list<
      { count: number; notes: string[] }
    >(name, { limit: KEYS });
    assertEquals(documents.length, KEYS);
    for (const { key, state } of documents) {
      const expected = notes().map(({ data }) => data)
        .filter((data) => data.key === key).map(({ note }) => note);
      assertEquals(state.count, expected.length);
      assertEquals(state.notes, index === 0 ? expected : []);
    }
  }
});
