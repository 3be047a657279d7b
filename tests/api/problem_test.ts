import { assert, assertEquals } from "@std/assert";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import {
  AppendConditionError,
  AppendFailedError,
  AppendOutcomeUnknownError,
  LockTimeoutError,
  LogCorruptionError,
  ProjectionDamagedError,
  ProjectionNotBuiltError,
  ProjectionsClosedError,
  RebuildConflictError,
  RebuilderClosedError,
  StoreClosedError,
  StoreReadOnlyError,
  UnknownProjectionError,
} from "../../mod.ts";
import {
  createAdminRouter,
  createErrorHandler,
  ProblemError,
} from "../../api/mod.ts";
import { FakeOpossum } from "./fake_opossum.ts";
import { ask, assertProblem, TOKEN } from "./requests.ts";

class CourseFullError extends Error {}

async function answerTo(
  error: unknown,
  opossum = new FakeOpossum(),
): Promise<Response> {
  const app = new Hono();
  app.onError(createErrorHandler({
    logger: opossum.options.logger,
    toProblem: (error) =>
      error instanceof CourseFullError
        ? { kind: "course-full", status: 409, title: "Full", detail: "It is" }
        : undefined,
  }));
  app.get("/", () => {
    throw error;
  });
  return await app.request("/");
}

Deno.test("createErrorHandler() maps errors by their class, never by their words", async () => {
  const table: [Error, number, string][] = [
    [new UnknownProjectionError(["X"], ["Secret"]), 404, "unknown-projection"],
    [new RebuildConflictError("X", null), 409, "rebuild-conflict"],
    [new RebuildConflictError("X", "abc"), 409, "rebuild-conflict"],
    [new ProjectionNotBuiltError("X"), 503, "projection-not-built"],
    [
      new ProjectionDamagedError("X", "projections/X/1.sqlite"),
      503,
      "projection-damaged",
    ],
    [
      new AppendConditionError({ after: 1, foundAt: 2 }),
      409,
      "append-conflict",
    ],
    [new CourseFullError(), 409, "course-full"],
    [new HTTPException(400, { message: "secret" }), 400, "bad-request"],
    [
      new HTTPException(415, { message: "secret" }),
      415,
      "unsupported-media-type",
    ],
    [new Error("Cannot find projection: unknown, 404"), 500, "internal-error"],
  ];
  for (const [error, status, kind] of table) {
    const body = JSON.stringify(
      await assertProblem(await answerTo(error), status, kind),
    );
    assert(!/secret|sqlite|Cannot find|\.ts/i.test(body), body);
  }
});

Deno.test("createErrorHandler() answers 503 when the store fails or stops, and logs what must be repaired", async () => {
  const cause = new Error("secret");
  const failed = new AppendFailedError("events/secret.ndjson", { cause });
  const table: [Error, string, boolean][] = [
    [failed, "append-failed", true],
    [
      new AppendOutcomeUnknownError("events/secret.ndjson", { cause }),
      "append-outcome-unknown",
      true,
    ],
    [new StoreReadOnlyError({ cause: failed }), "store-read-only", true],
    [new LockTimeoutError("/secret/lock", 30_000), "store-busy", true],
    [
      new LogCorruptionError({
        file: "events/secret.ndjson",
        offset: 7,
        position: 3,
        what: "secret",
      }),
      "log-damaged",
      true,
    ],
    [new RebuilderClosedError(), "stopping", false],
    [new StoreClosedError("append"), "stopping", false],
    [new ProjectionsClosedError("X"), "stopping", false],
  ];
  for (const [error, kind, isLogged] of table) {
    const opossum = new FakeOpossum();
    const response = await answerTo(error, opossum);
    const problem = await assertProblem(response, 503, kind);
    assert(!/secret/i.test(JSON.stringify(problem)));
    assertEquals(
      opossum.logs.map(({ level, attributes }) => [level, attributes?.error]),
      isLogged ? [["error", error]] : [],
    );
  }
});

Deno.test("ProblemError answers with its problem, extensions and headers", async () => {
  const response = await answerTo(
    new ProblemError({
      kind: "teapot",
      status: 418,
      title: "Teapot",
      detail: "No coffee here",
      extensions: { tea: ["green"] },
      headers: { "Retry-After": "5" },
    }, { cause: new Error("secret") }),
  );
  assertEquals(response.headers.get("retry-after"), "5");
  assertEquals((await assertProblem(response, 418, "teapot")).tea, ["green"]);
});

Deno.test("createAdminRouter() answers a bare 500 to what nobody expected, and logs it", async () => {
  const opossum = new FakeOpossum("A");
  opossum.statusError = new TypeError("Cannot read /home/secret/data");
  const app = createAdminRouter({ opossum, auth: { tokens: [TOKEN] } });
  const response = await ask(app, "GET", "/admin/projections/status");
  const id = response.headers.get("x-request-id");
  const problem = await assertProblem(response, 500, "internal-error");
  assertEquals(problem.requestId, id);
  assertEquals(problem.instance, "/admin/projections/status");
  assert(!JSON.stringify(problem).includes("secret"));

  const [record] = opossum.logs;
  assertEquals(opossum.logs.length, 1);
  assertEquals(record?.level, "error");
  assertEquals(record?.attributes?.requestId, id);
  assertEquals(record?.attributes?.error, opossum.statusError);
  assert(!JSON.stringify(opossum.logs).includes(TOKEN));
});

Deno.test("createAdminRouter() takes over a caller's request id when it is well-formed", async () => {
  const app = createAdminRouter({
    opossum: new FakeOpossum("A"),
    auth: { tokens: [TOKEN] },
  });
  for (
    const [given, isTaken] of [
      ["order-66", true],
      ["x".repeat(65), false],
      ["<script>", false],
    ] as const
  ) {
    const response = await ask(app, "GET", "/admin/plan", {
      headers: { "x-request-id": given },
    });
    assertEquals(response.headers.get("x-request-id") === given, isTaken);
    await response.body?.cancel();
  }
});
