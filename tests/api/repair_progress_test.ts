import { assert, assertEquals } from "@std/assert";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { createAdminRouter } from "../../api/mod.ts";
import { Repair, RepairsBody } from "../../api/repair_schemas.ts";
import { Info } from "../../api/schemas.ts";
import { type Logger, openOpossum, type Opossum } from "../../mod.ts";
import { FakeClock } from "../../src/testing/mod.ts";
import { countingProjection, counts } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { ask, assertProblem, TOKEN } from "./requests.ts";
import { EventReader } from "./sse.ts";

const PATH = "/admin/projections/Sums";

/** A server of a projection that is built, whose repairs rest after two events. */
interface Slow extends AsyncDisposable {
  readonly opossum: Opossum;
  readonly clock: FakeClock;
  readonly app: OpenAPIHono;
  /** Has the code of the projection fail. */
  fails: boolean;
  readonly errors: string[];
}

async function openSlow(dir: TempDir): Promise<Slow> {
  const clock = new FakeClock();
  const errors: string[] = [];
  const logger: Logger = {
    log(level, message) {
      if (level === "error") errors.push(message);
    },
  };
  const options = {
    path: dir.path,
    projections: [countingProjection("Sums", {
      fingerprint: "fixed",
      apply: (state, event) => {
        if (slow.fails) throw new Error("Broken");
        return { sum: (state?.sum ?? 0) + event.data.by };
      },
    })],
    logger,
    clock,
    batchSize: 2,
    startDaemon: false,
    rebuildGoodNeighbour: false,
  } as const;
  const slow = { clock, fails: false, errors };
  {
    await using opossum = await openOpossum(options);
    await opossum.events.append(counts(6));
    await opossum.rebuilder.rebuild("Sums");
  }
  const opossum = await openOpossum({
    ...options,
    rebuildEventsPerSecondMax: 100,
  });
  const app = createAdminRouter({ opossum, auth: { tokens: [TOKEN] } });
  return Object.assign(slow, {
    opossum,
    app,
    [Symbol.asyncDispose]: () => opossum[Symbol.asyncDispose](),
  });
}

Deno.test("a repair under way is told with its projection, to who asks and to who watches", async () => {
  using dir = new TempDir();
  await using slow = await openSlow(dir);
  const { app, clock } = slow;
  const infoNow = async () => await (await ask(app, "GET", PATH)).json();
  assertEquals((await infoNow()).repair, null);
  const repairing = ask(app, "POST", `${PATH}/repair`);
  // The repair rests, and the request waits.
  await clock.whenSleeping(2);
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

for (
  const [what, path] of [
    ["repair", `${PATH}/repair`],
    ["keys/{key}/rebuild", `${PATH}/keys/a/rebuild`],
  ] as const
) {
  Deno.test(`POST ${what} is answered with 202 as Prefer says, and Location tells what came of it`, async () => {
    using dir = new TempDir();
    await using slow = await openSlow(dir);
    const { app, clock } = slow;
    const repairs = async () =>
      await (await ask(app, "GET", `${PATH}/repair`)).json();
    assertEquals(await repairs(), { running: null, last: null, rebuilt: null });
    const async = { headers: { prefer: "respond-async" } };
    const response = await ask(app, "POST", path, async);
    assertEquals(response.status, 202);
    const { headers } = response;
    assertEquals(headers.get("location"), `${PATH}/repair`);
    assertEquals(headers.get("retry-after"), "1");
    assertEquals(headers.get("preference-applied"), "respond-async");
    const started = await response.json();
    assertEquals(started, Repair.parse(started));
    assertEquals(started.projectionName, "Sums");
    // One at a time, and said at once.
    await assertProblem(
      await ask(app, "POST", path, async),
      409,
      "rebuild-conflict",
    );
    assertEquals((await repairs()).running.startedAt, started.startedAt);
    await clock.whenSleeping(1);
    let now = await repairs();
    while (now.running !== null) {
      await clock.advance(1_000);
      now = await repairs();
    }
    assertEquals(now, RepairsBody.parse(now));
    assertEquals(now.last.outcome, "succeeded");
    assertEquals(now.last.startedAt, started.startedAt);
    assertEquals(now.rebuilt.checkpoint, 6);
    const info = await (await ask(app, "GET", PATH)).json();
    assertEquals(info.lastRepair, now.last);
  });
}

Deno.test("POST repair waits no longer than its server does", async () => {
  using dir = new TempDir();
  await using slow = await openSlow(dir);
  const { clock, opossum } = slow;
  const app = createAdminRouter({
    opossum,
    auth: { tokens: [TOKEN] },
    // It rests for twice as long.
    rebuildWaitMs: 10,
  });
  const answer = ask(app, "POST", `${PATH}/repair`);
  await clock.whenSleeping(2);
  await clock.advance(10);
  const response = await answer;
  assertEquals(response.status, 202);
  const { phase, position } = await response.json();
  assertEquals([phase, position], ["scanning", 2]);
});

Deno.test("POST repair goes on when its client is gone", async () => {
  using dir = new TempDir();
  await using slow = await openSlow(dir);
  const { app, clock, opossum } = slow;
  const gone = new AbortController();
  const answer = app.request(`${PATH}/repair`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}` },
    signal: gone.signal,
  });
  await clock.whenSleeping(2);
  gone.abort();
  assertEquals((await opossum.projections.info("Sums")).repair?.position, 2);
  while ((await opossum.projections.info("Sums")).repair !== null) {
    await clock.advance(1_000);
  }
  await answer;
  const outcome = await opossum.rebuilder.lastRepair("Sums");
  assertEquals(outcome?.last.outcome, "succeeded");
});

Deno.test("a repair that fails after its answer is told with its projection, and in the log", async () => {
  using dir = new TempDir();
  await using slow = await openSlow(dir);
  const { app, clock, errors, opossum } = slow;
  const async = { headers: { prefer: "respond-async" } };
  const { status } = await ask(app, "POST", `${PATH}/keys/a/rebuild`, async);
  assertEquals(status, 202);
  await clock.whenSleeping(1);
  slow.fails = true;
  let outcome = await opossum.rebuilder.lastRepair("Sums");
  while (outcome === undefined) {
    await clock.advance(1_000);
    outcome = await opossum.rebuilder.lastRepair("Sums");
  }
  const { last, rebuilt } = outcome;
  assertEquals([last.outcome, last.error?.name, rebuilt], [
    "failed",
    "ProjectionApplyError",
    null,
  ]);
  assertEquals(last.error?.position, 4);
  assert(errors.includes("Repair failed"), errors.join());
});
