import { assert, assertEquals, assertMatch } from "@std/assert";
import { createAdminRouter } from "../../api/mod.ts";
import { RebuildResult } from "../../api/schemas.ts";
import { FakeOpossum } from "./fake_opossum.ts";
import {
  ask,
  askWithBody,
  assertProblem,
  REQUESTER,
  TOKEN,
} from "./requests.ts";

function setUp(...names: string[]) {
  const opossum = new FakeOpossum(...names);
  return {
    opossum,
    app: createAdminRouter({
      opossum,
      auth: { tokens: [TOKEN] },
      limits: { triggersPerMinute: 100 },
    }),
  };
}

/** Asks and lets the request come to its waiting before it goes on. */
async function askAndWait(
  opossum: FakeOpossum,
  request: Promise<Response>,
): Promise<{ response: Promise<Response>; id: string }> {
  await opossum.clock.whenSleeping();
  const { operationIds } = await opossum.rebuilder.getRebuildStatus();
  return { response: request, id: operationIds.join() };
}

Deno.test("POST rebuild answers 200 with the whole result", async () => {
  const { app, opossum } = setUp("CourseDetails", "StudentDetails");
  const response = await ask(app, "POST", "/admin/projections/rebuild");
  const body = await response.json();
  assertEquals(response.status, 200);
  assertEquals(body, RebuildResult.parse(body));
  assertEquals(body.totalRebuilt, 2);
  assertEquals(opossum.started, [{
    names: undefined,
    options: {
      trigger: "api",
      requestedBy: REQUESTER,
      forceRebuild: false,
    },
  }]);
});

Deno.test("POST rebuild passes forceAll on", async () => {
  for (const forceAll of [true, false]) {
    const { app, opossum } = setUp("CourseDetails");
    await ask(app, "POST", `/admin/projections/rebuild?forceAll=${forceAll}`);
    assertEquals(opossum.started[0]?.options?.forceRebuild, forceAll);
  }
});

Deno.test("POST rebuild takes names, note and concurrency from its body", async () => {
  const { app, opossum } = setUp("A", "B");
  const response = await askWithBody(app, "/admin/projections/rebuild", {
    projectionNames: ["B"],
    note: "After the fix",
    concurrency: 2,
  });
  assertEquals(response.status, 200);
  assertEquals(opossum.started, [{
    names: ["B"],
    options: {
      trigger: "api",
      requestedBy: REQUESTER,
      note: "After the fix",
      concurrency: 2,
    },
  }]);
});

Deno.test("POST rebuild says that a body is empty which is declared as JSON, and begins nothing", async () => {
  for (const body of [null, ""]) {
    const { app, opossum } = setUp("A");
    const response = await app.request("/admin/projections/rebuild", {
      method: "POST",
      headers: {
        authorization: `Bearer ${TOKEN}`,
        "content-type": "application/json",
      },
      body,
    });
    const { detail } = await assertProblem(response, 400, "malformed-json");
    assertMatch(String(detail), /it is empty/);
    assertEquals(opossum.started, []);
  }
});

Deno.test("POST rebuild refuses forceAll together with names", async () => {
  const { app, opossum } = setUp("A");
  const response = await askWithBody(
    app,
    "/admin/projections/rebuild?forceAll=true",
    { projectionNames: ["A"] },
  );
  await assertProblem(response, 400, "invalid-parameter");
  assertEquals(opossum.started, []);
});

Deno.test("POST rebuild of names answers 404 when one of them is unknown", async () => {
  const { app, opossum } = setUp("A");
  const response = await askWithBody(app, "/admin/projections/rebuild", {
    projectionNames: ["A", "Nope"],
  });
  await assertProblem(response, 404, "unknown-projection");
  assertEquals(opossum.started, []);
});

Deno.test("POST rebuild of one answers 200 with the spec's fields and the detail", async () => {
  const { app, opossum } = setUp("CourseDetails");
  const path = "/admin/projections/CourseDetails/rebuild";
  const body = await (await ask(app, "POST", path)).json();
  assertEquals(body.projectionName, "CourseDetails");
  assertEquals(body.status, "Rebuilt");
  assertEquals(body.duration, 12.5);
  assertEquals(body.eventsProcessed, 3);
  assertMatch(body.operationId, /^[0-9a-f]{32}$/);
  assertEquals(opossum.started[0]?.options?.whenRunning, "reject");
});

