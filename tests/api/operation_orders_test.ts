import { assert, assertEquals } from "@std/assert";
import { createAdminRouter } from "../../api/mod.ts";
import { Operation } from "../../api/schemas.ts";
import { OperationNotRecordedError, RebuildQueueFullError } from "../../mod.ts";
import { FakeOpossum } from "./fake_opossum.ts";
import {
  ask,
  askWithBody,
  assertProblem,
  REQUESTER,
  TOKEN,
} from "./requests.ts";

const UNKNOWN_ID = "0".repeat(32);

function setUp(...names: string[]) {
  const opossum = new FakeOpossum(...names, "CourseDetails");
  opossum.endAtOnce = undefined;
  const app = createAdminRouter({
    opossum,
    auth: { tokens: [TOKEN] },
    limits: { triggersPerMinute: 100 },
  });
  const order = async (id: string, action: string) =>
    await ask(app, "POST", `/admin/operations/${id}/${action}`);
  return { app, opossum, order };
}

Deno.test("POST pause and resume answer 202 with the operation, also when repeated", async () => {
  const { opossum, order } = setUp();
  const { id } = await opossum.rebuilder.start(undefined);
  for (
    const [action, state] of [
      ["pause", "paused"],
      ["pause", "paused"],
      ["resume", "running"],
      ["resume", "running"],
    ] as const
  ) {
    const response = await order(id, action);
    const operation = await response.json();
    assertEquals([response.status, operation.state], [202, state]);
    assertEquals(operation, Operation.parse(operation));
  }
});

Deno.test("POST cancel answers 202, twice, also for a paused operation", async () => {
  const { opossum, order } = setUp();
  const { id } = await opossum.rebuilder.start(undefined);
  await opossum.rebuilder.pause(id);
  for (let times = 0; times < 2; times++) {
    const response = await order(id, "cancel");
    assertEquals(response.status, 202);
    assertEquals((await response.json()).state, "cancelled");
  }
});

Deno.test("orders answer 404 for unknown operations and 409 for those that have ended", async () => {
  const { opossum, order } = setUp();
  const { id } = await opossum.rebuilder.start(undefined);
  opossum.end(id, "succeeded");
  for (const action of ["cancel", "pause", "resume"]) {
    await assertProblem(
      await order(UNKNOWN_ID, action),
      404,
      "unknown-operation",
    );
    const ended = await order(id, action);
    const problem = await assertProblem(ended, 409, "operation-ended");
    assertEquals(problem.state, "succeeded");
    await assertProblem(await order("x", action), 400, "invalid-parameter");
  }
});

Deno.test("POST pause answers 409 for what ended meanwhile, POST resume 202", async () => {
  const { opossum, order } = setUp();
  const { rebuilder } = opossum;
  for (const action of ["pause", "resume"] as const) {
    const { id } = await rebuilder.start(undefined);
    const give = rebuilder[action].bind(rebuilder);
    rebuilder[action] = async (id) => {
      const isGiven = await give(id);
      opossum.end(id, "succeeded");
      return isGiven;
    };
    const response = await order(id, action);
    if (action === "resume") assertEquals(response.status, 202);
    else await assertProblem(response, 409, "operation-ended");
  }
});

Deno.test("orders lead to the operation that continued an interrupted one", async () => {
  const { opossum, order } = setUp();
  const { id } = await opossum.rebuilder.start(undefined);
  opossum.end(id, "interrupted");
  opossum.change(id, { resumedBy: UNKNOWN_ID });
  const response = await order(id, "pause");
  const operation = `/admin/operations/${UNKNOWN_ID}`;
  assertEquals(response.headers.get("link"), `<${operation}>; rel="related"`);
  const problem = await assertProblem(response, 409, "operation-ended");
  assertEquals(
    [problem.resumedBy, problem.operation],
    [UNKNOWN_ID, operation],
  );
});

Deno.test("orders say so when the operation is another process's, or cannot be written down", async () => {
  const { opossum, order } = setUp();
  const { id } = await opossum.rebuilder.start(undefined);
  const { rebuilder } = opossum;
  const isUnderWay = false;
  rebuilder.pause = () => Promise.resolve(isUnderWay);
  await assertProblem(await order(id, "pause"), 409, "operation-elsewhere");
  rebuilder.pause = () =>
    Promise.reject(
      new OperationNotRecordedError(id, "pause", {
        cause: new Error("/secret/path is full"),
      }),
    );
  const problem = await assertProblem(
    await order(id, "pause"),
    503,
    "operation-not-recorded",
  );
  assert(!JSON.stringify(problem).includes("secret"));
});

