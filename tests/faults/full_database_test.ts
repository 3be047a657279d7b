import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { FakeClock } from "../../src/testing/mod.ts";
import { DiskSession } from "./disk_session.ts";

/** Lets nothing be written to a projection's documents, as on a full disk, until disposed. */
function fillUp(path: string, name: string): Disposable {
  const run = (sql: string) => {
    const database = new DatabaseSync(
      `${path}/projections/${name}/000001.sqlite`,
    );
    database.exec(sql);
    database.close();
  };
  run(
    "CREATE TRIGGER full BEFORE INSERT ON documents " +
      "BEGIN SELECT RAISE(ROLLBACK, 'database or disk is full'); END",
  );
  return { [Symbol.dispose]: () => run("DROP TRIGGER full") };
}

Deno.test("a projection whose database is full keeps its checkpoint and documents, the others go on, and it catches up once there is room", async () => {
  using session = new DiskSession();
  const clock = new FakeClock();
  await using open = await session.open({ clock });
  const { store, assembly: { daemon, projections, rebuilder } } = open;
  for (let n = 0; n < 3; n++) await session.append(store);
  assert((await rebuilder.rebuildAll()).success);
  await daemon.start();
  await daemon.whenStarted();
  await clock.whenSleeping();
  {
    using _full = fillUp(session.path, "One");
    for (let n = 0; n < 3; n++) await session.append(store);
    await projections.waitFor(6, { names: ["Two"] });
    await clock.whenSleeping();
    const { checkpoint, state } = await projections.info("One");
    assertEquals([checkpoint, state], [3, "ready"]);
    assertEquals(await projections.get("One", "a"), { sum: 3 });
  }
  await clock.advance(5_000);
  await projections.waitFor(6);
  for (const name of ["One", "Two"]) {
    assertEquals(await projections.get(name, "a"), { sum: 9 });
  }
  await daemon.stop();
});
