/** Row G3 and the limit of row B9: who asked for what, and how often. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type AuditEntry,
  AuditUnavailableError,
  silentLogger,
} from "@opossum/deno";
import { createApp } from "@opossum/deno/api";
import { FileAuditLog } from "../../../src/audit/file_audit_log.ts";
import { FakeClock, FaultyFileSystem } from "../../../src/testing/mod.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { FakeOpossum } from "../fake_opossum.ts";
import { assertProblem } from "../requests.ts";
import { AUTH, startSample, statusOf, TOKENS } from "./sample_server.ts";

const ENTRY: AuditEntry = {
  requestId: "r-1",
  principal: "ada",
  client: null,
  action: "rebuildProjection",
  target: "CourseDetails",
  result: "requested",
  status: null,
  operation: null,
};

function setUp(limits = {}) {
  const opossum = new FakeOpossum("CourseDetails");
  const app = createApp({ opossum, auth: AUTH, limits });
  const ask = async (
    method: string,
    path: string,
    token: string = TOKENS.operate,
  ) =>
    await app.request(path, {
      method,
      headers: { authorization: `Bearer ${token}`, "x-request-id": "r-1" },
    });
  return { opossum, ask };
}

Deno.test("row G3: a request is written down before it is carried out, and what came of it after", async () => {
  await using sample = await startSample();
  const path = "/admin/projections/CourseDetails/rebuild";
  const headers = { "x-request-id": "first" };
  const rebuilt = await sample.ask(path, { method: "POST", headers });
  const { operationId } = await rebuilt.json();
  await statusOf(sample.ask(path.replace("CourseDetails", "Missing"), {
    method: "POST",
  }));
  const response = await sample.ask("/admin/audit", { token: TOKENS.read });
  const { records, next } = await response.json();
  assertEquals(next, null);
  assertEquals(
    records.map((
      { principal, client, action, target, result, status, operation }: Record<
        string,
        unknown
      >,
    ) => [principal, client, action, target, result, status, operation]),
    [
      ["Missing", "refused", 404, null],
      ["Missing", "requested", null, null],
      ["CourseDetails", "succeeded", 200, operationId],
      ["CourseDetails", "requested", null, null],
    ].map((rest) => ["ada", "127.0.0.1", "rebuildProjection", ...rest]),
  );
  assertEquals(records[3].requestId, "first");
  const text = JSON.stringify(records);
  assert(!text.includes(TOKENS.operate) && !text.includes(TOKENS.read));

  const seen: string[] = [];
  for (let before = ""; seen.length < 4;) {
    const page = await (await sample.ask(`/admin/audit?limit=1${before}`))
      .json();
    seen.push(page.records[0].id);
    before = `&before=${page.next}`;
  }
  assertEquals(seen, records.map(({ id }: { id: string }) => id));
  for (const query of ["limit=0", "limit=1001", "before=x", "page=2"]) {
    const refused = await sample.ask(`/admin/audit?${query}`);
    await assertProblem(refused, 400, "invalid-parameter");
  }
});

Deno.test("row G3: nothing is done that cannot be written down, but for what cancels", async () => {
  const { opossum, ask } = setUp();
  opossum.auditError = new AuditUnavailableError();
  const path = "/admin/projections/CourseDetails/rebuild";
  await assertProblem(await ask("POST", path), 503, "audit-unavailable");
  assertEquals(opossum.started, []);
  const cancelled = ask("DELETE", `/admin/operations/${"0".repeat(32)}`);
  await assertProblem(await cancelled, 404, "unknown-operation");
  // What the disk did not take stands in the log.
  const logged = opossum.logs.filter(({ message }) =>
    message.includes("audit log")
  );
  assertEquals(logged.map(({ attributes }) => attributes?.action), [
    "rebuildProjection",
    "cancelOperation",
    "cancelOperation",
  ]);
});

Deno.test("row G3: what cannot be a name is not kept, nor what only reads or is refused by the guard", async () => {
  const { opossum, ask } = setUp();
  await statusOf(ask("POST", "/admin/projections/a%0aFAKE/rebuild"));
  await statusOf(ask("GET", "/admin/projections"));
  await statusOf(ask("POST", "/admin/projections/rebuild", TOKENS.read));
  await statusOf(ask("POST", "/admin/nothing"));
  assertEquals(
    opossum.audited.map(({ action, target, result }) => [
      action,
      target,
      result,
    ]),
    [
      ["rebuildProjection", null, "requested"],
      ["rebuildProjection", null, "refused"],
    ],
  );
});

Deno.test("row B9: the 11th change in a minute answers 429, and cancelling always works", async () => {
  const { opossum, ask } = setUp();
  const path = "/admin/projections/CourseDetails/rebuild";
  for (let i = 0; i < 10; i++) {
    assertEquals(await statusOf(ask("POST", path)), 200);
  }
  const refused = await ask("POST", path);
  assertEquals(refused.headers.get("retry-after"), "60");
  await assertProblem(refused, 429, "too-many-triggers");
  assertEquals(opossum.started.length, 10);
  assertEquals(await statusOf(ask("GET", "/admin/projections")), 200);
  const operation = `/admin/operations/${"0".repeat(32)}`;
  assertEquals(await statusOf(ask("DELETE", operation)), 404);
  assertEquals(await statusOf(ask("POST", `${operation}/cancel`)), 404);
  assertEquals(await statusOf(ask("POST", `${operation}/pause`)), 404);
  // What is no route changes nothing.
  assertEquals(await statusOf(ask("POST", "/admin/nothing")), 404);
  await opossum.clock.advance(59_999);
  assertEquals(await statusOf(ask("POST", path)), 429);
  await opossum.clock.advance(1);
  assertEquals(await statusOf(ask("POST", path)), 200);
});

Deno.test("record() resolves once line, file and folder are durable, and rejects where one is not", async () => {
  for (const kind of ["open", "append", "sync", "syncDirectory"] as const) {
    using dir = new TempDir();
    const fileSystem = new FaultyFileSystem();
    const directory = dir.file("audit");
    using log = new FileAuditLog({
      fileSystem,
      directory,
      clock: new FakeClock(),
      logger: silentLogger,
    });
    await log.record(ENTRY);
    const { operations } = fileSystem;
    assertEquals(operations.slice(-3).map(({ kind }) => kind), [
      "append",
      "sync",
      "syncDirectory",
    ]);
    // Of a file that was begun already, only an append or a sync can fail.
    const isBegun = kind === "append" || kind === "sync";
    if (!isBegun) log[Symbol.dispose]();
    fileSystem.inject({ kind, path: directory, code: "ENOSPC", bytesTaken: 7 });
    await assertRejects(
      () => log.record({ ...ENTRY, requestId: "lost" }),
      AuditUnavailableError,
    );
    await log.record({ ...ENTRY, requestId: "last" });
    const { records } = await log.list();
    const ids = records.map(({ requestId }) => requestId);
    // Half a line is passed over; a whole one that was not acknowledged may stay.
    assertEquals(ids.filter((id) => id !== "lost"), ["last", "r-1"], kind);
    assert(kind !== "append" || !ids.includes("lost"));
  }
});

Deno.test("list() pages through files in order, also when the clock was set back", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  const options = {
    fileSystem: new FaultyFileSystem(),
    directory: dir.file("audit"),
    clock,
    logger: silentLogger,
    fileBytesMax: 400,
  };
  const written: string[] = [];
  for (let run = 0; run < 3; run++) {
    using log = new FileAuditLog(options);
    for (let i = 0; i < 5; i++) {
      written.push(`${run}-${i}`);
      await log.record({ ...ENTRY, requestId: `${run}-${i}` });
    }
    clock.setWallClock("2020-01-01T00:00:00Z");
  }
  using log = new FileAuditLog(options);
  const read: (string | null)[] = [];
  let before: string | undefined;
  do {
    const page = await log.list({ limit: 4, ...(before ? { before } : {}) });
    read.push(...page.records.map(({ requestId }) => requestId));
    before = page.next ?? undefined;
  } while (before !== undefined);
  assertEquals(read, written.reverse());
  await assertRejects(() => log.list({ limit: 0 }), RangeError, "'limit'");
  await assertRejects(() => log.list({ before: "x" }), RangeError, "'before'");
});

Deno.test("record() refuses on a store that was opened with 'readOnly', and creates nothing", async () => {
  using dir = new TempDir();
  using log = new FileAuditLog({
    fileSystem: new FaultyFileSystem(),
    directory: dir.file("audit"),
    clock: new FakeClock(),
    logger: silentLogger,
    readOnly: true,
  });
  await assertRejects(() => log.record(ENTRY), AuditUnavailableError);
  assertEquals(await log.list(), { records: [], next: null });
  assertEquals(dir.list(), []);
});

Deno.test("list() looks at no more records than it was asked for", async () => {
  using dir = new TempDir();
  const messages: string[] = [];
  const options = {
    fileSystem: new FaultyFileSystem(),
    directory: dir.file("audit"),
    clock: new FakeClock(),
    logger: { log: (_: string, message: string) => messages.push(message) },
  };
  using log = new FileAuditLog(options);
  for (const requestId of ["r-0", "r-1", "r-2", "r-2", "r-2"]) {
    await log.record({ ...ENTRY, requestId });
  }
  const [name = ""] = dir.list("audit");
  const path = dir.file(`audit/${name}`);
  const text = Deno.readTextFileSync(path);
  Deno.writeTextFileSync(path, text.replace("r-0", "r-9"));
  // Else whoever may read fills the log of the server, and keeps its thread busy.
  const { records, next } = await log.list({ limit: 2 });
  assertEquals(records.map(({ requestId }) => requestId), ["r-2", "r-2"]);
  assertEquals(messages, []);
  const rest = await log.list({ before: next ?? "" });
  assertEquals(rest.records.map(({ requestId }) => requestId), ["r-2", "r-1"]);
  assertEquals(messages, ["A record of the audit log is damaged"]);
});

Deno.test("no token is called what records call everybody", () => {
  const opossum = new FakeOpossum("A");
  const tokens = [{ ...AUTH.tokens[0], id: "anonymous" }];
  assertThrows(
    () => createApp({ opossum, auth: { tokens } }),
    RangeError,
    "'auth.tokens[0].id' must not be \"anonymous\"",
  );
});
