import { assert, assertEquals } from "@std/assert";
import { createAdminRouter } from "../../api/mod.ts";
import { Plan } from "../../api/schemas.ts";
import { IdempotencyKeyError, InsufficientDiskSpaceError } from "../../mod.ts";
import { FakeOpossum } from "./fake_opossum.ts";
import { ask, assertProblem, TOKEN } from "./requests.ts";

const ALL = "/admin/projections/rebuild";
const ONE = "/admin/projections/CourseDetails/rebuild";

function setUp() {
  const opossum = new FakeOpossum("CourseDetails");
  const app = createAdminRouter({ opossum, auth: { tokens: [TOKEN] } });
  return { app, opossum };
}

Deno.test("dryRun=true answers 200 with the plan of GET /admin/plan, and starts nothing", async () => {
  const { app, opossum } = setUp();
  const get = await ask(app, "GET", "/admin/plan?forceAll=true");
  const plan = await get.json();
  assertEquals(plan, Plan.parse(plan));
  const all = await ask(app, "POST", `${ALL}?dryRun=true&forceAll=true`);
  assertEquals([all.status, await all.json()], [200, plan]);
  const one = await ask(app, "POST", `${ONE}?dryRun=true`);
  assertEquals(one.status, 200);
  assertEquals(Plan.parse(await one.json()).estimatedDuration, 1_000);
  assertEquals(opossum.started, []);
  for (const path of [`${ALL}?dryRun=1`, "/admin/plan?concurrency=9"]) {
    const method = path.startsWith(ALL) ? "POST" : "GET";
    const response = await ask(app, method, path);
    await assertProblem(response, 400, "invalid-parameter");
  }
});

Deno.test("POST rebuild answers 507 when it is estimated not to fit, and passes ignoreDiskSpace on", async () => {
  const { app, opossum } = setUp();
  await ask(app, "POST", `${ALL}?ignoreDiskSpace=true`);
  assert(opossum.started[0]?.options?.ignoreDiskSpace);
  opossum.rebuilder.start = () =>
    Promise.reject(new InsufficientDiskSpaceError(2_000, 1_000));
  for (const path of [ALL, ONE]) {
    const response = await ask(app, "POST", path);
    const problem = await assertProblem(response, 507, "insufficient-storage");
    assertEquals(
      [problem.estimatedBytes, problem.freeBytes],
      [2_000, 1_000],
    );
  }
});

Deno.test("POST rebuild passes the Idempotency-Key on, in quotes or not", async () => {
  const { app, opossum } = setUp();
  for (const key of ["abc-1", '"abc-1"', "x".repeat(255)]) {
    await ask(app, "POST", ALL, { headers: { "idempotency-key": key } });
  }
  assertEquals(
    opossum.started.map(({ options }) => options?.idempotencyKey),
    ["abc-1", "abc-1", "x".repeat(255)],
  );
});

Deno.test("POST rebuild answers 400 to a malformed Idempotency-Key", async () => {
  const { app, opossum } = setUp();
  for (
    const key of ["", '""', "a b", 'a"b', "a\\b", '"a', "x".repeat(256), "a, a"]
  ) {
    const headers = { "idempotency-key": key };
    const response = await ask(app, "POST", ONE, { headers });
    await assertProblem(response, 400, "invalid-idempotency-key");
  }
  assertEquals(opossum.started, []);
});

Deno.test("POST rebuild answers 422 or 409 to an Idempotency-Key of another request", async () => {
  const { app, opossum } = setUp();
  const id = "1".repeat(32);
  for (
    const [operationId, status, kind] of [
      [id, 422, "idempotency-key-reused"],
      [null, 409, "idempotency-key-in-use"],
    ] as const
  ) {
    opossum.rebuilder.start = () =>
      Promise.reject(new IdempotencyKeyError(operationId));
    const headers = { "idempotency-key": "k" };
    const response = await ask(app, "POST", ALL, { headers });
    const problem = await assertProblem(response, status, kind);
    assertEquals(
      problem.operation,
      operationId === null ? undefined : `/admin/operations/${id}`,
    );
  }
});

Deno.test("POST rebuild answers 503 when no events can be stored any more, while GETs answer", async () => {
  const { app, opossum } = setUp();
  const cause = new Error("The sync of /secret failed");
  opossum.appendHealth = { state: "refused", cause };
  for (const path of [ALL, ONE]) {
    const response = await ask(app, "POST", path);
    const problem = await assertProblem(response, 503, "store-read-only");
    assert(!JSON.stringify(problem).includes("secret"));
  }
  for (const path of ["/admin/plan", "/admin/projections/status"]) {
    assertEquals((await ask(app, "GET", path)).status, 200);
  }
  // Full for the moment only: rebuilds may be what makes room.
  opossum.appendHealth = { state: "failing", cause };
  assertEquals((await ask(app, "POST", ALL)).status, 200);
});

Deno.test("a repeated request waits for the operation that continued an interrupted one", async () => {
  const { app, opossum } = setUp();
  const second = await opossum.rebuilder.start(undefined);
  opossum.endAtOnce = undefined;
  const first = await opossum.rebuilder.start(undefined);
  opossum.end(first.id, "interrupted");
  opossum.change(first.id, { resumedBy: second.id });
  const { rebuilder } = opossum;
  rebuilder.start = async () => {
    const found = await rebuilder.getOperation(first.id);
    assert(found);
    return found;
  };
  const response = await ask(app, "POST", ALL);
  const { operationId, success } = await response.json();
  assertEquals([response.status, operationId], [200, second.id]);
  assert(success);
});

Deno.test("POST rebuild waits on though one look at its operation fails", async () => {
  const { app, opossum } = setUp();
  opossum.endAtOnce = undefined;
  const { rebuilder, clock } = opossum;
  const getOperation = rebuilder.getOperation.bind(rebuilder);
  let looks = 0;
  rebuilder.getOperation = (id) =>
    ++looks === 2
      ? Promise.reject(new Error("Too many open files"))
      : getOperation(id);
  const response = ask(app, "POST", ALL);
  for (let seconds = 0; seconds < 3; seconds++) {
    await clock.whenSleeping(1);
    await clock.advance(1_000);
  }
  assertEquals(looks, 4);
  const [{ id } = { id: "" }] = await rebuilder.listOperations();
  opossum.end(id, "succeeded");
  assertEquals((await response).status, 200);
});
