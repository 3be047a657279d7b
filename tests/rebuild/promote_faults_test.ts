import { assert, assertEquals } from "@std/assert";
import { RebuildNotStartedError } from "../../mod.ts";
import { FaultyFileSystem, MemoryEventStore } from "../../src/testing/mod.ts";
import { counts, openOverMemory } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import {
  AWAIT,
  documentsOf,
  QUIET,
  SUMS,
  whenAwaiting,
} from "./generation_fixture.ts";

/** All operations with `OPOSSUM_TEST_DISK=all`, else each fourth. */
const STEP = Deno.env.get("OPOSSUM_TEST_DISK") === "all" ? 1 : 4;

Deno.test("a promotion that the disk fails leaves one of the two serving, and the next rebuild mends it", async () => {
  let failures = 0;
  let isDone = false;
  for (let nth = 1; !isDone; nth += STEP) {
    using dir = new TempDir();
    const disk = new FaultyFileSystem();
    const events = new MemoryEventStore();
    await events.append(counts(6));
    await using opossum = openOverMemory(dir.path, [SUMS], QUIET, events, disk);
    const { rebuilder, projections } = opossum;
    await rebuilder.rebuildAll();
    const before = await documentsOf(opossum);
    await events.append(counts(3));
    const { id } = await rebuilder.start(["One"], AWAIT);
    await whenAwaiting(opossum, id);
    disk.forget();
    disk.inject({ nth, code: "EIO" });
    let error: unknown;
    await rebuilder.promote(id).catch((thrown) => error = thrown);
    if (error !== undefined) {
      assert(error instanceof RebuildNotStartedError, `${nth}: ${error}`);
      // It goes on waiting, and is promoted once the disk works.
      const waiting = await whenAwaiting(opossum, id);
      assertEquals([waiting.result, waiting.promotedAt], [null, null]);
      disk.heal();
      await rebuilder.promote(id);
    }
    const result = await rebuilder.wait(id);
    isDone = disk.operations.every(({ code }) => code === undefined);
    disk.heal();
    if (!isDone) failures++;
    const { generation, state } = await projections.info("One");
    assertEquals(state, "ready", `${nth}`);
    if (generation === 1) {
      assert(result?.success === false, `${nth}`);
      assertEquals(await documentsOf(opossum), before, `${nth}`);
    }
    assert((await rebuilder.rebuild("One")).success, `${nth}`);
    assertEquals(await documentsOf(opossum), {
      a: { sum: 1 + 4 + 1 },
      b: { sum: 2 + 5 + 2 },
      c: { sum: 3 + 6 + 3 },
    });
    const files = [...Deno.readDirSync(dir.file("projections/One"))]
      .map(({ name }) => name).filter((name) => /\.sqlite$|tmp$/.test(name));
    assertEquals(files.length, 2, `${nth}: ${files}`);
  }
  assert(failures * STEP > 20, `${failures} failures`);
});
