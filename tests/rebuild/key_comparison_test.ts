import { assert, assertEquals, assertLess } from "@std/assert";
import { clearImmediate, setImmediate } from "node:timers";
import type { Look, Mending } from "../../src/projections/mending.ts";
import type { Generation } from "../../src/projections/projection_store.ts";
import { compareKeys } from "../../src/rebuild/key_comparison.ts";
import { countingProjection } from "../support/course_fixture.ts";

const KEYS = 2_000;
const LARGE = `{"sum":1,"x":"${"x".repeat(50_000)}"}`;

/** Documents that are all missing, and large. */
function fixture() {
  let reads = 0;
  const folded = {
    getMany: (keys: readonly string[]) => {
      reads += keys.length;
      return Promise.resolve(new Map(keys.map((key) => [key, LARGE])));
    },
    deadLetters: () => Promise.resolve([]),
  } as unknown as Generation;
  const look = {
    find: () => undefined,
    isTagged: () => false,
    [Symbol.dispose]() {},
  } as unknown as Look;
  const mending = {
    look: () => look,
    deadLetters: () => [],
  } as unknown as Mending;
  return { folded, mending, reads: () => reads };
}

Deno.test("compareKeys() holds no texts: they are read one by one when they are written, and others run meanwhile", async () => {
  const { folded, mending, reads } = fixture();
  const keys = new Set(Array.from({ length: KEYS }, (_, i) => `k${i}`));
  let turns = 0;
  const count = () => {
    turns++;
    turning = setImmediate(count);
  };
  let turning = setImmediate(count);
  const found = await compareKeys({
    definition: countingProjection("Sums"),
    mending,
    folded,
    keys,
    before: { tags: new Map(), damaged: new Set() },
    signal: new AbortController().signal,
  });
  clearImmediate(turning);
  assert(turns > 0);
  assertEquals(found.keys.length, KEYS);
  const { documents, ...rest } = found.changes;
  assertLess(JSON.stringify({ ...found, changes: rest }).length, 500_000);
  let written = 0;
  for await (const { key, text, tagsAdded } of documents) {
    assert(keys.has(key));
    assertEquals([text, tagsAdded], [LARGE, ["parity:odd"]]);
    // One more than while they were compared, and no further.
    assertEquals(reads(), KEYS + ++written);
  }
  assertEquals(written, KEYS);
});
