/**
 * Rows B1 to B12 of the list that the admin API was accepted by, over sockets and a real store.
 * (B3's headers, B9's limit of triggers and B10's failing disk: in the tests of their own.)
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Operation } from "../../api/schemas.ts";
import {
  defineProjection,
  type Opossum,
  type OpossumOptions,
} from "../../mod.ts";
import { countingProjection, counts } from "../support/course_fixture.ts";
import { serveStore } from "../support/served_store.ts";
import { TempDir } from "../support/temp_dir.ts";
import { assertProblem, REQUESTER, TOKEN } from "./requests.ts";

const ALL = "/admin/projections/rebuild";
const ONE = "/admin/projections/One/rebuild";
const ASYNC = { prefer: "respond-async" };
const UNKNOWN = `/admin/operations/${"0".repeat(32)}`;

interface Server extends AsyncDisposable {
  readonly opossum: Opossum;
  ask(
    method: string,
    path: string,
    headers?: Record<string, string>,
    body?: string,
  ): Promise<Response>;
}

async function serve(
  path: string,
  options: Partial<OpossumOptions> = {},
): Promise<Server> {
  const served = await serveStore(TOKEN, {
    path,
    projections: ["One", "Two"].map((name) =>
      countingProjection(name, { fingerprint: "fixed" })
    ),
    enableAutoRebuild: false,
    ...options,
  });
  const { url } = served;
  return {
    ...served,
    ask: (method, path, headers, body) =>
      fetch(`${url}${path}`, {
        method,
        headers: { ...headers, authorization: `Bearer ${TOKEN}` },
        ...(body === undefined ? {} : { body }),
      }),
  };
}

/** Starts an operation and holds it up before it comes to anything, so that it can be looked at. */
async function held({ opossum: { rebuilder } }: Server): Promise<string> {
  const { id } = await rebuilder.start(["One"]);
  await rebuilder.pause(id);
  return id;
}

Deno.test("B1, B2, B4: a rebuild in the background is a resource, also with nothing to do, and after a restart", async () => {
  using dir = new TempDir();
  let location: string;
  {
    await using server = await serve(dir.path);
    await server.opossum.events.append(counts(10));
    const started = await server.ask("POST", ALL, ASYNC);
    const operation = await started.json();
    assertEquals(started.status, 202);
    location = started.headers.get("location") ?? "";
    assertEquals(location, `/admin/operations/${operation.id}`);
    assertMatch(operation.id, /^[0-9a-f]{32}$/);
    assertMatch(started.headers.get("retry-after") ?? "", /^\d+$/);
    assertEquals(operation.projectionNames, ["One", "Two"]);
    assertEquals(operation.requestedBy, REQUESTER);
    await server.opossum.rebuilder.wait(operation.id);

    const nothing = await server.ask("POST", ALL, ASYNC);
    const done = await nothing.json();
    assertEquals(nothing.status, 202);
    assertEquals([done.state, done.result.totalRebuilt], ["succeeded", 0]);
    assert(done.id !== operation.id);
    await assertProblem(
      await server.ask("GET", UNKNOWN),
      404,
      "unknown-operation",
    );
  }
  await using server = await serve(dir.path);
  const known = await server.ask("GET", location);
  assertEquals([known.status, (await known.json()).state], [200, "succeeded"]);
});

Deno.test("B3: an operation answers 200 whatever became of it, with an ETag, and is not stored", async () => {
  using dir = new TempDir();
  let isBroken = false;
  const fragile = countingProjection("One", {
    apply: (state) => {
      if (isBroken) throw new Error("Broken");
      return state ?? { sum: 0 };
    },
  });
  await using server = await serve(dir.path, { projections: [fragile] });
  await server.opossum.events.append(counts(10));
  const ids: [string, string][] = [["paused", await held(server)]];
  const look = async () => {
    for (const [state, id] of ids) {
      const response = await server.ask("GET", `/admin/operations/${id}`);
      assertEquals([response.status, (await response.json()).state], [
        200,
        state,
      ]);
      assert(response.headers.get("etag"));
      assertEquals(response.headers.get("cache-control"), "no-store");
    }
  };
  await look();
  const [[, first] = ["", ""]] = ids;
  await server.opossum.rebuilder.cancel(first);
  const succeeded = await server.opossum.rebuilder.rebuild("One");
  isBroken = true;
  const failed = await server.opossum.rebuilder.rebuild("One");
  ids.splice(
    0,
    1,
    ["cancelled", first],
    ["succeeded", succeeded.operationId],
    ["failed", failed.operationId],
  );
  await look();
});

Deno.test("B5: cancelling answers 202, 202 again, 409 when it has ended, 404 when it is unknown", async () => {
  using dir = new TempDir();
  await using server = await serve(dir.path);
  await server.opossum.events.append(counts(10));
  for (
    const [method, suffix] of [["DELETE", ""], ["POST", "/cancel"]] as const
  ) {
    const path = `/admin/operations/${await held(server)}${suffix}`;
    for (let times = 0; times < 2; times++) {
      const response = await server.ask(method, path);
      assertEquals(
        [response.status, (await response.json()).state],
        [202, "cancelled"],
      );
    }
    const { operationId } = await server.opossum.rebuilder.rebuild("One");
    const ended = `/admin/operations/${operationId}${suffix}`;
    await assertProblem(
      await server.ask(method, ended),
      409,
      "operation-ended",
    );
    await assertProblem(
      await server.ask(method, `${UNKNOWN}${suffix}`),
      404,
      "unknown-operation",
    );
  }
});

