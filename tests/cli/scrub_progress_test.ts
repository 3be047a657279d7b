import { assertEquals } from "@std/assert";
import type { ScrubProgress } from "../../mod.ts";
import { showScrub } from "../../src/cli/scrub_progress.ts";
import type { Step } from "../../src/cli/progress.ts";
import { scrubOnServer } from "../../src/cli/server/scrub_on_server.ts";
import type { ServerClient } from "../../src/cli/server/server_client.ts";
import { FakeClock } from "../../src/testing/mod.ts";

const LOG: ScrubProgress = {
  startedAt: "2026-01-15T02:00:00.000Z",
  phase: "log",
  eventsChecked: 4_000,
  events: 9_000,
  projectionName: null,
  projectionsChecked: 0,
  projections: 2,
  documentsChecked: 0,
  documents: 0,
  percent: 22,
};
const ROWS: ScrubProgress = {
  ...LOG,
  phase: "projections",
  projectionName: "Alpha",
  projectionsChecked: 1,
  documentsChecked: 50,
  documents: 120,
};

Deno.test("a scrub's progress is that of the log, and then of each projection", () => {
  const steps: Step[] = [];
  const show = showScrub({
    show: (step) => steps.push(step),
    [Symbol.dispose]() {},
  });
  show(LOG);
  show(ROWS);
  const phase = "looking for damage";
  assertEquals(steps, [
    { name: "Log", phase, value: 4_000, total: 9_000, unit: "events" },
    {
      name: "Alpha",
      phase,
      detail: ", 1 of 2 projections done",
      value: 50,
      total: 120,
      unit: "documents",
    },
  ]);
});

Deno.test("verify --url asks how far the server is while it waits, and after that", async () => {
  const clock = new FakeClock();
  const { startedAt } = LOG;
  const posted = Promise.withResolvers<unknown>();
  const report = { ok: true, startedAt, completedAt: startedAt };
  const earlier = { ...report, startedAt: "2026-01-14T02:00:00.000Z" };
  const looks: unknown[] = [
    { ...earlier, runningSince: startedAt, progress: LOG },
    { ...earlier, runningSince: startedAt, progress: ROWS },
    { ...report, runningSince: null, progress: null },
  ];
  const client = {
    json: (method: string) =>
      method === "POST" ? posted.promise : Promise.resolve(looks.shift()),
  } as unknown as ServerClient;
  const told: ScrubProgress[] = [];
  const { signal } = new AbortController();
  const found = scrubOnServer(
    client,
    { signal, report() {} },
    (now) => told.push(now),
    clock,
  );
  await clock.whenSleeping(1);
  await clock.advance(500);
  assertEquals(told, [LOG]);
  posted.resolve({ startedAt });
  for (let look = 2; look <= 3; look++) {
    await clock.whenSleeping(1);
    await clock.advance(500);
  }
  assertEquals(await found, report as never);
  assertEquals(told, [LOG, ROWS]);
});
