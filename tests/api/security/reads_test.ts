/** A token that may only look cannot keep the server from those who may operate. */
import { assert, assertEquals } from "@std/assert";
import { clearImmediate, setImmediate } from "node:timers";
import { createApp, serveApp } from "@opossum/deno/api";
import { silentLogger } from "@opossum/deno";
import { FakeOpossum } from "../fake_opossum.ts";
import { assertProblem } from "../requests.ts";
import { AUTH, startSample, statusOf, TOKENS } from "./sample_server.ts";

Deno.test("the 21st request under way of a token that may only look answers 429, others are heard", async () => {
  const opossum = new FakeOpossum("CourseDetails");
  const gate = Promise.withResolvers<void>();
  const all = Promise.withResolvers<void>();
  let listing = 0;
  const { rebuilder } = opossum;
  const list = rebuilder.listOperations;
  rebuilder.listOperations = async (options) => {
    if (++listing === 20) all.resolve();
    await gate.promise;
    return await list(options);
  };
  const app = createApp({ opossum, auth: AUTH });
  await using server = serveApp({
    app,
    auth: AUTH,
    port: 0,
    logger: silentLogger,
  });
  const ask = (path: string, token: string, method = "GET") =>
    fetch(server.url + path, {
      method,
      headers: { authorization: `Bearer ${token}` },
    });
  const path = "/admin/operations?limit=1000";
  const under = Array.from({ length: 20 }, () => ask(path, TOKENS.read));
  await all.promise;
  const refused = await ask(path, TOKENS.read);
  assertEquals(refused.headers.get("retry-after"), "1");
  await assertProblem(refused, 429, "too-many-reads");
  const rebuild = "/admin/projections/CourseDetails/rebuild";
  assertEquals(await statusOf(ask(rebuild, TOKENS.operate, "POST")), 200);
  gate.resolve();
  for (const each of under) assertEquals(await statusOf(each), 200);
  assertEquals(await statusOf(ask(path, TOKENS.read)), 200);
});

Deno.test("a list of a thousand operations lets others have their turn", async () => {
  await using sample = await startSample();
  const { rebuilder } = sample.server.opossum;
  const [newest] = await rebuilder.listOperations({ limit: 1 });
  assert(newest);
  // As large as those that compared what they built, so that reading them takes a while anywhere.
  const text = JSON.stringify({
    ...newest,
    progress: Array.from({ length: 20 }, () => newest.progress[0]),
  });
  for (let i = 0; i < 999; i++) {
    const id = String(i).padStart(32, "0");
    Deno.writeTextFileSync(
      `${sample.path}/operations/${String(i).padStart(15, "0")}-${id}.json`,
      text.replaceAll(newest.id, id),
    );
  }
  const { operations } = await (await sample.ask(
    "/admin/operations?limit=1000&state=succeeded",
    { token: TOKENS.read },
  )).json();
  assertEquals(operations.length, 1_000);
  let turns = 0;
  const count = () => {
    turns++;
    turn = setImmediate(count);
  };
  let turn = setImmediate(count);
  try {
    assertEquals(await rebuilder.listOperations({ state: "queued" }), []);
  } finally {
    clearImmediate(turn);
  }
  assert(turns > 1, `${turns} turns`);
});
