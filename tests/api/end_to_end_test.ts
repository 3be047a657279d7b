import { assert, assertEquals } from "@std/assert";
import type {
  DomainEvent,
  ProjectionDefinition,
  ProjectionRebuildResult,
} from "../../mod.ts";
import {
  Details,
  Operation,
  Planned,
  RebuildResult,
  RebuildStatus,
} from "../../api/schemas.ts";
import { serveStore } from "../support/served_store.ts";
import { TempDir } from "../support/temp_dir.ts";
import { assertProblem, TOKEN } from "./requests.ts";

interface Opened extends DomainEvent {
  readonly type: "Opened";
  readonly data: { readonly account: string };
}

function accounts(
  name: string,
  check: (account: string) => void = () => {},
): ProjectionDefinition<{ count: number }, Opened> {
  return {
    name,
    version: 1,
    eventTypes: ["Opened"],
    fingerprint: "fixed",
    key: ({ data }) => data.account,
    apply: (state, { data }) => {
      check(data.account);
      return { count: (state?.count ?? 0) + 1 };
    },
  };
}

interface Server extends AsyncDisposable {
  /** Asks with the token. */
  ask(method: string, path: string, init?: RequestInit): Promise<Response>;
}

async function serve(
  path: string,
  projections: readonly ProjectionDefinition[],
): Promise<Server> {
  const served = await serveStore(TOKEN, { path, projections });
  const { opossum, url } = served;
  await opossum.daemon.whenStarted();
  if (await opossum.events.head() === 0) {
    const { last } = await opossum.events.append<Opened>(
      ["ada", "bob", "ada"].map((account) => ({
        type: "Opened",
        data: { account },
      })),
    );
    await opossum.projections.waitFor(last);
  }
  return {
    ask: (method, path, init = {}) =>
      fetch(`${url}${path}`, {
        ...init,
        method,
        headers: { ...init.headers, authorization: `Bearer ${TOKEN}` },
      }),
    [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
  };
}

Deno.test("the admin API rebuilds a real store over HTTP, in the documented shapes", async () => {
  using dir = new TempDir();
  await using server = await serve(dir.path, [accounts("A"), accounts("B")]);
  const get = async (path: string) => {
    const response = await server.ask("GET", path);
    assertEquals(response.status, 200, path);
    return await response.json();
  };

  assertEquals(await get("/admin/projections/checkpoints"), { A: 3, B: 3 });
  const { projections: [planned] } = await get("/admin/plan");
  assertEquals(planned, Planned.parse(planned));
  assertEquals([planned.reason, planned.rebuild], ["upToDate", false]);

  const nothing = await server.ask("POST", "/admin/projections/rebuild");
  assertEquals(nothing.status, 200);
  const nothingToDo: ProjectionRebuildResult = await nothing.json();
  assert(nothingToDo.success && nothingToDo.nothingToDo);

  const all = await server.ask(
    "POST",
    "/admin/projections/rebuild?forceAll=true",
  );
  assertEquals(all.status, 200);
  const result = await all.json();
  assertEquals(result, RebuildResult.parse(result));
  assertEquals(result.totalRebuilt, 2);

  const one = await server.ask("POST", "/admin/projections/B/rebuild");
  assertEquals(one.status, 200);
  const { projectionName, status, eventsProcessed, operationId } = await one
    .json();
  assertEquals([projectionName, status, eventsProcessed], ["B", "Rebuilt", 3]);

  const operation = await get(`/admin/operations/${operationId}`);
  assertEquals(operation, Operation.parse(operation));
  assertEquals([operation.state, operation.trigger], ["succeeded", "api"]);
  const { operations } = await get("/admin/operations?limit=1");
  assertEquals(operations, [operation]);

  const rebuildStatus = await get("/admin/projections/status");
  assertEquals(rebuildStatus, RebuildStatus.parse(rebuildStatus));
  assert(!rebuildStatus.isRebuilding);
  const info = await get("/admin/projections/B");
  assertEquals(info, Details.parse(info));
  assertEquals([info.state, info.documents], ["ready", 2]);
  assertEquals((await get("/readyz")).projections, { ready: 2 });
});

Deno.test("Prefer: respond-async leads to an operation that can be followed to its end", async () => {
  using dir = new TempDir();
  await using server = await serve(dir.path, [accounts("A")]);
  const started = await server.ask("POST", "/admin/projections/A/rebuild", {
    headers: { prefer: "respond-async" },
  });
  assertEquals(started.status, 202);
  await started.body?.cancel();
  const location = started.headers.get("location") ?? "";
  // Polls the operation as a client does: each request gives it time to go on.
  for (;;) {
    const operation = await (await server.ask("GET", location)).json();
    if (operation.state !== "running" && operation.state !== "queued") {
      assertEquals(operation.state, "succeeded");
      break;
    }
  }
  const ended = await server.ask("DELETE", location);
  await assertProblem(ended, 409, "operation-ended");
});

Deno.test("a rebuild in which one projection fails names it, and keeps the others' results", async () => {
  using dir = new TempDir();
  let isBroken = false;
  const broken = accounts("Broken", (account) => {
    if (isBroken && account === "bob") throw new TypeError("Bob is unknown");
  });
  await using server = await serve(dir.path, [accounts("A"), broken]);
  isBroken = true;
  const response = await server.ask(
    "POST",
    "/admin/projections/rebuild?forceAll=true",
  );
  const problem = await assertProblem(response, 500, "rebuild-failed");
  assertEquals(problem.detail, "Failed to rebuild: Broken");
  const result = RebuildResult.parse(problem.result);
  assertEquals(result.totalRebuilt, 1);
  assertEquals(
    result.details.map(({ projectionName, success }) => [
      projectionName,
      success,
    ]),
    [["A", true], ["Broken", false]],
  );
  assertEquals(result.details[1]?.error?.position, 2);
  assert(!JSON.stringify(problem).includes(dir.path));
});

Deno.test("operations of an earlier process are known to the next", async () => {
  using dir = new TempDir();
  let id: string;
  {
    await using server = await serve(dir.path, [accounts("A")]);
    const response = await server.ask("POST", "/admin/projections/A/rebuild");
    id = (await response.json()).operationId;
  }
  await using server = await serve(dir.path, [accounts("A")]);
  const response = await server.ask("GET", `/admin/operations/${id}`);
  assertEquals((await response.json()).state, "succeeded");
});
