import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import { openOverMemory } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import {
  contentOf,
  type Damage,
  damageDocuments,
  type NodeEvent,
  nodesProjection,
} from "./repair_fixture.ts";

const id = fc.constantFrom("a", "b", "c", "d/e", "f%", "ü");
const event: fc.Arbitrary<NodeEvent> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ id, name: fc.string({ maxLength: 4 }) }),
  },
  { weight: 3, arbitrary: fc.record({ from: id, to: id }) },
  { weight: 1, arbitrary: fc.record({ id }) },
  { weight: 1, arbitrary: fc.record({ id, poison: fc.constant("yes") }) },
).map((data): NodeEvent => {
  if ("from" in data) return { type: "Linked", data };
  if ("name" in data) {
    return { type: "Named", data, tags: [`id:${data.id}`, "named"] };
  }
  return "poison" in data
    ? { type: "Poisoned", data: { id: data.id } }
    : { type: "Dropped", data };
});
const events = fc.array(event, { minLength: 1, maxLength: 25 });
const at = fc.nat(20);
const damage: fc.Arbitrary<Damage> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("change" as const), at }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("delete" as const), at }),
  },
  fc.record({
    kind: fc.constant("foreign" as const),
    key: fc.constantFrom("x", "a"),
  }),
  fc.record({
    kind: fc.constant("orphanTag" as const),
    key: fc.constantFrom("x", "a"),
  }),
  fc.record({ kind: fc.constant("dropTags" as const) }),
);

/**
 * Whether a document is slipped in, checksum and all, under a key that events of the log have: then
 * it passes for one of the projection's, which only comparing with the log would tell.
 */
function passesForSound(
  damage: Damage,
  events: readonly NodeEvent[],
): boolean {
  return damage.kind === "foreign" &&
    events.some(({ data }) => Object.values(data).includes(damage.key));
}

Deno.test("repair() makes a projection what a rebuild would, whatever happened to its documents, while events are appended", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(events, { minLength: 1, maxLength: 4 }),
      events,
      fc.array(damage, { maxLength: 4 }),
      fc.constantFrom("skip" as const, "quarantine" as const),
      fc.constantFrom(1, 3, 1_000),
      async (before, meanwhile, damages, errorPolicy, batchSize) => {
        using dir = new TempDir();
        const log = new MemoryEventStore();
        const projections = [nodesProjection(errorPolicy)];
        const open = () =>
          openOverMemory(dir.path, projections, { batchSize }, log);
        await using opossum = open();
        const { daemon, projections: reads, rebuilder } = opossum;
        await daemon.start();
        await daemon.whenStarted();
        for (const each of before) {
          const { last } = await log.append(each);
          await reads.waitFor(last);
        }
        const file = dir.file("projections/Nodes/000001.sqlite");
        const all = [...before.flat(), ...meanwhile];
        damageDocuments(
          file,
          damages.filter((each) => !passesForSound(each, all)),
        );
        const repairing = rebuilder.repair("Nodes");
        for (const each of meanwhile) await log.append([each]);
        const { checkpoint, keys } = await repairing;
        const head = await log.head();
        await reads.waitFor(head);
        assert(checkpoint <= head);
        assertEquals((await reads.info("Nodes")).state, "ready");
        const repaired = contentOf(file);
        await daemon.stop();
        const { success } = await rebuilder.rebuild("Nodes");
        assert(success);
        const { generation } = await reads.info("Nodes");
        assertEquals(generation, 2);
        const rebuilt = contentOf(dir.file("projections/Nodes/000002.sqlite"));
        assertEquals(repaired, rebuilt);
        assertEquals(
          keys.map(({ key }) => key),
          keys.map(({ key }) => key).sort(),
        );
      },
    ),
    { numRuns: 20 },
  );
});
