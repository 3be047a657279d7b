import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { createAdminRouter } from "../../api/mod.ts";
import { Details, Info, Operation } from "../../api/schemas.ts";
import {
  defineProjection,
  type LogAttributes,
  openOpossum,
  type OpossumOptions,
  type ProjectionDefinition,
} from "../../mod.ts";
import { whenAwaiting } from "../rebuild/generation_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { ask, askWithBody, assertProblem, TOKEN } from "./requests.ts";

function seats(version: number): ProjectionDefinition {
  return defineProjection<{ seats: number }>({
    name: "Courses",
    version,
    eventTypes: ["Opened"],
    key: ({ data }) => String(Object(data).course),
    apply: (_, { data }) => ({ seats: Object(data).seats * version }),
  }) as ProjectionDefinition;
}

/** A store with its admin API, and a version of the projection. */
async function serve(
  path: string,
  version: number,
  options: Partial<OpossumOptions> = {},
) {
  const said: (string | LogAttributes | undefined)[] = [];
  const opossum = await openOpossum({
    path,
    projections: [seats(version)],
    logger: {
      log: (_level, message, attributes) => void said.push(message, attributes),
    },
    ...options,
  });
  await opossum.daemon.whenStarted();
  const app = createAdminRouter({
    opossum,
    auth: { tokens: [TOKEN] },
    limits: { triggersPerMinute: 100 },
  });
  return {
    opossum,
    app,
    said,
    [Symbol.asyncDispose]: () => opossum[Symbol.asyncDispose](),
  };
}

const COURSES = "/admin/projections/Courses";

async function fill(path: string): Promise<void> {
  await using server = await serve(path, 1);
  await server.opossum.events.append(
    ["a", "b"].map((course) => ({
      type: "Opened",
      data: { course, seats: 31_337 },
    })),
  );
  await server.opossum.projections.waitFor(2);
}

Deno.test("POST rollback serves the previous generation, GET tells of both, and a start leaves it", async () => {
  using dir = new TempDir();
  await fill(dir.path);
  {
    await using server = await serve(dir.path, 2);
    const response = await ask(server.app, "POST", `${COURSES}/rollback`);
    assertEquals(response.status, 200);
    const info = Info.parse(await response.json());
    assertEquals([info.generation, info.previousGeneration, info.state], [
      1,
      2,
      "stale",
    ]);
    assert(info.rolledBackAt !== null);
  }
  await using server = await serve(dir.path, 2);
  const response = await ask(server.app, "GET", COURSES);
  const { generations, ...info } = Details.parse(await response.json());
  assertEquals([info.state, info.builtVersion], ["stale", 1]);
  assertEquals(
    generations.map((
      { number, role, version, documents, checkpoint },
    ) => [number, role, version, documents, checkpoint]),
    [[1, "current", 1, 2, 2], [2, "previous", 2, 2, 2]],
  );
  const { projections: [planned] } =
    await (await ask(server.app, "GET", "/admin/plan")).json();
  assertEquals([planned.rebuild, planned.reason], [false, "rolledBack"]);
});

Deno.test("POST rollback answers 404, and 409 without a generation to go back to or during a rebuild", async () => {
  using dir = new TempDir();
  await fill(dir.path);
  await using server = await serve(dir.path, 1);
  const { app, opossum: { rebuilder } } = server;
  const unknown = await ask(app, "POST", "/admin/projections/Nope/rollback");
  await assertProblem(unknown, 404, "unknown-projection");
  const none = await ask(app, "POST", `${COURSES}/rollback`);
  await assertProblem(none, 409, "no-previous-generation");
  const query = await ask(app, "POST", `${COURSES}/rollback?force=true`);
  await assertProblem(query, 400, "invalid-parameter");
  const { id } = await rebuilder.start(["Courses"]);
  await rebuilder.pause(id);
  const running = await ask(app, "POST", `${COURSES}/rollback`);
  const problem = await assertProblem(running, 409, "rebuild-running");
  assertEquals(problem.operationId, id);
  await rebuilder.cancel(id);
  const waiting = await rebuilder.start(["Courses"], { promote: "manual" });
  await whenAwaiting(server.opossum, waiting.id);
  const held = await assertProblem(
    await ask(app, "POST", `${COURSES}/rollback`),
    409,
    "awaiting-promotion",
  );
  assertEquals([held.operationId, held.operation], [
    waiting.id,
    `/admin/operations/${waiting.id}`,
  ]);
  await rebuilder.cancel(waiting.id);
});

