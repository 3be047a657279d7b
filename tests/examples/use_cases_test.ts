/**
 * The four use cases of the specification, over HTTP.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  defineProjection,
  type Opossum,
  type OpossumOptions,
  type ProjectionDefinition,
  silentLogger,
} from "@opossum/deno";
import { createCourseApp } from "../../examples/course_management/app.ts";
import * as projections from "../../examples/course_management/projections.ts";
import { generateEvents } from "../../examples/course_management/seeder.ts";
import { startCourseServer } from "../../examples/course_management/server.ts";
import { EventReader } from "../api/sse.ts";
import { serveStore } from "../support/served_store.ts";
import { TempDir } from "../support/temp_dir.ts";
import { assertMatchesOracle } from "./oracle_check.ts";

const TOKEN = "0123456789abcdefghijklmnopqrstuvwxyzABCDEF";
const ALL = Object.values(projections);

interface Server extends AsyncDisposable {
  readonly opossum: Opossum;
  ask(method: string, path: string, prefer?: string): Promise<Response>;
  // deno-lint-ignore no-explicit-any -- tests look at what they expect
  json(path: string): Promise<any>;
}

function clientOf(url: string): Pick<Server, "ask" | "json"> {
  const ask: Server["ask"] = (method, path, prefer) =>
    fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...(prefer ? { prefer } : {}),
      },
    });
  return { ask, json: async (path) => await (await ask("GET", path)).json() };
}

/** Deploys a release: as in production, nothing is rebuilt by itself. */
async function deploy(
  path: string,
  definitions: readonly ProjectionDefinition[],
  options: Partial<OpossumOptions> = {},
): Promise<Server> {
  const served = await serveStore(TOKEN, {
    path,
    projections: definitions,
    enableAutoRebuild: false,
    maxConcurrentRebuilds: 2,
    ...options,
  }, (opossum) => ({ routers: [createCourseApp({ opossum })] }));
  return { ...served, ...clientOf(served.url) };
}

/** A folder with events, in which everything is built. */
async function inProduction(
  path: string,
  definitions: readonly ProjectionDefinition[],
): Promise<void> {
  await using server = await deploy(path, definitions);
  await server.opossum.events.append([
    ...generateEvents({ events: 2_000, seed: 3 }),
  ]);
  const built = await server.ask("POST", "/admin/projections/rebuild");
  assertEquals((await built.json()).totalRebuilt, definitions.length);
}

/** Waits, by events, until these projections are ready. */
async function whenReady(
  { ask }: Pick<Server, "ask">,
  ...names: string[]
): Promise<void> {
  await using reader = new EventReader(await ask("GET", "/admin/events"));
  const left = new Set(names);
  while (left.size > 0) {
    const sent = await reader.next();
    assert(sent);
    const { event, data } = sent;
    if (event === "projection" && data.state === "ready") {
      left.delete(data.name);
    }
  }
}

const generationOf = async ({ json }: Server, name: string) =>
  (await json(`/admin/projections/${name}`)).generation;

Deno.test("use case 1: a developer resets and reseeds, restarts, and all is built without being asked", async () => {
  using dir = new TempDir();
  const data = dir.file("data");
  for (let reset = 0; reset < 2; reset++) {
    await using server = await startCourseServer({
      data,
      host: "127.0.0.1",
      port: 0,
      auth: { tokens: [TOKEN] },
      logger: silentLogger,
    });
    const client = clientOf(server.url);
    await whenReady(client, ...ALL.map(({ name }) => name));
    await server.opossum.daemon.whenStarted();
    const { operations: [operation] } = await client.json(
      "/admin/operations?state=succeeded",
    );
    assertEquals(operation.trigger, "startup");
    assertEquals(operation.result.totalRebuilt, 4);
    const { items } = await client.json("/courses");
    assert(items.length > 0);
    await assertMatchesOracle(server.opossum);
    await server[Symbol.asyncDispose]();
    await Deno.remove(data, { recursive: true });
  }
});

