import { assert, assertEquals } from "@std/assert";
import { openOpossum, silentLogger } from "@opossum/deno";
import { generateEvents } from "../../examples/course_management/seeder.ts";
import * as projections from "../../examples/course_management/projections.ts";
import { EventReader } from "../api/sse.ts";
import { TempDir } from "../support/temp_dir.ts";
import { assertMatchesOracle } from "./oracle_check.ts";
import { AskedServer } from "./asked_server.ts";

/** Enough for workers, so that a rebuild takes much longer than to kill the server. */
const EVENTS = 25_000;
const REBUILD =
  "/admin/projections/rebuild?forceAll=true&note=After%20the%20fix";
/** A kill may come too late; so often in a row it does not. */
const ATTEMPTS_MAX = 10;

async function fill(path: string): Promise<void> {
  await using opossum = await openOpossum({
    path,
    startDaemon: false,
    logger: silentLogger,
  });
  const log = [...generateEvents({ events: EVENTS, seed: 5 })];
  for (let at = 0; at < log.length; at += 5_000) {
    await opossum.events.append(log.slice(at, at + 5_000));
  }
}

async function check(path: string): Promise<void> {
  await using opossum = await openOpossum({
    path,
    projections: Object.values(projections),
    startDaemon: false,
    logger: silentLogger,
  });
  await assertMatchesOracle(opossum);
}

Deno.test("a rebuild started over HTTP survives kill -9 of the server: found, resumed, finished", async () => {
  using dir = new TempDir();
  const data = dir.file("data");
  await fill(data);
  let killed = await AskedServer.start(data);
  await killed.whenReady();
  for (let attempt = 1;; attempt++) {
    assert(attempt <= ATTEMPTS_MAX);
    const headers = {
      "prefer": "respond-async",
      "idempotency-key": `attempt-${attempt}`,
    };
    const started = await killed.ask("POST", REBUILD, headers);
    assertEquals(started.status, 202);
    const { id } = await started.json();
    assertEquals(started.headers.get("location"), `/admin/operations/${id}`);
    await killed.kill();

    const server = await AskedServer.start(data);
    const path = `/admin/operations/${id}`;
    // Ends with its end, or with who continued it.
    const { data: found } = await server.watch(
      `${path}/events`,
      (event) => event.data.resumedBy || event.data.result,
    );
    if (found.state === "succeeded") {
      killed = server;
      continue;
    }
    await using _stopping = server;
    assertEquals(found.state, "interrupted");
    const resumed = `/admin/operations/${found.resumedBy}`;
    await server.watch(`${resumed}/events`, ({ data }) => data.result);
    const last = await server.json("GET", resumed);
    assertEquals(
      [last.state, last.trigger, last.resumes, last.note],
      ["succeeded", "resume", id, "After the fix"],
    );
    assert(last.result.success);
    // Whoever repeats the request, as no answer came, starts nothing.
    const again = await server.ask("POST", REBUILD, headers);
    assertEquals([again.status, (await again.json()).id], [202, id]);
    const pause = await server.ask("POST", `${path}/pause`);
    assertEquals(pause.status, 409);
    assertEquals((await pause.json()).operation, resumed);
    await server.stop();
    break;
  }
  await check(data);
});

Deno.test("a rebuild paused over HTTP is paused after kill -9 of the server, until it is resumed", async () => {
  using dir = new TempDir();
  const data = dir.file("data");
  await fill(data);
  const first = await AskedServer.start(data);
  await first.whenReady();
  let id = "";
  for (let attempt = 1; id === ""; attempt++) {
    assert(attempt <= ATTEMPTS_MAX);
    const prefer = { prefer: "respond-async" };
    const started = await first.ask("POST", REBUILD, prefer);
    const operation = await started.json();
    const path = `/admin/operations/${operation.id}`;
    const paused = await first.ask("POST", `${path}/pause`);
    const { state } = await paused.json();
    if (paused.status === 202 && state === "paused") id = operation.id;
  }
  await first.kill();
  const path = `/admin/operations/${id}`;
  {
    const second = await AskedServer.start(data);
    assertEquals((await second.json("GET", path)).state, "paused");
    const listed = await second.json("GET", "/admin/operations?state=paused");
    assertEquals(listed.operations.map((each: { id: string }) => each.id), [
      id,
    ]);
    await second.kill();
  }
  await using third = await AskedServer.start(data);
  await third.whenReady();
  assertEquals((await third.json("GET", path)).state, "paused");
  assertEquals((await third.ask("POST", `${path}/resume`)).status, 202);
  const { data: last } = await third.watch(
    `${path}/events`,
    (event) => event.data.result,
  );
  assertEquals([last.id, last.state], [id, "succeeded"]);
  assertEquals(last.result.totalRebuilt, 4);
  // Somebody who watches does not hold up the end.
  const watching = new EventReader(await third.ask("GET", "/admin/events"));
  await watching.take(1);
  await third.stop();
  while (await watching.next());
  await check(data);
});