Deno.test("GET operations pages with before and next, and filters by state", async () => {
  const { app, opossum } = setUp();
  const ids: string[] = [];
  for (let count = 0; count < 5; count++) {
    const { id } = await opossum.rebuilder.start(undefined);
    if (count % 2 === 0) opossum.end(id, "failed");
    ids.unshift(id);
  }
  const page = async (query: string) => {
    const response = await ask(app, "GET", `/admin/operations?${query}`);
    const { operations, next } = await response.json();
    return [operations.map(({ id }: { id: string }) => id), next];
  };
  assertEquals(await page("limit=2"), [ids.slice(0, 2), ids[1]]);
  assertEquals(await page(`limit=3&before=${ids[1]}`), [ids.slice(2), null]);
  const failed = [ids[0], ids[2], ids[4]];
  assertEquals(await page("state=failed&limit=2"), [
    failed.slice(0, 2),
    failed[1],
  ]);
  assertEquals(await page(`state=failed&limit=2&before=${ids[2]}`), [
    [ids[4]],
    null,
  ]);
  assertEquals(await page("state=cancelled"), [[], null]);
  const unknown = await ask(
    app,
    "GET",
    `/admin/operations?before=${UNKNOWN_ID}`,
  );
  await assertProblem(unknown, 404, "unknown-operation");
  for (const query of ["state=done", "state=", "before=1", "limit=2&limit=2"]) {
    const response = await ask(app, "GET", `/admin/operations?${query}`);
    await assertProblem(response, 400, "invalid-parameter");
  }
});

Deno.test("POST rebuild takes names, note, priority and concurrency from its query", async () => {
  const { app, opossum } = setUp("StudentDetails");
  const headers = { prefer: "respond-async" };
  const query = "note=After%20the%20fix&priority=-5&concurrency=2";
  await ask(
    app,
    "POST",
    `/admin/projections/rebuild?projectionNames=StudentDetails,CourseDetails&${query}`,
    { headers },
  );
  await ask(app, "POST", `/admin/projections/rebuild?${query}`, { headers });
  const options = {
    trigger: "api",
    requestedBy: REQUESTER,
    note: "After the fix",
    priority: -5,
    concurrency: 2,
  } as const;
  assertEquals(opossum.started, [
    { names: ["StudentDetails", "CourseDetails"], options },
    { names: undefined, options: { ...options, forceRebuild: false } },
  ]);
});

Deno.test("POST rebuild refuses what stands in query and body, and what is out of range", async () => {
  const { app, opossum } = setUp();
  const all = "/admin/projections/rebuild";
  const one = "/admin/projections/CourseDetails/rebuild";
  for (
    const [path, body] of [
      [`${all}?note=a`, { note: "a" }],
      [`${one}?priority=1`, { priority: 1 }],
      [`${one}?concurrency=1`, { concurrency: 2 }],
      [`${all}?projectionNames=CourseDetails`, {
        projectionNames: ["CourseDetails"],
      }],
      [`${all}?projectionNames=CourseDetails&forceAll=true`, {}],
      [`${all}?projectionNames=`, {}],
      [`${all}?projectionNames=CourseDetails,`, {}],
      [`${all}?projectionNames=..%2Fetc`, {}],
      [`${one}?projectionNames=CourseDetails`, {}],
      [`${one}?priority=101`, {}],
      [`${one}?priority=1.5`, {}],
      [`${one}?priority=`, {}],
      [`${one}?concurrency=0`, {}],
      [`${one}?concurrency=65`, {}],
      [`${one}?concurrency=5`, {}],
      [`${one}?note=${"x".repeat(257)}`, {}],
    ] as const
  ) {
    const response = await askWithBody(app, path, body);
    await assertProblem(response, 400, "invalid-parameter");
  }
  for (
    const body of [{ priority: 101 }, { priority: "1" }, { priority: 0.5 }]
  ) {
    await assertProblem(await askWithBody(app, one, body), 422, "invalid-body");
  }
  assertEquals(opossum.started, []);
});

Deno.test("POST rebuild answers 503 when too many operations are under way", async () => {
  const { app, opossum } = setUp();
  opossum.rebuilder.start = () =>
    Promise.reject(new RebuildQueueFullError(100));
  const response = await ask(app, "POST", "/admin/projections/rebuild");
  assertEquals(response.headers.get("retry-after"), "30");
  await assertProblem(response, 503, "queue-full");
});
