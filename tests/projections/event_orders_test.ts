import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  ProjectionDamagedError,
  ProjectionUnavailableError,
} from "../../src/projections/errors.ts";
import {
  addSuspect,
  EventOrderStore,
  readOrders,
  removeSuspect,
} from "../../src/projections/event_orders.ts";
import { SqliteProjectionStore } from "../../src/projections/sqlite_projection_store.ts";
import { systemClock } from "../../src/events/clock.ts";
import { atomicReplace } from "../../src/storage/atomic_replace.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { makeDurableDirectory } from "../../src/storage/durable_directory.ts";
import { FakeClock, FaultyFileSystem } from "../../src/testing/mod.ts";
import { crashStates } from "../faults/crash/crash_states.ts";
import { Random } from "../faults/crash/random.ts";
import { SimulatedDatabases } from "../faults/crash/simulated_databases.ts";
import { SimulatedDisk } from "../faults/crash/simulated_disk.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { unsynced } from "../log/support.ts";
import { TempDir } from "../support/temp_dir.ts";

const IDENTITY = { projectionName: "One", version: 1, fingerprint: "code" };
const OTHERS = [
  { ...IDENTITY, version: 2 },
  { ...IDENTITY, fingerprint: "other code" },
];
const AT = "2026-01-01T00:00:00.000Z";

async function onDisk() {
  const databases = new SimulatedDatabases();
  const fileSystem = new SimulatedDisk(databases);
  const directory = "/data/projections/One";
  await makeDurableDirectory(fileSystem, directory);
  const orders = new EventOrderStore({
    fileSystem,
    directory: "/data/projections",
    clock: systemClock,
  });
  const folder = { fileSystem, directory };
  return {
    folder,
    orders,
    [Symbol.dispose]: () => databases[Symbol.dispose](),
  };
}

Deno.test("orders hold for one version and one code, and are added to", async () => {
  using disk = await onDisk();
  const { folder, orders } = disk;
  await orders.addSkip(IDENTITY, 3);
  await orders.addSkip(IDENTITY, 5);
  await addSuspect(folder, IDENTITY, { position: 7, at: AT });
  await addSuspect(folder, IDENTITY, { position: 9, at: AT });
  const expected = { skips: [3, 5], suspects: [7, 9] };
  assertEquals(readOrders(folder, IDENTITY), expected);
  for (const other of OTHERS) {
    assertEquals(readOrders(folder, other), { skips: [], suspects: [] });
  }
  await removeSuspect(folder, "One", 7);
  assertEquals(readOrders(folder, IDENTITY), { skips: [3, 5], suspects: [9] });
});

Deno.test("no power cut takes back an order, or that an event is not suspected any more", async () => {
  using disk = await onDisk();
  const { folder, orders } = disk;
  const steps = [
    () => addSuspect(folder, IDENTITY, { position: 7, at: AT }),
    () => orders.addSkip(IDENTITY, 3),
    () => removeSuspect(folder, "One", 7),
    () => addSuspect(folder, IDENTITY, { position: 9, at: AT }),
    () => orders.clearSuspects("One"),
  ];
  for (const [step, order] of steps.entries()) {
    await order();
    const before = readOrders(folder, IDENTITY);
    const left = crashStates(folder.fileSystem.view(), new Random(step), 50);
    for (const view of left) {
      using databases = new SimulatedDatabases();
      const fileSystem = new SimulatedDisk(databases, view);
      const found = readOrders({ ...folder, fileSystem }, IDENTITY);
      assertEquals(found, before, `after step ${step}`);
    }
  }
});

Deno.test("skip() orders nothing while another process changes the projection", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  const poison = countingProjection("One", {
    apply: (state, { data: { by }, position }) => {
      if (position === 3) throw new Error("It cannot be applied");
      return { sum: (state?.sum ?? 0) + by };
    },
  });
  await using opossum = openOverMemory(
    dir.path,
    [poison],
    { clock },
    undefined,
    // Nothing is in the way of the order but the lock.
    unsynced,
  );
  const { daemon, events, projections, rebuilder } = opossum;
  await events.append(counts(2));
  await rebuilder.rebuildAll();
  await daemon.start();
  await daemon.whenStarted();
  await events.append(counts(2));
  await projections.waitFor(2);
  while (!(await projections.info("One")).fault) await clock.advance(0);
  const directory = dir.file("projections");
  const skips = `${directory}/One/skips.json`;
  await using other = new SqliteProjectionStore({
    directory,
    fileSystem: denoFileSystem,
    clock,
  });
  const held = await other.lockLive("One");
  const skipping = daemon.skip("One", 3);
  for (let i = 0; i < 20; i++) await clock.advance(50);
  assert(!denoFileSystem.exists(skips));
  held[Symbol.dispose]();
  let isOver = false;
  skipping.finally(() => isOver = true);
  while (!isOver) await clock.advance(50);
  await skipping;
  assert(denoFileSystem.exists(skips));
});

Deno.test("readOrders() does not call damaged what the system does not let it read just now", async () => {
  using disk = await onDisk();
  const { folder, orders } = disk;
  await orders.addSkip(IDENTITY, 3);
  const fileSystem = new FaultyFileSystem(folder.fileSystem);
  fileSystem.inject({ kind: "open", code: "EMFILE" });
  assertThrows(
    () => readOrders({ ...folder, fileSystem }, IDENTITY),
    ProjectionUnavailableError,
    "skips.json",
  );
  assertEquals(readOrders(folder, IDENTITY).skips, [3]);
  folder.fileSystem.remove(`${folder.directory}/skips.json`);
  await atomicReplace(folder.fileSystem, `${folder.directory}/skips.json`, "{");
  assertThrows(
    () => readOrders(folder, IDENTITY),
    ProjectionDamagedError,
    "skips.json",
  );
});