Deno.test("POST rebuild answers 500 with the whole result when a projection failed", async () => {
  for (const path of ["rebuild", "CourseDetails/rebuild"]) {
    const { app, opossum } = setUp("CourseDetails");
    opossum.endAtOnce = "failed";
    const response = await ask(app, "POST", `/admin/projections/${path}`);
    const problem = await assertProblem(response, 500, "rebuild-failed");
    assertEquals(problem.title, "Rebuild Failed");
    assertEquals(problem.detail, "Failed to rebuild: CourseDetails");
    const result = RebuildResult.parse(problem.result);
    assertEquals(result.details[0]?.error?.position, 4);
    assertEquals(problem.operation, `/admin/operations/${result.operationId}`);
  }
});

Deno.test("POST rebuild tells cancelled and interrupted operations from failed ones", async () => {
  const { app, opossum } = setUp("CourseDetails");
  opossum.endAtOnce = "cancelled";
  const cancelled = await ask(app, "POST", "/admin/projections/rebuild");
  await assertProblem(cancelled, 409, "rebuild-cancelled");
  opossum.endAtOnce = "interrupted";
  const interrupted = await ask(app, "POST", "/admin/projections/rebuild");
  await assertProblem(interrupted, 503, "rebuild-interrupted");
});

Deno.test("POST rebuild answers 409 only when all that failed is rebuilt elsewhere", async () => {
  for (
    const [conflicts, status, kind] of [
      [1, 500, "rebuild-failed"],
      [2, 409, "rebuild-conflict"],
    ] as const
  ) {
    const { app, opossum } = setUp("A", "B");
    opossum.endAtOnce = "failed";
    const { wait } = opossum.rebuilder;
    opossum.rebuilder.wait = async (id, options) => {
      const result = await wait(id, options);
      const details = result?.details.map((detail, at) => ({
        ...detail,
        error: detail.error && at < conflicts
          ? { ...detail.error, name: "RebuildConflictError" }
          : detail.error,
      }));
      return result && details && { ...result, details };
    };
    const response = await ask(app, "POST", "/admin/projections/rebuild");
    await assertProblem(response, status, kind);
  }
});

Deno.test("Prefer: respond-async answers 202 with the operation at once", async () => {
  for (const path of ["rebuild", "CourseDetails/rebuild"]) {
    const { app, opossum } = setUp("CourseDetails");
    opossum.endAtOnce = undefined;
    const response = await ask(app, "POST", `/admin/projections/${path}`, {
      headers: { prefer: "respond-async" },
    });
    assertEquals(response.status, 202);
    const operation = await response.json();
    assertEquals(operation.state, "running");
    assertEquals(operation.trigger, "api");
    assertEquals(
      ["location", "retry-after", "preference-applied", "vary"].map((name) =>
        response.headers.get(name)
      ),
      [`/admin/operations/${operation.id}`, "7", "respond-async", "Prefer"],
    );
  }
});

Deno.test("POST rebuild waits 30 seconds, then answers 202 and cancels nothing", async () => {
  const { app, opossum } = setUp("CourseDetails");
  opossum.endAtOnce = undefined;
  const { response, id } = await askAndWait(
    opossum,
    ask(app, "POST", "/admin/projections/rebuild"),
  );
  await opossum.clock.advance(29_999);
  assertEquals(opossum.clock.sleeping, 1);
  await opossum.clock.advance(1);
  assertEquals((await response).status, 202);
  assertEquals((await response).headers.get("preference-applied"), null);
  assertEquals((await opossum.rebuilder.getOperation(id))?.state, "running");
});

Deno.test("Prefer: wait=N waits N seconds", async () => {
  const { app, opossum } = setUp("CourseDetails");
  opossum.endAtOnce = undefined;
  const { response } = await askAndWait(
    opossum,
    ask(app, "POST", "/admin/projections/rebuild", {
      headers: { prefer: "wait=2" },
    }),
  );
  await opossum.clock.advance(2_000);
  assertEquals((await response).status, 202);
  assertEquals((await response).headers.get("preference-applied"), "wait=2");
});

Deno.test("POST rebuild answers 200 as soon as the rebuild ends, and stops its timer", async () => {
  const { app, opossum } = setUp("CourseDetails");
  opossum.endAtOnce = undefined;
  const { response, id } = await askAndWait(
    opossum,
    ask(app, "POST", "/admin/projections/rebuild"),
  );
  opossum.end(id, "succeeded");
  assertEquals((await response).status, 200);
  assertEquals(opossum.clock.sleeping, 0);
});

