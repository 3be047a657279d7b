import { assert, assertEquals, assertLess } from "@std/assert";
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

/** Records in which order events are applied, and keeps the notes or only their number. */
function noting(name: string, keep: "all" | "number") {
  const seen = { positions: [] as number[] };
  const definition = defineProjection<
    { count: number; notes: string[] },
    Noted
  >({
    name,
    version: 1,
    eventTypes: ["Noted"],
    key: ({ data }) => data.key,
    apply(state, { data, position }) {
      seen.positions.push(position);
      const next = state ?? { count: 0, notes: [] };
      next.count++;
      if (keep === "all") next.notes.push(data.note);
      return next;
    },
  });
  return { definition, seen };
}

/** How often the document changes from one event to the next. */
function changesOfDocument(positions: readonly number[]): number {
  return positions.filter((position, index) =>
    index > 0 && position % KEYS !== (positions[index - 1] ?? 0) % KEYS
  ).length;
}

Deno.test("a rebuild over its memory completes one part of the documents after the other", async () => {
  using dir = new TempDir();
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

  for (const { seen } of [large, small]) {
    assertEquals(seen.positions.length, EVENTS);
    assertEquals(new Set(seen.positions).size, EVENTS);
    // What was folded before the memory was full, then one part after the other. In the log the
    // document changes with every event.
    const late = seen.positions.slice(EVENTS / 2);
    assertLess(changesOfDocument(late), late.length / 4);
  }
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
