import { assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import type { StoredEvent } from "../../mod.ts";
import { ProjectionCheck } from "../../src/maintenance/projection_check.ts";
import { freezeEvents } from "../../src/projections/freeze_events.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import {
  damageDocuments,
  type NodeEvent,
  nodesProjection,
} from "../rebuild/repair_fixture.ts";
import { openOverMemory } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

const FILE = "projections/Nodes/000001.sqlite";

/** Events of every kind, of many documents. */
function nodeEvents(count: number): NodeEvent[] {
  return Array.from({ length: count }, (_, i): NodeEvent => {
    const id = `n${i % 37}`;
    if (i % 11 === 10) return { type: "Dropped", data: { id } };
    if (i % 13 === 12) return { type: "Poisoned", data: { id } };
    return i % 3 === 0
      ? { type: "Named", data: { id, name: `name ${i}` }, tags: [`id:${id}`] }
      : { type: "Linked", data: { from: id, to: `n${(i * 7) % 37}` } };
  });
}

Deno.test("a comparison folds part by part what does not fit in memory, and finds the same", async () => {
  using dir = new TempDir();
  const log = new MemoryEventStore();
  const definition = nodesProjection("quarantine");
  {
    await using opossum = openOverMemory(dir.path, [definition], {}, log);
    await log.append(nodeEvents(600));
    await opossum.rebuilder.rebuild("Nodes");
  }
  const compare = async (bytesMax: number) => {
    const scratch = Deno.makeTempDirSync({ dir: dir.path });
    using check = new ProjectionCheck({
      fileSystem: denoFileSystem,
      definition,
      database: new DatabaseSync(dir.file(FILE), { readOnly: true }),
      checkpoint: 600,
      scratch,
      bytesMax,
    });
    let hasSpilled = false;
    for await (const { events } of log.readBatches("all", { batchSize: 50 })) {
      freezeEvents(events);
      await check.see(events as StoredEvent[], 5_000);
      hasSpilled ||= [...Deno.readDirSync(scratch)]
        .some(({ name }) => name.endsWith(".spill"));
    }
    return { ...await check.finish(), hasSpilled };
  };
  const SMALL = 1_000;
  const LARGE = 2 ** 26;
  const right = { isCompared: true, what: undefined };
  assertEquals(await compare(LARGE), { ...right, hasSpilled: false });
  assertEquals(await compare(SMALL), { ...right, hasSpilled: true });
  damageDocuments(dir.file(FILE), [{ kind: "delete", at: 3 }]);
  for (const bytesMax of [SMALL, LARGE]) {
    const { what } = await compare(bytesMax);
    assertEquals(what, "1 of 35 documents are not what the log says");
  }
});
