import { assert, assertEquals } from "@std/assert";
import {
  LogCorruptionError,
  openOpossum,
  type Opossum,
  silentLogger,
} from "../../mod.ts";
import { countingProjection, counts } from "../support/course_fixture.ts";
import { copyFolder, TestFolder } from "../log/support.ts";
import { checkLog } from "./invariants.ts";

const PROJECTION = countingProjection("Sums");

async function open(
  folder: TestFolder,
  { enableAutoRebuild = false, startDaemon = true } = {},
): Promise<Opossum> {
  const opossum = await openOpossum({
    path: folder.path,
    projections: [PROJECTION],
    logger: silentLogger,
    enableAutoRebuild,
    startDaemon,
  });
  if (startDaemon) await opossum.daemon.whenStarted();
  return opossum;
}

/** Appends so many events, and has them applied. */
async function fill(
  folder: TestFolder,
  count: number,
  by = 1,
): Promise<void> {
  await using opossum = await open(folder, { enableAutoRebuild: true });
  const events = counts(count).map((event) => ({
    ...event,
    data: { ...event.data, by },
  }));
  const { last } = await opossum.events.append(events);
  await opossum.projections.waitFor(last);
}

/** The sum over all documents, and how the projection stands. */
async function standing(
  opossum: Opossum,
): Promise<{ state: string; checkpoint: number; sum: number }> {
  const { state, checkpoint } = await opossum.projections.info("Sums");
  let sum = 0;
  for await (
    const document of opossum.projections.documents<{ sum: number }>("Sums")
  ) sum += document.state.sum;
  return { state, checkpoint, sum };
}

function putBack(backup: TestFolder, folder: TestFolder, name: string): void {
  Deno.removeSync(`${folder.path}/${name}`, { recursive: true });
  copyFolder(`${backup.path}/${name}`, `${folder.path}/${name}`);
}

/** A folder with 10 events and some more that each count 1, and a backup from when it had 10. */
async function backedUp(more = 10): Promise<{
  folder: TestFolder;
  backup: TestFolder;
}> {
  const folder = new TestFolder();
  const backup = new TestFolder();
  await fill(folder, 10);
  copyFolder(folder.path, backup.path);
  await fill(folder, more);
  return { folder, backup };
}

Deno.test("an older log that was put back takes no appends while its index tells of more, and is never filled up against it", async () => {
  const { folder, backup } = await backedUp();
  await using _folder = folder;
  await using _backup = backup;
  putBack(backup, folder, "events");
  await using opossum = await open(folder);
  assertEquals(await opossum.events.head(), 10);
  const { damage } = opossum.events;
  assert(damage instanceof LogCorruptionError);
  assertEquals(damage.position, 11);
  assertEquals((await standing(opossum)).sum, 20);
});

for (
  const [lost, appended] of [[10, 0], [10, 5], [10, 10], [10, 15], [1, 0], [
    1,
    1,
  ]] as const
) {
  Deno.test(`a projection ${lost} ahead of an older log that was put back is stale after ${appended} more events, and rebuilt`, async () => {
    const { folder, backup } = await backedUp(lost);
    await using _folder = folder;
    await using _backup = backup;
    putBack(backup, folder, "events");
    // The loss is accepted.
    folder.removeIndex();
    {
      await using opossum = await open(folder);
      if (appended > 0) {
        const events = counts(appended).map((event) => ({
          ...event,
          data: { ...event.data, by: 1_000 },
        }));
        await opossum.events.append(events);
      }
      // Also while the same process goes on.
      assertEquals((await standing(opossum)).state, "stale");
    }
    {
      await using opossum = await open(folder);
      const { state, checkpoint, sum } = await standing(opossum);
      const before = 10 + lost;
      assertEquals([state, checkpoint, sum], ["stale", before, before]);
    }
    await using opossum = await open(folder, { enableAutoRebuild: true });
    const { state, checkpoint, sum } = await standing(opossum);
    assertEquals([state, checkpoint], ["ready", 10 + appended]);
    assertEquals(sum, 10 + appended * 1_000);
    await checkLog(opossum.events, {
      calls: [{
        ids: await Array.fromAsync(opossum.events.read("all"), ({ id }) => id),
      }],
    });
  });
}