Deno.test("POST rebuild does not wait on for what waits for an operator", async () => {
  const { app, opossum } = setUp("CourseDetails");
  opossum.endAtOnce = undefined;
  const path = "/admin/projections/rebuild";
  const paused = await askAndWait(opossum, ask(app, "POST", path));
  await opossum.rebuilder.pause(paused.id);
  await opossum.clock.advance(1_000);
  assertEquals((await (await paused.response).json()).state, "paused");

  const parked = await askAndWait(opossum, ask(app, "POST", path));
  const { progress } = await opossum.rebuilder.getOperation(parked.id) ?? {};
  opossum.change(parked.id, {
    progress: progress?.map((each) => ({
      ...each,
      phase: "awaitingPromotion" as const,
    })) ?? [],
  });
  await opossum.clock.advance(1_000);
  assertEquals((await parked.response).status, 202);
});

Deno.test("rebuildWaitMs sets how long requests wait by themselves", async () => {
  const opossum = new FakeOpossum("CourseDetails");
  opossum.endAtOnce = undefined;
  const auth = { tokens: [TOKEN] };
  const app = createAdminRouter({ opossum, auth, rebuildWaitMs: 0 });
  const response = await ask(app, "POST", "/admin/projections/rebuild");
  assertEquals(response.status, 202);
});

Deno.test("POST rebuild of one answers 409 with a link while it is being rebuilt", async () => {
  const { app, opossum } = setUp("CourseDetails");
  opossum.endAtOnce = undefined;
  const path = "/admin/projections/CourseDetails/rebuild";
  const headers = { prefer: "respond-async" };
  const first = await (await ask(app, "POST", path, { headers })).json();
  const second = await ask(app, "POST", path, { headers });
  const operation = `/admin/operations/${first.id}`;
  assertEquals(second.headers.get("link"), `<${operation}>; rel="related"`);
  const problem = await assertProblem(second, 409, "rebuild-conflict");
  assertEquals(problem.operation, operation);
  assertEquals(problem.operationId, first.id);
  assertEquals(opossum.started.length, 1);
});

Deno.test("POST rebuild of all joins what is being rebuilt", async () => {
  const { app, opossum } = setUp("CourseDetails");
  opossum.endAtOnce = undefined;
  const headers = { prefer: "respond-async" };
  const path = "/admin/projections/rebuild";
  await ask(app, "POST", path, { headers });
  assertEquals((await ask(app, "POST", path, { headers })).status, 202);
});

Deno.test("POST rebuild refuses malformed, repeated and unknown query parameters", async () => {
  const { app, opossum } = setUp("CourseDetails");
  for (
    const query of [
      "forceAll=banana",
      "forceAll=",
      "forceAll=TRUE",
      "forceAll=true&forceAll=true",
      "force=true",
      "forceAll=true&x=1",
      "__proto__=1",
      "constructor=1",
    ]
  ) {
    const path = `/admin/projections/rebuild?${query}`;
    await assertProblem(await ask(app, "POST", path), 400, "invalid-parameter");
  }
  assertEquals(opossum.started, []);
});

Deno.test("POST rebuild of one answers 400 to what cannot be a name, 404 to unknown names", async () => {
  const { app, opossum } = setUp("CourseDetails");
  for (
    const name of [
      "..%2f..%2fetc",
      "%252e%252e",
      "a%00b",
      "a%0aFAKE",
      "%ff",
      "%zz",
      "a%5Cb",
      "a.b",
      "1a",
      "__proto__",
      "%C3%A4",
      "x".repeat(129),
      "CON",
      "lpt1",
    ]
  ) {
    const response = await ask(
      app,
      "POST",
      `/admin/projections/${name}/rebuild`,
    );
    const problem = await assertProblem(response, 400, "invalid-name");
    assert(!JSON.stringify(problem.detail).includes(name));
  }
  for (const name of ["constructor", "toString", "hasOwnProperty"]) {
    const response = await ask(
      app,
      "POST",
      `/admin/projections/${name}/rebuild`,
    );
    await assertProblem(response, 404, "unknown-projection");
  }
  const folded = await ask(app, "POST", "/admin/projections/%2e%2e/rebuild");
  await assertProblem(folded, 404, "not-found");
  assertEquals(opossum.started, []);
});

Deno.test("POST rebuild answers 422 to a body that does not match", async () => {
  const { app } = setUp("CourseDetails");
  for (
    const body of [
      { concurrency: 0 },
      { concurrency: 5 },
      { concurrency: 1.5 },
      { concurrency: 2 ** 53 + 2 },
      { note: 7 },
      { note: "x".repeat(257) },
      { note: "half a character: \ud800" },
      { unknown: true },
      { projectionNames: [] },
      { projectionNames: ["../etc"] },
      { projectionNames: "CourseDetails" },
      [],
      null,
    ]
  ) {
    const response = await askWithBody(app, "/admin/projections/rebuild", body);
    const problem = await assertProblem(response, 422, "invalid-body");
    assert(Array.isArray(problem.errors) && problem.errors.length > 0);
  }
});
