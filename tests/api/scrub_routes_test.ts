import { assert, assertEquals } from "@std/assert";
import { createAdminRouter } from "../../api/mod.ts";
import {
  openOpossum,
  type ScrubProgress,
  type ScrubReport,
  ScrubRunningError,
  silentLogger,
} from "../../mod.ts";
import { damageDocuments } from "../rebuild/repair_fixture.ts";
import { countingProjection, counts } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { FakeOpossum } from "./fake_opossum.ts";
import { ask, assertProblem, TOKEN } from "./requests.ts";
import { SOUND } from "./sound_report.ts";
import { EventReader } from "./sse.ts";

const PATH = "/admin/scrub";

Deno.test("POST /admin/scrub tells what is damaged, and GET the same later", async () => {
  using dir = new TempDir();
  const open = () =>
    openOpossum({
      path: dir.path,
      projections: [countingProjection("Sums")],
      logger: silentLogger,
      startDaemon: false,
    });
  let report: ScrubReport;
  {
    await using opossum = await open();
    const app = createAdminRouter({ opossum, auth: { tokens: [TOKEN] } });
    await assertProblem(await ask(app, "GET", PATH), 404, "no-scrub");
    await opossum.events.append(counts(3));
    await opossum.rebuilder.rebuild("Sums");
    assert((await (await ask(app, "POST", PATH)).json()).ok);
    damageDocuments(dir.file("projections/Sums/000001.sqlite"), [
      { kind: "delete", at: 0 },
    ]);
    const response = await ask(app, "POST", PATH);
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("vary"), "Prefer");
    report = await response.json();
    assert(!report.ok && report.log.ok);
    assertEquals(report.projections, [{
      name: "Sums",
      state: "damaged",
      generation: 1,
      documents: 0,
      problem: "It says 3 documents and has 2",
      previousProblem: null,
    }]);
    const info = await ask(app, "GET", "/admin/projections/Sums");
    assertEquals((await info.json()).state, "damaged");
  }
  await using opossum = await open();
  const app = createAdminRouter({ opossum, auth: { tokens: [TOKEN] } });
  const response = await ask(app, "GET", PATH);
  assertEquals(response.status, 200);
  assertEquals(await response.json(), {
    ...report,
    runningSince: null,
    progress: null,
  });
  assertEquals((await app.request(PATH)).status, 401);
  await assertProblem(
    await ask(app, "POST", `${PATH}?deep=true`),
    400,
    "invalid-parameter",
  );
});

/** A fake whose scrub ends when a test says so. */
class ScrubbingOpossum extends FakeOpossum {
  readonly ended = Promise.withResolvers<ScrubReport>();
  lastReport: ScrubReport | undefined;
  override readonly scrub = () => this.ended.promise;
  override readonly lastScrub = () => Promise.resolve(this.lastReport);
}

Deno.test("POST /admin/scrub waits as long as Prefer says, and is answered with 202 then", async () => {
  const opossum = new ScrubbingOpossum();
  const app = createAdminRouter({ opossum, auth: { tokens: [TOKEN] } });
  const at = opossum.clock.now().toISOString();
  const response = ask(app, "POST", PATH, { headers: { prefer: "wait=5" } });
  await opossum.clock.whenSleeping(1);
  await opossum.clock.advance(5_000);
  const { status, headers } = await response;
  assertEquals(status, 202);
  assertEquals(await (await response).json(), { startedAt: at });
  assertEquals(headers.get("location"), PATH);
  assertEquals(headers.get("retry-after"), "10");
  assertEquals(headers.get("preference-applied"), "wait=5");
  const async = { headers: { prefer: "respond-async" } };
  assertEquals((await ask(app, "POST", PATH, async)).status, 202);
  // What becomes of it later is told in the log.
  opossum.ended.reject(new Error("Out of cheese"));
  await assertRejectsSilently(opossum.ended.promise);
  assertEquals(
    opossum.logs.filter(({ level }) => level === "error").map(({ message }) =>
      message
    ),
    ["Scrub failed", "Scrub failed"],
  );
});

/** Waits until everybody who waits for it was told. */
async function assertRejectsSilently(promise: Promise<unknown>): Promise<void> {
  assertEquals((await Promise.allSettled([promise]))[0]?.status, "rejected");
}

Deno.test("POST /admin/scrub is answered with the report when that comes in time, and refused while one runs", async () => {
  const opossum = new ScrubbingOpossum();
  const app = createAdminRouter({ opossum, auth: { tokens: [TOKEN] } });
  const response = ask(app, "POST", PATH);
  await opossum.clock.whenSleeping(1);
  opossum.ended.resolve(SOUND);
  assertEquals(await (await response).json(), SOUND);
  const busy = new ScrubbingOpossum();
  busy.ended.reject(new ScrubRunningError(SOUND.startedAt));
  const { startedAt } = await assertProblem(
    await ask(
      createAdminRouter({ opossum: busy, auth: { tokens: [TOKEN] } }),
      "POST",
      PATH,
      { headers: { prefer: "respond-async" } },
    ),
    409,
    "scrub-running",
  );
  assertEquals(startedAt, SOUND.startedAt);
});

Deno.test("GET /admin/scrub tells since when a scrub is under way, also before there was a report", async () => {
  const opossum = new ScrubbingOpossum();
  const app = createAdminRouter({ opossum, auth: { tokens: [TOKEN] } });
  const runningSince = async () =>
    (await assertProblem(await ask(app, "GET", PATH), 404, "no-scrub"))
      .runningSince;
  assertEquals(await runningSince(), null);
  opossum.scrubbingSince = SOUND.startedAt;
  assertEquals(await runningSince(), SOUND.startedAt);
});

const PROGRESS: ScrubProgress = {
  startedAt: SOUND.startedAt,
  phase: "projections",
  eventsChecked: 9,
  events: 9,
  projectionName: "Sums",
  projectionsChecked: 1,
  projections: 2,
  documentsChecked: 50,
  documents: 120,
  percent: 75,
};

Deno.test("GET /admin/scrub and the server-sent events tell how far a scrub is, and that it has ended", async () => {
  const opossum = new ScrubbingOpossum("Sums");
  const app = createAdminRouter({ opossum, auth: { tokens: [TOKEN] } });
  const progress = async () =>
    (await assertProblem(await ask(app, "GET", PATH), 404, "no-scrub"))
      .progress;
  assertEquals(await progress(), null);
  opossum.scrubProgress = PROGRESS;
  assertEquals(await progress(), PROGRESS);
  opossum.lastReport = SOUND;
  const last = await (await ask(app, "GET", PATH)).json();
  assertEquals(last, { ...SOUND, runningSince: null, progress: PROGRESS });
  await using reader = new EventReader(await ask(app, "GET", "/admin/events"));
  const [, scrub] = await reader.take(2);
  assertEquals([scrub?.event, scrub?.data], ["scrub", { running: PROGRESS }]);
  opossum.scrubProgress = undefined;
  await opossum.clock.whenSleeping(1);
  const ended = reader.take(1);
  await opossum.clock.advance(1_000);
  const [over] = await ended;
  assertEquals([over?.event, over?.data], ["scrub", { running: null }]);
});