Deno.test("an older state that was put back goes on from where it is", async () => {
  const { folder, backup } = await backedUp();
  await using _folder = folder;
  await using _backup = backup;
  putBack(backup, folder, "projections");
  await using opossum = await open(folder);
  await opossum.projections.waitFor(20);
  assertEquals((await standing(opossum)).sum, 20);
});

for (const madeBy of ["live updates", "a rebuild"]) {
  Deno.test(`a state of another history, made by ${madeBy}, is stale below the head as well, and rebuilt`, async () => {
    const { folder, backup } = await backedUp();
    await using _folder = folder;
    await using _backup = backup;
    await using other = new TestFolder();
    if (madeBy === "a rebuild") {
      await using opossum = await open(folder, { startDaemon: false });
      await opossum.rebuilder.rebuildAll({ forceRebuild: true });
    }
    copyFolder(folder.path, other.path);
    for (const name of ["events", "projections"]) putBack(backup, folder, name);
    folder.removeIndex();
    await fill(folder, 15, 1_000);
    putBack(other, folder, "projections");
    {
      await using opossum = await open(folder);
      const { state, checkpoint } = await standing(opossum);
      assertEquals([state, checkpoint], ["stale", 20]);
      const [plan] = await opossum.rebuilder.plan(undefined);
      assert(plan?.rebuild);
    }
    await using opossum = await open(folder, { enableAutoRebuild: true });
    assertEquals(await standing(opossum), {
      state: "ready",
      checkpoint: 25,
      sum: 15_010,
    });
  });
}

Deno.test("an older log and state that were put back together are as they were", async () => {
  const { folder, backup } = await backedUp();
  await using _folder = folder;
  await using _backup = backup;
  for (const name of ["events", "projections"]) putBack(backup, folder, name);
  Deno.copyFileSync(
    `${backup.path}/index.sqlite`,
    `${folder.path}/index.sqlite`,
  );
  await using opossum = await open(folder);
  assertEquals(await standing(opossum), {
    state: "ready",
    checkpoint: 10,
    sum: 10,
  });
});

Deno.test("an interrupted build that is ahead of the log is not continued, also after as many events", async () => {
  const { folder, backup } = await backedUp();
  await using _folder = folder;
  await using _backup = backup;
  const directory = `${folder.path}/projections/Sums`;
  const [built] = folder.names("projections/Sums")
    .filter((name) => name.endsWith(".sqlite"));
  assert(built);
  // As after a kill before the swap.
  Deno.renameSync(
    `${directory}/${built}`,
    `${directory}/000009.building.sqlite`,
  );
  Deno.removeSync(`${directory}/current.json`);
  putBack(backup, folder, "events");
  folder.removeIndex();
  {
    await using opossum = await open(folder, { startDaemon: false });
    const events = counts(12).map((event) => ({
      ...event,
      data: { ...event.data, by: 1_000 },
    }));
    await opossum.events.append(events);
  }
  await using opossum = await open(folder, { enableAutoRebuild: true });
  const { checkpoint, sum } = await standing(opossum);
  assertEquals([checkpoint, sum], [22, 12_010]);
});

Deno.test("a copied store goes its own way, and takes neither segments nor index of the other", async () => {
  const { folder, backup: copy } = await backedUp();
  await using _folder = folder;
  await using _backup = copy;
  await fill(copy, 10, 100);
  // The same store id and as many events, but others.
  Deno.copyFileSync(`${folder.path}/index.sqlite`, `${copy.path}/index.sqlite`);
  {
    await using opossum = await open(copy);
    assertEquals(await standing(opossum), {
      state: "ready",
      checkpoint: 20,
      sum: 10 + 1_000,
    });
    assert((await opossum.verify()).ok);
  }
});