Deno.test("B6: a projection that is being rebuilt is not rebuilt twice", async () => {
  using dir = new TempDir();
  await using server = await serve(dir.path);
  await server.opossum.events.append(counts(10));
  const id = await held(server);
  const second = await server.ask("POST", ONE);
  const operation = `/admin/operations/${id}`;
  assertEquals(second.headers.get("link"), `<${operation}>; rel="related"`);
  const problem = await assertProblem(second, 409, "rebuild-conflict");
  assertEquals(problem.operation, operation);
  assertEquals((await server.opossum.rebuilder.listOperations()).length, 1);
});

Deno.test("B7, B8: the same Idempotency-Key is the same operation, also at once and after a restart; another request is refused", async () => {
  using dir = new TempDir();
  const keyed = { ...ASYNC, "idempotency-key": '"7d0d5c1e"' };
  let location: string | null;
  {
    await using server = await serve(dir.path);
    await server.opossum.events.append(counts(10));
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() => server.ask("POST", ONE, keyed)),
    );
    for (const answer of answers) await answer.body?.cancel();
    assertEquals(new Set(answers.map(({ status }) => status)), new Set([202]));
    const locations = answers.map(({ headers }) => headers.get("location"));
    assertEquals(new Set(locations).size, 1);
    [location = null] = locations;
    const [{ id = "" } = {}] = await server.opossum.rebuilder.listOperations();
    await server.opossum.rebuilder.wait(id);
    assertEquals((await server.opossum.rebuilder.listOperations()).length, 1);
    for (
      const [path, headers, body] of [
        [ALL, keyed, undefined],
        [`${ONE}?note=other`, keyed, undefined],
        [
          ONE,
          { ...keyed, "content-type": "application/json" },
          '{"priority":1}',
        ],
      ] as const
    ) {
      await assertProblem(
        await server.ask("POST", path, headers, body),
        422,
        "idempotency-key-reused",
      );
    }
    const malformed = { "idempotency-key": "x".repeat(256) };
    await assertProblem(
      await server.ask("POST", ONE, malformed),
      400,
      "invalid-idempotency-key",
    );
  }
  await using server = await serve(dir.path);
  const again = await server.ask("POST", ONE, keyed);
  await again.body?.cancel();
  assertEquals([again.status, again.headers.get("location")], [202, location]);
  // The plain form waits for the operation of the first one.
  const plain = await server.ask("POST", ONE, {
    "idempotency-key": "7d0d5c1e",
  });
  assertEquals([plain.status, (await plain.json()).status], [200, "Rebuilt"]);
  assertEquals((await server.opossum.rebuilder.listOperations()).length, 1);
});

Deno.test("B9, B10: 503 with Retry-After when the queue is full, 503 when nothing can be written", async () => {
  using dir = new TempDir();
  {
    await using server = await serve(dir.path, { rebuildQueueMax: 1 });
    await server.opossum.events.append(counts(10));
    await held(server);
    const full = await server.ask("POST", ALL);
    assertMatch(full.headers.get("retry-after") ?? "", /^\d+$/);
    await assertProblem(full, 503, "queue-full");
    // A plan takes no place.
    assertEquals((await server.ask("POST", `${ALL}?dryRun=true`)).status, 200);
  }
  await using server = await serve(dir.path, { readOnly: true });
  for (const path of [ALL, ONE]) {
    const response = await server.ask("POST", path);
    await assertProblem(response, 503, "store-read-only");
  }
  for (const path of ["/admin/projections/status", "/admin/operations"]) {
    assertEquals((await server.ask("GET", path)).status, 200);
  }
});

Deno.test("B11, B12: unknown names are 404, reserved ones are refused at registration; Prefer: wait gives the result", async () => {
  using dir = new TempDir();
  await using server = await serve(dir.path);
  await server.opossum.events.append(counts(10));
  const unknown = await server.ask("POST", "/admin/projections/Nope/rebuild");
  await assertProblem(unknown, 404, "unknown-projection");
  for (const name of ["status", "checkpoints", "rebuild"]) {
    assertThrows(
      () => defineProjection({ ...countingProjection("One"), name }),
      Error,
      name,
    );
  }
  const checkpoints = await server.ask("GET", "/admin/projections/checkpoints");
  assertEquals(await checkpoints.json(), { One: 0, Two: 0 });
  const waited = await server.ask("POST", ALL, { prefer: "wait=30" });
  assertEquals([waited.status, (await waited.json()).totalRebuilt], [200, 2]);
  assertEquals(waited.headers.get("preference-applied"), "wait=30");
});

Deno.test("operations of earlier versions are told in the documented shape", async () => {
  using dir = new TempDir();
  const folder = new URL("../fixtures/store-1/operations/", import.meta.url);
  Deno.mkdirSync(dir.file("operations"));
  for (const { name } of Deno.readDirSync(folder)) {
    Deno.copyFileSync(new URL(name, folder), dir.file(`operations/${name}`));
  }
  await using server = await serve(dir.path);
  const response = await server.ask("GET", "/admin/operations");
  const { operations } = await response.json();
  assertEquals(operations.length, 1);
  assertEquals(operations[0], Operation.parse(operations[0]));
});

Deno.test("a request for what is paused does not wait for the operator", async () => {
  using dir = new TempDir();
  await using server = await serve(dir.path);
  await server.opossum.events.append(counts(10));
  const operation = await held(server);
  const path = `${ALL}?projectionNames=One`;
  const joined = await server.ask("POST", path, { prefer: "wait=600" });
  assertEquals([joined.status, (await joined.json()).state], [202, "paused"]);
  await server.opossum.rebuilder.cancel(operation);
});
