import { assert, assertEquals, assertGreater } from "@std/assert";
import { KeyRebuildError } from "../../mod.ts";
import { FaultyFileSystem, MemoryEventStore } from "../../src/testing/mod.ts";
import { counts, openOverMemory } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { contentOf, damageDocuments } from "./repair_fixture.ts";
import { change, changesOf, FILE, sums } from "./sums_fixture.ts";

/** As the system says it where a disk does not answer, and where it has no files left. */
for (const code of ["EIO", "EMFILE"]) {
  Deno.test(`repair() that the disk fails with ${code} calls nothing damaged, changes all or nothing, and can be asked for again`, async () => {
    using dir = new TempDir();
    const events = new MemoryEventStore();
    const disk = new FaultyFileSystem();
    const options = { enableAutoRebuild: false };
    await using opossum = openOverMemory(
      dir.path,
      [sums],
      options,
      events,
      disk,
    );
    const { rebuilder, projections } = opossum;
    await events.append(counts(9));
    await rebuilder.rebuild("Sums");
    const sound = contentOf(dir.file(FILE));
    let failures = 0;
    let isStruck = true;
    for (let nth = 1; isStruck; nth++) {
      damageDocuments(dir.file(FILE), [change(0)]);
      const damaged = contentOf(dir.file(FILE));
      disk.forget();
      disk.inject({ nth, code });
      let error: unknown;
      await rebuilder.repair("Sums").catch((thrown) => error = thrown);
      disk.heal();
      const did = disk.operations.find((each) => each.code === code);
      const where = `${nth}: ${did?.kind} ${did?.path}`;
      const left = contentOf(dir.file(FILE));
      const isMended = JSON.stringify(left) === JSON.stringify(sound);
      assertEquals(left, isMended ? sound : damaged, where);
      assert(!(error instanceof KeyRebuildError), `${where}: ${error}`);
      assertEquals((await projections.info("Sums")).state, "ready", where);
      isStruck = did !== undefined;
      if (error !== undefined) failures++;
      const again = await rebuilder.repair("Sums");
      assertEquals(changesOf(again), isMended ? {} : { a: "changed" }, where);
      const names = [...Deno.readDirSync(dir.file("projections/Sums"))]
        .map(({ name }) => name);
      assertEquals(names.filter((name) => name.endsWith(".tmp")), []);
    }
    // Locks, reading `current.json`, and each step of replacing it, twice.
    assertGreater(failures, 15);
  });
}

Deno.test("repair() has the disk write what it changed before it says that it is done", async () => {
  using dir = new TempDir();
  const events = new MemoryEventStore();
  const disk = new FaultyFileSystem();
  await using opossum = openOverMemory(dir.path, [sums], {}, events, disk);
  await events.append(counts(9));
  await opossum.rebuilder.rebuild("Sums");
  damageDocuments(dir.file(FILE), [change(0)]);
  // Somebody has it open: what is written stays in the log of the database.
  await opossum.projections.info("Sums");
  disk.forget();
  await opossum.rebuilder.repair("Sums");
  const synced = disk.operations
    .filter(({ kind }) => kind === "sync" || kind === "syncDirectory")
    .map(({ kind, path }) =>
      `${kind} ${
        path.replace(`${dir.path}/`, "").replace(/\.json\..+/, ".json.tmp")
      }`
    );
  const told = [
    "sync projections/Sums/current.json.tmp",
    "syncDirectory projections/Sums",
  ];
  assertEquals(synced, [
    ...told,
    `sync ${FILE}-wal`,
    `sync ${FILE}`,
    ...told,
  ]);
});
