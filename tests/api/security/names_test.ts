/** Rows C1 to C3: names that lead elsewhere. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  isProjectionName,
  openOpossum,
  silentLogger,
  StoreOpenError,
} from "@opossum/deno";
import { TempDir } from "../../support/temp_dir.ts";
import { rawRequest, sendRaw } from "./raw_connection.ts";
import { AUTHORIZATION, startSample, statusOf } from "./sample_server.ts";

Deno.test("row C1: malformed names answer 400 invalid-name, and never lead to another path", async () => {
  await using sample = await startSample();
  const names = [
    ..."..%2f..%2fetc|%252e%252e|a%00b|a%0aFAKE|%ff|%zz|a%5cb|a\\b|CON|nul|1a|a.b"
      .split("|"),
    "x".repeat(129),
    "%C3%A4",
    // A client that parses URLs folds these; by hand they arrive as they are.
    "%2e%2e",
    "..",
  ];
  for (const name of names) {
    const { status, body } = await sendRaw(
      sample.url,
      rawRequest(`POST /admin/projections/${name}/rebuild`, [
        sample.host,
        AUTHORIZATION,
        "Content-Length: 0",
      ]),
    );
    const { type } = JSON.parse(body);
    assertEquals([name, status], [name, 400]);
    assertEquals(type, "urn:opossum:problem:invalid-name", name);
  }
  // One byte beyond ASCII, which is no UTF-8: the runtime itself answers.
  const line = "POST /admin/projections/\xe4/rebuild";
  const bare = await sendRaw(
    sample.url,
    rawRequest(line, [sample.host, AUTHORIZATION, "Content-Length: 0"]),
  );
  assertEquals(bare.status, 400);
  assertEquals(
    await statusOf(
      sample.ask("/admin/projections/%2e%2e/rebuild", { method: "POST" }),
    ),
    404,
  );
  assert(!isProjectionName("Lpt1") && isProjectionName("Console"));
});

Deno.test("row C2: names that every object has answer 400 or 404", async () => {
  await using sample = await startSample();
  const names = ["constructor", "toString", "hasOwnProperty", "__proto__"];
  for (const name of names) {
    for (const [method, suffix] of [["GET", ""], ["POST", "/rebuild"]]) {
      const path = `/admin/projections/${name}${suffix}`;
      const status = await statusOf(
        sample.ask(path, { method: method ?? "" }),
      );
      assertEquals(status, name === "__proto__" ? 400 : 404, path);
    }
    const body = JSON.stringify({ projectionNames: [name] });
    const headers = { "content-type": "application/json" };
    assertEquals(
      await statusOf(
        sample.ask("/admin/projections/rebuild", {
          method: "POST",
          headers,
          body,
        }),
      ),
      name === "__proto__" ? 422 : 404,
    );
  }
});

Deno.test("row C3: a store with a symbolic link in it is not opened", async () => {
  using outside = new TempDir();
  Deno.writeTextFileSync(outside.file("secret"), "secret");
  for (
    const name of [
      "events",
      "projections",
      "operations",
      "audit",
      "index.sqlite",
      "store.json",
      "projections/CourseDetails",
      "events/00000000000000000001.log",
    ]
  ) {
    using dir = new TempDir();
    const path = dir.file("data");
    {
      await using opossum = await openOpossum({ path, logger: silentLogger });
      await opossum.events.append([{ type: "Noted", data: {} }]);
    }
    const link = `${path}/${name}`;
    const isFolder = !/\.\w+$/.test(name);
    await Deno.remove(link, { recursive: true }).catch(() => {});
    await Deno.mkdir(link.slice(0, link.lastIndexOf("/")), { recursive: true });
    await Deno.symlink(
      isFolder ? outside.path : outside.file("secret"),
      link,
    );
    const error = await assertRejects(
      () => openOpossum({ path, logger: silentLogger }),
      StoreOpenError,
      name,
    );
    assertEquals(error.code, "ELOOP", name);
  }
  assertEquals(outside.list(), ["secret"]);
  assertEquals(Deno.readTextFileSync(outside.file("secret")), "secret");
});

Deno.test("row C3: a symbolic link put into an open store is not followed", async () => {
  using outside = new TempDir();
  await using sample = await startSample();
  const rebuilt = await sample.ask("/admin/projections/CourseDetails/rebuild", {
    method: "POST",
  });
  const { operationId: id } = await rebuilt.json();
  const folder = `${sample.path}/operations`;
  const name =
    [...Deno.readDirSync(folder)].find((entry) => entry.name.includes(id))
      ?.name ?? "";
  // A history of somebody else, which would be shown as one's own.
  const stolen = name.replace(id, "f".repeat(32));
  Deno.copyFileSync(`${folder}/${name}`, outside.file("history"));
  await Deno.symlink(outside.file("history"), `${folder}/${stolen}`);
  const path = `/admin/operations/${"f".repeat(32)}`;
  assertEquals(await statusOf(sample.ask(path)), 404);
  assertEquals(await statusOf(sample.ask(`/admin/operations/${id}`)), 200);
});