Deno.test("POST rollback with from goes back only while that generation serves", async () => {
  using dir = new TempDir();
  await fill(dir.path);
  await using server = await serve(dir.path, 2);
  const rollback = (query: string) =>
    ask(server.app, "POST", `${COURSES}/rollback${query}`);
  const problem = await assertProblem(
    await rollback("?from=1"),
    409,
    "generation-changed",
  );
  assertEquals([problem.projectionName, problem.generation], ["Courses", 2]);
  for (const query of ["?from=0", "?from=", "?from=2&from=2", "?from=two"]) {
    await assertProblem(await rollback(query), 400, "invalid-parameter");
  }
  assertEquals((await rollback("?from=2")).status, 200);
  await assertProblem(await rollback("?from=2"), 409, "generation-changed");
  const info = await server.opossum.projections.info("Courses");
  assertEquals(info.generation, 1);
});

Deno.test("POST rebuild with verify compares; what it found is in the answer, but in no log", async () => {
  using dir = new TempDir();
  await fill(dir.path);
  const options = { enableAutoRebuild: false } as const;
  for (
    const [path, body] of [
      [`${COURSES}/rebuild?verify=true`, {}],
      [`${COURSES}/rebuild`, { verify: true }],
      ["/admin/projections/rebuild?verify=true", {
        projectionNames: ["Courses"],
      }],
    ] as const
  ) {
    await using server = await serve(dir.path, 2, options);
    const response = await askWithBody(server.app, path, body);
    assertEquals(response.status, 200);
    const answer = await response.json();
    const { comparison } = answer.details?.[0] ?? answer;
    if (answer.reason === "versionChanged") {
      assertEquals([comparison.changed, comparison.unchanged], [2, 0]);
      assertEquals(comparison.samples[0], {
        key: "a",
        change: "changed",
        before: '{"seats":31337}',
        after: '{"seats":62674}',
      });
    } else assertEquals([comparison.changed, comparison.unchanged], [0, 2]);
    assert(!/31337|62674/.test(JSON.stringify(server.said)));
  }
});

Deno.test("POST promote swaps in what POST rebuild with promote=manual left waiting", async () => {
  using dir = new TempDir();
  await fill(dir.path);
  const options = { enableAutoRebuild: false } as const;
  await using server = await serve(dir.path, 2, options);
  const { app, opossum } = server;
  // At once, as nobody waits for an operator.
  const path = `${COURSES}/rebuild?promote=manual&verify=true`;
  const started = await askWithBody(app, path, {});
  assertEquals(started.status, 202);
  const { id } = Operation.parse(await started.json());
  const operation = `/admin/operations/${id}`;
  const follow = async () =>
    Operation.parse(await (await ask(app, "GET", operation)).json());
  while ((await follow()).progress[0]?.phase !== "awaitingPromotion") {
    await setImmediate();
  }
  assertEquals((await follow()).progress[0]?.comparison?.changed, 2);
  assertEquals(await opossum.projections.get("Courses", "a"), {
    seats: 31_337,
  });
  const conflict = await askWithBody(app, `${COURSES}/rebuild`, {});
  await assertProblem(conflict, 409, "rebuild-conflict");
  const promoted = await ask(app, "POST", `${operation}/promote`);
  assertEquals(promoted.status, 202);
  assertEquals(promoted.headers.get("location"), operation);
  assert(Operation.parse(await promoted.json()).promotedAt);
  assert((await opossum.rebuilder.wait(id))?.success);
  assertEquals(await opossum.projections.get("Courses", "a"), {
    seats: 62_674,
  });
  const ended = await ask(app, "POST", `${operation}/promote`);
  await assertProblem(ended, 409, "operation-ended");
});

