import { assert, assertEquals } from "@std/assert";
import { RebuildNotStartedError } from "../../mod.ts";
import { FaultyFileSystem } from "../../src/testing/mod.ts";
import { openOverMemory } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { OFF, QUIET, twoVersions } from "./generation_fixture.ts";

Deno.test("rollback() that the disk fails changes all or nothing, says which, and can be asked for again", async () => {
  using dir = new TempDir();
  const events = await twoVersions(dir.path);
  const disk = new FaultyFileSystem();
  await using opossum = openOverMemory(dir.path, [OFF], QUIET, events, disk);
  const { rebuilder, projections } = opossum;
  const serving = async () => (await projections.info("One")).generation;
  let failures = 0;
  let isDone = false;
  for (let nth = 1; !isDone; nth++) {
    const before = await serving();
    disk.inject({ nth, code: "EIO" });
    let error: unknown;
    await rebuilder.rollback("One").catch((thrown) => error = thrown);
    disk.heal();
    const changed = await serving() !== before;
    isDone = error === undefined && changed;
    if (error === undefined) continue;
    failures++;
    assert(!changed || !(error instanceof RebuildNotStartedError), `${nth}`);
    const files = [...Deno.readDirSync(dir.file("projections/One"))]
      .map(({ name }) => name).filter((name) => /(sqlite|tmp)$/.test(name));
    assertEquals(files.sort(), ["000001.sqlite", "000002.sqlite"], `${nth}`);
  }
  // Reading, locking, and each step of replacing the file.
  assert(failures > 5, `${failures} failures`);
  const before = await serving();
  await rebuilder.rollback("One");
  assert(await serving() !== before);
});
