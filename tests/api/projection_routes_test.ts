import { assert, assertEquals } from "@std/assert";
import { createAdminRouter } from "../../api/mod.ts";
import { Details, Planned, RebuildStatus } from "../../api/schemas.ts";
import { FakeOpossum } from "./fake_opossum.ts";
import { ask, assertProblem, TOKEN } from "./requests.ts";

function setUp(...names: string[]) {
  const opossum = new FakeOpossum(...names);
  const app = createAdminRouter({ opossum, auth: { tokens: [TOKEN] } });
  return { app, opossum };
}

Deno.test("GET status answers with the rebuilder's status", async () => {
  const { app, opossum } = setUp("CourseDetails");
  opossum.endAtOnce = undefined;
  const { id } = await opossum.rebuilder.start(undefined);
  const response = await ask(app, "GET", "/admin/projections/status");
  const body = await response.json();
  assertEquals(body, RebuildStatus.parse(body));
  assert(body.isRebuilding);
  assertEquals(body.inProgressProjections, ["CourseDetails"]);
  assertEquals(body.operationIds, [id]);
});

Deno.test("GET checkpoints answers with a position a projection, 0 when never built", async () => {
  const { app, opossum } = setUp("CourseDetails", "constructor");
  opossum.checkpoints.set("CourseDetails", 1_523).set("constructor", 0);
  const response = await ask(app, "GET", "/admin/projections/checkpoints");
  assertEquals(await response.text(), '{"CourseDetails":1523,"constructor":0}');
});

Deno.test("GET projections answers with all of them, and with one by its name", async () => {
  const { app } = setUp("A", "B");
  const list = await (await ask(app, "GET", "/admin/projections")).json();
  assertEquals(
    list.projections.map((info: { name: string }) => info.name),
    ["A", "B"],
  );
  const one = await (await ask(app, "GET", "/admin/projections/B")).json();
  assertEquals(one, Details.parse(one));
  assertEquals(one, { ...list.projections[1], generations: [] });
});

Deno.test("GET projection answers 404 to unknown names, 400 to what cannot be a name", async () => {
  const { app } = setUp("A");
  const unknown = await ask(app, "GET", "/admin/projections/Nope");
  await assertProblem(unknown, 404, "unknown-projection");
  const invalid = await ask(app, "GET", "/admin/projections/a%2fb");
  await assertProblem(invalid, 400, "invalid-name");
});

Deno.test("GET plan answers with what a rebuild would do, without doing it", async () => {
  const { app, opossum } = setUp("A");
  for (const [query, rebuild] of [["", false], ["?forceAll=true", true]]) {
    const response = await ask(app, "GET", `/admin/plan${query}`);
    const { projections: [planned] } = await response.json();
    assertEquals(planned, Planned.parse(planned));
    assertEquals(planned.rebuild, rebuild);
  }
  assertEquals(opossum.started, []);
});

Deno.test("GET routes refuse query parameters that they do not know", async () => {
  const { app } = setUp("A");
  for (
    const path of [
      "/admin/projections/status",
      "/admin/projections/checkpoints",
      "/admin/projections",
      "/admin/projections/A",
      "/admin/plan",
      "/admin/operations",
    ]
  ) {
    const response = await ask(app, "GET", `${path}?verbose=true`);
    await assertProblem(response, 400, "invalid-parameter");
  }
});