Deno.test("POST promote says that another process has the operation, and leads to who continued it", async () => {
  using dir = new TempDir();
  await fill(dir.path);
  const options = { startDaemon: false } as const;
  await using here = await serve(dir.path, 1, options);
  const promote = (id: string) =>
    ask(here.app, "POST", `/admin/operations/${id}/promote`);
  let id = "";
  {
    await using there = await serve(dir.path, 1, options);
    const asked = { promote: "manual" } as const;
    ({ id } = await there.opossum.rebuilder.start(["Courses"], asked));
    const refused = await assertProblem(
      await promote(id),
      409,
      "operation-elsewhere",
    );
    assertStringIncludes(String(refused.detail), "cannot be promoted");
  }
  await assertProblem(await promote(id), 409, "operation-ended");
  await using there = await serve(dir.path, 1, options);
  await there.opossum.daemon.start();
  await there.opossum.daemon.whenStarted();
  const problem = await assertProblem(
    await promote(id),
    409,
    "operation-ended",
  );
  const continued = await there.opossum.rebuilder.getOperation(id);
  assertEquals(problem.resumedBy, continued?.resumedBy);
});

Deno.test("POST promote answers 404 to unknown operations, 409 to those that do not wait", async () => {
  using dir = new TempDir();
  await fill(dir.path);
  await using server = await serve(dir.path, 1);
  const { app, opossum: { rebuilder } } = server;
  const unknown = await ask(
    app,
    "POST",
    `/admin/operations/${"0".repeat(32)}/promote`,
  );
  await assertProblem(unknown, 404, "unknown-operation");
  const { id } = await rebuilder.start(["Courses"]);
  await rebuilder.pause(id);
  const early = await ask(app, "POST", `/admin/operations/${id}/promote`);
  const problem = await assertProblem(early, 409, "not-awaiting-promotion");
  assertEquals(problem.projectionNames, ["Courses"]);
  await rebuilder.cancel(id);
});

Deno.test("POST rebuild refuses verify and promote in both query and body, and values it does not know", async () => {
  using dir = new TempDir();
  await using server = await serve(dir.path, 1);
  for (const path of [`${COURSES}/rebuild`, "/admin/projections/rebuild"]) {
    for (
      const [query, body] of [
        ["verify=true", { verify: false }],
        ["promote=manual", { promote: "manual" }],
        ["promote=later", {}],
        ["verify=1", {}],
      ] as const
    ) {
      const response = await askWithBody(server.app, `${path}?${query}`, body);
      await assertProblem(response, 400, "invalid-parameter");
    }
    for (const body of [{ verify: "true" }, { promote: "later" }]) {
      const response = await askWithBody(server.app, path, body);
      await assertProblem(response, 422, "invalid-body");
    }
  }
});

Deno.test("POST rebuild of all answers 409 when all that it cannot rebuild waits for an operator", async () => {
  using dir = new TempDir();
  await fill(dir.path);
  await using server = await serve(dir.path, 1);
  const path = `${COURSES}/rebuild?promote=manual`;
  const waiting = await ask(server.app, "POST", path);
  const { id } = await waiting.json();
  const all = "/admin/projections/rebuild?forceAll=true";
  const response = await ask(server.app, "POST", all);
  const problem = await assertProblem(response, 409, "rebuild-conflict");
  assertStringIncludes(JSON.stringify(problem.result), id);
  await server.opossum.rebuilder.cancel(id);
});
