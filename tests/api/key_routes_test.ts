import { assert, assertEquals } from "@std/assert";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { createAdminRouter } from "../../api/mod.ts";
import { openOpossum, type Opossum, silentLogger } from "../../mod.ts";
import { damageDocuments } from "../rebuild/repair_fixture.ts";
import { countingProjection } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { ask, assertProblem, TOKEN } from "./requests.ts";

/** What may stand in a key, and must survive a path. */
const KEYS = ["a", "a/b", "50% off?", "ü#1", "..", "rebuild"];

async function setUp(
  dir: TempDir,
  fails = () => false,
): Promise<{ opossum: Opossum; app: OpenAPIHono }> {
  const sums = countingProjection("Sums", {
    fingerprint: "fixed",
    apply: (state, event) => {
      if (fails()) throw new Error("Secret of Ada");
      return { sum: (state?.sum ?? 0) + event.data.by };
    },
  });
  const opossum = await openOpossum({
    path: dir.path,
    projections: [sums],
    enableAutoRebuild: false,
    startDaemon: false,
    logger: silentLogger,
  });
  await opossum.events.append(
    KEYS.map((key, i) => ({ type: "Counted", data: { key, by: i + 1 } })),
  );
  const app = createAdminRouter({
    opossum,
    auth: { tokens: [TOKEN] },
  });
  return { opossum, app };
}

const fileOf = (dir: TempDir) => dir.file("projections/Sums/000001.sqlite");

Deno.test("POST /admin/projections/{name}/keys/{key}/rebuild rebuilds the document of any key", async () => {
  using dir = new TempDir();
  const { opossum, app } = await setUp(dir);
  await using _opossum = opossum;
  await opossum.rebuilder.rebuild("Sums");
  for (const at of KEYS.keys()) {
    damageDocuments(fileOf(dir), [{ kind: "change", at }]);
  }
  for (const [i, key] of KEYS.entries()) {
    const path = `/admin/projections/Sums/keys/${
      // The platform's URL takes dots for steps, also encoded ones.
      key === ".." ? "missing" : encodeURIComponent(key)}/rebuild`;
    const response = await ask(app, "POST", path);
    assertEquals(response.status, 200, key);
    assertEquals(await response.json(), {
      projectionName: "Sums",
      checkpoint: KEYS.length,
      eventsScanned: KEYS.length,
      keys: [
        key === ".."
          ? { key: "missing", change: "unchanged" }
          : { key, change: "changed" },
      ],
    });
    if (key === "..") continue;
    assertEquals(await opossum.projections.get("Sums", key), { sum: i + 1 });
  }
});

Deno.test("POST /admin/projections/{name}/repair repairs what is missing or damaged", async () => {
  using dir = new TempDir();
  const { opossum, app } = await setUp(dir);
  await using _opossum = opossum;
  await opossum.rebuilder.rebuild("Sums");
  damageDocuments(fileOf(dir), [
    { kind: "delete", at: 0 },
    { kind: "foreign", key: "x" },
  ]);
  const path = "/admin/projections/Sums/repair";
  const response = await ask(app, "POST", path);
  assertEquals(response.status, 200);
  const { keys } = await response.json();
  assertEquals(keys, [
    { key: "..", change: "added" },
    { key: "x", change: "removed" },
  ]);
  assertEquals((await (await ask(app, "POST", path)).json()).keys, []);
});

Deno.test("the routes about documents answer with problems for what cannot be done", async () => {
  using dir = new TempDir();
  let fails = false;
  const { opossum, app } = await setUp(dir, () => fails);
  await using _opossum = opossum;
  const rebuild = "/admin/projections/Sums/keys/a/rebuild";
  const repair = "/admin/projections/Sums/repair";
  for (const path of [rebuild, repair]) {
    const notBuilt = await assertProblem(
      await ask(app, "POST", path),
      409,
      "documents-not-rebuilt",
    );
    assertEquals(notBuilt.refusal, "notBuilt");
    await assertProblem(
      await ask(app, "POST", path.replace("Sums", "Nobody")),
      404,
      "unknown-projection",
    );
    await assertProblem(
      await ask(app, "POST", `${path}?all=true`),
      400,
      "invalid-parameter",
    );
    assertEquals((await app.request(path, { method: "POST" })).status, 401);
  }
  for (const key of ["a%00b", "k".repeat(1_025)]) {
    const path = `/admin/projections/Sums/keys/${key}/rebuild`;
    await assertProblem(await ask(app, "POST", path), 400, "invalid-parameter");
  }
  const { id } = await opossum.rebuilder.start(["Sums"]);
  const conflict = await assertProblem(
    await ask(app, "POST", rebuild),
    409,
    "rebuild-conflict",
  );
  assertEquals(conflict.operationId, id);
  await opossum.rebuilder.wait(id);
  fails = true;
  const failed = await assertProblem(
    await ask(app, "POST", rebuild),
    409,
    "projection-code-failed",
  );
  assertEquals(failed.position, 1);
  assert(!JSON.stringify(failed).includes("Ada"));
});