Deno.test("use case 2: a release brings a projection, which is built from history without downtime", async () => {
  using dir = new TempDir();
  const name = "CourseShortInfo";
  const others = ALL.filter((definition) => definition.name !== name);
  await inProduction(dir.path, others);
  await using server = await deploy(dir.path, ALL);
  await whenReady(server, ...others.map((definition) => definition.name));
  // Its read model is absent, and says so; everything else serves.
  assertEquals(
    (await server.json(`/admin/projections/${name}`)).state,
    "absent",
  );
  const missing = await server.ask("GET", "/courses");
  assertEquals(missing.status, 503);
  assertEquals(
    (await missing.json()).type,
    "urn:opossum:problem:projection-not-built",
  );
  assertEquals((await server.ask("GET", "/students")).status, 200);

  const dryRun = await server.ask(
    "POST",
    "/admin/projections/rebuild?dryRun=true",
  );
  const plan = await dryRun.json();
  assertEquals(
    plan.projections.filter((each: { rebuild: boolean }) => each.rebuild)
      .map((
        each: Record<string, unknown>,
      ) => [each.projectionName, each.reason]),
    [[name, "absent"]],
  );
  assertEquals(plan.events, 2_000);
  assert(plan.estimatedBytes > 0 && plan.freeBytes > 0);

  const started = await server.ask(
    "POST",
    "/admin/projections/rebuild",
    "respond-async",
  );
  assertEquals(started.status, 202);
  const operation = await started.json();
  assertEquals(operation.projectionNames, [name]);
  await whenReady(server, name);
  const { lastBuild } = await server.json(`/admin/projections/${name}`);
  assertEquals([lastBuild.operationId, lastBuild.eventsProcessed > 0], [
    operation.id,
    true,
  ]);
  assertEquals((await server.ask("GET", "/courses")).status, 200);
  for (const definition of others) {
    assertEquals(await generationOf(server, definition.name), 1);
  }
  await assertMatchesOracle(server.opossum);
});

Deno.test("use case 3: a release fixes a projection, which is rebuilt alone while the others serve", async () => {
  using dir = new TempDir();
  const { courseDetails, ...rest } = projections;
  const buggy = defineProjection({
    ...courseDetails,
    apply(...given: Parameters<typeof courseDetails.apply>) {
      const state = courseDetails.apply(...given);
      return state && { ...state, name: "Oops" };
    },
  });
  await inProduction(dir.path, [buggy, ...Object.values(rest)]);
  const fixed = defineProjection({ ...courseDetails, version: 2 });
  await using server = await deploy(dir.path, [fixed, ...Object.values(rest)]);
  const name = courseDetails.name;
  const { items: [{ courseId, name: rightName }] } = await server.json(
    "/courses",
  );
  // What it had is served until then.
  assertEquals(
    (await server.json(`/admin/projections/${name}`)).state,
    "stale",
  );
  assertEquals((await server.json(`/courses/${courseId}`)).name, "Oops");

  const response = await server.ask(
    "POST",
    `/admin/projections/${name}/rebuild?note=The%20name`,
  );
  assertEquals(response.status, 200);
  const { projectionName, status, duration, reason } = await response.json();
  assertEquals([projectionName, status, reason], [
    name,
    "Rebuilt",
    "versionChanged",
  ]);
  assert(duration > 0);
  assertEquals((await server.json(`/courses/${courseId}`)).name, rightName);
  assertEquals(await generationOf(server, name), 2);
  for (const other of Object.values(rest)) {
    assertEquals(await generationOf(server, other.name), 1);
  }
  await assertMatchesOracle(server.opossum);
});

Deno.test("use case 4: projection files are lost and damaged, and all is rebuilt from the events", async () => {
  using dir = new TempDir();
  await inProduction(dir.path, ALL);
  await Deno.remove(dir.file("projections/CourseShortInfo"), {
    recursive: true,
  });
  Deno.writeTextFileSync(
    dir.file("projections/StudentDetails/current.json"),
    "?",
  );
  for (const name of dir.list("projections/CourseDetails")) {
    if (!name.endsWith(".sqlite")) continue;
    Deno.writeTextFileSync(dir.file(`projections/CourseDetails/${name}`), "?");
  }
  await using server = await deploy(dir.path, ALL);
  const states = async () =>
    Object.fromEntries(
      (await server.json("/admin/projections")).projections.map(
        (each: { name: string; state: string }) => [each.name, each.state],
      ),
    );
  assertEquals(await states(), {
    CourseDetails: "damaged",
    CourseShortInfo: "absent",
    StudentDetails: "damaged",
    StudentShortInfo: "ready",
  });
  const response = await server.ask(
    "POST",
    "/admin/projections/rebuild?forceAll=true",
  );
  const result = await response.json();
  assertEquals([response.status, result.totalRebuilt], [200, 4]);
  assertEquals(new Set(Object.values(await states())), new Set(["ready"]));
  assertEquals((await server.ask("GET", "/courses")).status, 200);
  await assertMatchesOracle(server.opossum);
});
