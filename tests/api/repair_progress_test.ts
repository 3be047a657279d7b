import { assertEquals } from "@std/assert";
import { createAdminRouter } from "../../api/mod.ts";
import { Info } from "../../api/schemas.ts";
import { openOpossum, silentLogger } from "../../mod.ts";
import { FakeClock } from "../../src/testing/mod.ts";
import { countingProjection, counts } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { ask, TOKEN } from "./requests.ts";
import { EventReader } from "./sse.ts";

Deno.test("a repair under way is told with its projection, to who asks and to who watches", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  const options = {
    path: dir.path,
    projections: [countingProjection("Sums")],
    logger: silentLogger,
    clock,
    batchSize: 2,
    startDaemon: false,
    rebuildGoodNeighbour: false,
  } as const;
  {
    await using opossum = await openOpossum(options);
    await opossum.events.append(counts(6));
    await opossum.rebuilder.rebuild("Sums");
  }
  await using opossum = await openOpossum({
    ...options,
    // It rests after two events.
    rebuildEventsPerSecondMax: 100,
  });
  const app = createAdminRouter({ opossum, auth: { tokens: [TOKEN] } });
  const path = "/admin/projections/Sums";
  const infoNow = async () => await (await ask(app, "GET", path)).json();
  assertEquals((await infoNow()).repair, null);
  const repairing = ask(app, "POST", `${path}/repair`);
  await clock.whenSleeping(1);
  const { repair } = await infoNow();
  assertEquals(
    [repair.phase, repair.documentsChecked, repair.position, repair.target],
    ["scanning", 3, 2, 6],
  );
  {
    await using reader = new EventReader(
      await ask(app, "GET", "/admin/events"),
    );
    const [event] = await reader.take(1);
    assertEquals(event?.data, Info.parse(event?.data));
    assertEquals(event?.data.repair.position, 2);
  }
  await clock.advance(10_000);
  assertEquals((await repairing).status, 200);
  assertEquals((await infoNow()).repair, null);
});
