import { assert, assertEquals } from "@std/assert";
import { createAdminRouter } from "../../api/mod.ts";
import { Operation } from "../../api/schemas.ts";
import { FakeOpossum } from "./fake_opossum.ts";
import { ask, assertProblem, TOKEN } from "./requests.ts";

const UNKNOWN_ID = "0".repeat(32);

function setUp() {
  const opossum = new FakeOpossum("CourseDetails");
  opossum.endAtOnce = undefined;
  const app = createAdminRouter({ opossum, auth: { tokens: [TOKEN] } });
  return { app, opossum };
}

Deno.test("GET operation answers 200 while it runs and after it failed", async () => {
  const { app, opossum } = setUp();
  const { id } = await opossum.rebuilder.start(undefined);
  const path = `/admin/operations/${id}`;

  const running = await ask(app, "GET", path);
  const body = await running.json();
  assertEquals([running.status, body.state], [200, "running"]);
  assertEquals(body, Operation.parse(body));
  assertEquals(running.headers.get("retry-after"), "7");
  assertEquals(running.headers.get("cache-control"), "no-store");

  opossum.end(id, "failed");
  const failed = await ask(app, "GET", path);
  assertEquals(failed.status, 200);
  assertEquals(failed.headers.get("retry-after"), null);
  const { result } = await failed.json();
  assertEquals(result.failedProjections, ["CourseDetails"]);
});

Deno.test("Retry-After of an operation is from 1 to 30 seconds", async () => {
  const { app, opossum } = setUp();
  const { id, progress } = await opossum.rebuilder.start(undefined);
  const table: [estimatedCompletionAt: string | null, seconds: string][] = [
    ["2025-12-31T23:59:00.000Z", "1"],
    ["2026-01-01T00:00:29.001Z", "30"],
    ["2026-01-01T01:00:00.000Z", "30"],
    [null, "1"],
  ];
  for (const [estimatedCompletionAt, seconds] of table) {
    opossum.change(id, {
      progress: progress.map((each) => ({ ...each, estimatedCompletionAt })),
    });
    const response = await ask(app, "GET", `/admin/operations/${id}`);
    assertEquals(response.headers.get("retry-after"), seconds);
    await response.body?.cancel();
  }
});

Deno.test("GET operation answers 304 as long as nothing changed", async () => {
  const { app, opossum } = setUp();
  const { id } = await opossum.rebuilder.start(undefined);
  const path = `/admin/operations/${id}`;
  const first = await ask(app, "GET", path);
  const tag = first.headers.get("etag");
  await first.body?.cancel();
  assert(tag !== null);
  const headers = { "if-none-match": tag };
  assertEquals((await ask(app, "GET", path, { headers })).status, 304);
  opossum.end(id, "succeeded");
  const changed = await ask(app, "GET", path, { headers });
  assertEquals(changed.status, 200);
  await changed.body?.cancel();
});

Deno.test("GET operation answers 404 to unknown ids, 400 to what cannot be an id", async () => {
  const { app } = setUp();
  const path = `/admin/operations/${UNKNOWN_ID}`;
  await assertProblem(await ask(app, "GET", path), 404, "unknown-operation");
  for (const id of ["1", "..%2f", `${UNKNOWN_ID}0`, "G".repeat(32)]) {
    const response = await ask(app, "GET", `/admin/operations/${id}`);
    await assertProblem(response, 400, "invalid-parameter");
  }
});

Deno.test("GET operations lists the newest first, as many as asked for", async () => {
  const { app, opossum } = setUp();
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) {
    ids.unshift((await opossum.rebuilder.start(undefined)).id);
  }
  const list = async (query: string) => {
    const response = await ask(app, "GET", `/admin/operations${query}`);
    const { operations } = await response.json();
    return operations.map(({ id }: { id: string }) => id);
  };
  assertEquals(await list(""), ids);
  assertEquals(await list("?limit=2"), ids.slice(0, 2));
  for (const limit of ["0", "-1", "1001", "1.5", "1e2", "x", ""]) {
    const response = await ask(app, "GET", `/admin/operations?limit=${limit}`);
    await assertProblem(response, 400, "invalid-parameter");
  }
});

Deno.test("DELETE operation cancels it; doing so twice is no error", async () => {
  const { app, opossum } = setUp();
  const { id } = await opossum.rebuilder.start(undefined);
  for (let i = 0; i < 2; i++) {
    const response = await ask(app, "DELETE", `/admin/operations/${id}`);
    assertEquals(response.status, 202);
    assertEquals((await response.json()).state, "cancelled");
  }
});

Deno.test("DELETE operation answers 409 when it has ended, 404 when it is unknown", async () => {
  const { app, opossum } = setUp();
  const { id } = await opossum.rebuilder.start(undefined);
  opossum.end(id, "succeeded");
  const ended = await ask(app, "DELETE", `/admin/operations/${id}`);
  const problem = await assertProblem(ended, 409, "operation-ended");
  assertEquals(problem.state, "succeeded");
  const unknown = await ask(app, "DELETE", `/admin/operations/${UNKNOWN_ID}`);
  await assertProblem(unknown, 404, "unknown-operation");
});
