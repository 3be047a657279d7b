import { assertEquals } from "@std/assert";
import { createAdminRouter } from "../../api/mod.ts";
import { openOpossum, silentLogger } from "../../mod.ts";
import { FakeClock } from "../../src/testing/mod.ts";
import { TempDir } from "../support/temp_dir.ts";
import { ask, TOKEN } from "./requests.ts";

Deno.test("GET /admin/schedule tells when each window opens and closes", async () => {
  using dir = new TempDir();
  await using opossum = await openOpossum({
    path: dir.path,
    startDaemon: false,
    clock: new FakeClock("2026-01-01T03:30:00Z"),
    rebuildSchedule: [
      "30 4 * * SUN",
      { cron: "0 3 * * *", duration: 7_200_000, eventsPerSecondMax: 500 },
    ],
    logger: silentLogger,
  });
  const app = createAdminRouter({ opossum, auth: { tokens: [TOKEN] } });
  const response = await ask(app, "GET", "/admin/schedule");
  assertEquals(response.status, 200);
  const unbounded = {
    duration: null,
    concurrency: null,
    eventsPerSecondMax: null,
    operationId: null,
  };
  assertEquals(await response.json(), {
    windows: [{
      ...unbounded,
      cron: "30 4 * * SUN",
      isOpen: false,
      opensAt: "2026-01-04T04:30:00.000Z",
      closesAt: null,
    }, {
      ...unbounded,
      cron: "0 3 * * *",
      duration: 7_200_000,
      eventsPerSecondMax: 500,
      isOpen: true,
      opensAt: "2026-01-02T03:00:00.000Z",
      closesAt: "2026-01-01T05:00:00.000Z",
    }],
  });
});
