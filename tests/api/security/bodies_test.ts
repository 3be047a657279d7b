/** Rows D1 to D10: what bodies and parameters may hold. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Hono } from "hono";
import {
  defineProjection,
  type EventInput,
  openOpossum,
  silentLogger,
} from "@opossum/deno";
import { createErrorHandler, strictJson } from "@opossum/deno/api";
import { assertProblem } from "../requests.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { RawConnection, rawRequest, sendRaw } from "./raw_connection.ts";
import {
  AUTHORIZATION,
  type Sample,
  startSample,
  statusOf,
} from "./sample_server.ts";

const REBUILD = "/admin/projections/rebuild";
const JSON_TYPE = "application/json";

function post(sample: Sample, body: BodyInit, type = JSON_TYPE) {
  const headers = { "content-type": type };
  return sample.ask(REBUILD, { method: "POST", headers, body });
}

Deno.test("row D1: a body without, or with another, Content-Type answers 415", async () => {
  await using sample = await startSample();
  const types = ["text/plain", `${JSON_TYPE}; charset=utf-16`, "text/json", ""];
  for (const type of types) {
    const response = await sendRaw(
      sample.url,
      rawRequest(`POST ${REBUILD}`, [
        sample.host,
        AUTHORIZATION,
        ...(type === "" ? [] : [`Content-Type: ${type}`]),
        "Content-Length: 2",
      ], "{}"),
    );
    assertEquals([type, response.status], [type, 415]);
  }
});

Deno.test("row D2: a body beyond 64 KiB answers 413 and ends the connection, declared or in chunks", async () => {
  await using sample = await startSample();
  const chunk = `10000\r\n${" ".repeat(65_536)}\r\n`;
  const lengths = ["Content-Length: 65537", "Transfer-Encoding: chunked"];
  for (const length of lengths) {
    using connection = await RawConnection.to(sample.url);
    const headers = [sample.host, AUTHORIZATION, length];
    const type = `Content-Type: ${JSON_TYPE}`;
    await connection.send(
      rawRequest(`POST ${REBUILD}`, [...headers, type]) +
        (length.startsWith("C") ? "" : chunk + chunk),
    );
    const response = await connection.response();
    assertEquals(response.status, 413, length);
    // The runtime says so once more where bytes are left unread.
    assertMatch(response.headers.get("connection") ?? "", /^close/, length);
  }
});

Deno.test("row D2: strangers get 401 before any of the body is sent", async () => {
  await using sample = await startSample();
  const headers = [sample.host, "Content-Length: 1000000000"];
  const { status } = await sendRaw(
    sample.url,
    rawRequest(`POST ${REBUILD}`, headers),
  );
  assertEquals(status, 401);
});

Deno.test("row D2: no more of a body is read than the limit and one chunk", async () => {
  const app = new Hono();
  app.onError(createErrorHandler({ logger: silentLogger }));
  app.post("/", strictJson(), (context) => context.text("read"));
  let pulled = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled++;
      controller.enqueue(new Uint8Array(16_384).fill(0x20));
    },
  });
  const headers = { "content-type": JSON_TYPE };
  const request = new Request("http://localhost/", {
    method: "POST",
    headers,
    body,
  });
  await assertProblem(await app.request(request), 413, "content-too-large");
  assert(pulled <= 7, `${pulled} chunks were pulled`);
});

Deno.test("row D3: bad JSON, bad UTF-8, BOM, trailing bytes and repeated keys answer 400", async () => {
  await using sample = await startSample();
  const bodies: (string | Uint8Array<ArrayBuffer>)[] = [
    "{",
    "{'note':'a'}",
    '{"note":"a"}x',
    '\uFEFF{"note":"a"}',
    '{"note":"a","note":"b"}',
    '{"note":"a","\\u006eote":"b"}',
    Uint8Array.from([0x22, 0xff, 0x22]),
  ];
  for (const body of bodies) {
    await assertProblem(await post(sample, body), 400, "malformed-json");
  }
});

Deno.test("row D4: nesting beyond 64 levels answers 400, and what is too large besides 413", async () => {
  await using sample = await startSample();
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  await assertProblem(await post(sample, nested(65)), 400, "malformed-json");
  await assertProblem(
    await post(sample, nested(32_768)),
    400,
    "malformed-json",
  );
  await assertProblem(
    await post(sample, nested(100_000)),
    413,
    "content-too-large",
  );
});

Deno.test("row D5: unknown properties, wrong types, too many names and numbers beyond 2^53 answer 422", async () => {
  await using sample = await startSample();
  const bodies: string[] = [
    '{"unknown":1}',
    '{"note":1}',
    "[]",
    "7",
    JSON.stringify({ projectionNames: Array(10_001).fill("A") }),
    '{"concurrency":9007199254740993}',
    '{"concurrency":1e400}',
  ];
  for (const body of bodies) {
    await assertProblem(await post(sample, body), 422, "invalid-body");
  }
});

Deno.test("row D6: unusable, repeated and unknown query parameters answer 400", async () => {
  await using sample = await startSample();
  const queries = ["forceAll=banana", "forceAll=true&forceAll=true", "force=1"];
  for (const query of queries) {
    const response = sample.ask(`${REBUILD}?${query}`, { method: "POST" });
    await assertProblem(await response, 400, "invalid-parameter");
  }
});

Deno.test("row D7: a lone surrogate answers 422, and no store takes one", async () => {
  await using sample = await startSample();
  const bodies = ['{"note":"\\ud800"}', '{"projectionNames":["\\udc00"]}'];
  for (const body of bodies) {
    await assertProblem(await post(sample, body), 422, "invalid-body");
  }
  const headers = { "content-type": JSON_TYPE };
  const student =
    '{"firstName":"\\ud800","lastName":"b","email":"a@b.example"}';
  const registered = sample.ask("/students", {
    method: "POST",
    headers,
    body: student,
  });
  assertEquals(await statusOf(registered), 422);
  const { events } = sample.server.opossum;
  const inputs: EventInput[] = [
    { type: "Noted", data: { text: "\ud800" } },
    { type: "Noted", data: { "\ud800": 1 } },
    { type: "Noted", data: {}, tags: ["a:\udc00"] },
  ];
  for (const input of inputs) {
    await assertRejects(
      () => events.append([input]),
      TypeError,
      "lone surrogate",
    );
  }
});

Deno.test("row D8: __proto__ is data like any other, from append to rebuild", async () => {
  using dir = new TempDir();
  const notes = defineProjection({
    name: "Notes",
    version: 1,
    eventTypes: ["Noted"],
    key: () => "all",
    // Merges, as many projections do.
    apply: (state: object | undefined, event) => ({
      ...state,
      ...event.data as object,
    }),
  });
  const data = JSON.parse('{"__proto__":{"admin":true},"a":{"constructor":1}}');
  await using opossum = await openOpossum({
    path: dir.file("data"),
    projections: [notes],
    logger: silentLogger,
  });
  await opossum.daemon.whenStarted();
  const { last } = await opossum.events.append([
    { type: "Noted", data },
    { type: "Noted", data: { b: 2 } },
  ]);
  await opossum.projections.waitFor(last);
  const assertPlain = async () => {
    for await (const { data } of opossum.events.read("all", { limit: 1 })) {
      assertEquals(JSON.stringify(data), JSON.stringify({ ...data as object }));
      assert(Object.hasOwn(data as object, "__proto__"));
    }
    const state = await opossum.projections.get<object>("Notes", "all");
    assert(state !== undefined && Object.hasOwn(state, "__proto__"));
    assertEquals(JSON.stringify(state), JSON.stringify({ ...data, b: 2 }));
    assert(!("admin" in {}) && !("admin" in Object.create(state)));
  };
  await assertPlain();
  await opossum.rebuilder.rebuild("Notes");
  await assertPlain();
});

Deno.test("row D8: __proto__ in a body is refused or ignored, and changes no other object", async () => {
  await using sample = await startSample();
  const bodies = [
    '{"__proto__":{"admin":true}}',
    '{"constructor":{"prototype":{"admin":true}}}',
  ];
  for (const body of bodies) {
    const status = await statusOf(post(sample, body));
    assert(status === 422 || status === 200, String(status));
    assert(!("admin" in {}));
  }
});

Deno.test("row D9: a compressed body answers 415 and is not inflated", async () => {
  await using sample = await startSample();
  const gzip = new Response("{}").body?.pipeThrough(
    new CompressionStream("gzip"),
  );
  const response = await sample.ask(REBUILD, {
    method: "POST",
    headers: { "content-type": JSON_TYPE, "content-encoding": "gzip" },
    body: await new Response(gzip).bytes(),
  });
  await assertProblem(response, 415, "unsupported-media-type");
});

Deno.test("row D10: no parameter or property is a pattern, and 50 KB against ours are answered", async () => {
  await using sample = await startSample();
  const document = await (await sample.ask("/openapi.json")).json();
  const names = [...JSON.stringify(document).matchAll(/"name":"(\w+)"/g)]
    .map(([, name = ""]) => name);
  assert(names.includes("forceAll"));
  assertEquals(names.filter((name) => /regex|pattern|glob/i.test(name)), []);
  const long = "a".repeat(50_000);
  const attacks = [
    `{"note":"${'\\"'.repeat(25_000)}"}`,
    `{"note":"${" ".repeat(50_000)}"}`,
    `{"projectionNames":["${long}!"]}`,
    `["${long}`,
  ];
  for (const body of attacks) {
    const status = await statusOf(post(sample, body));
    assert(status === 422 || status === 400, String(status));
  }
  const headers: Record<string, string>[] = [
    { "content-type": `${JSON_TYPE};${" ".repeat(50_000)}x` },
    { "accept": `${"a/".repeat(25_000)}` },
    { "prefer": `wait=${"1".repeat(50_000)}` },
    { "x-forwarded-for": "1,".repeat(25_000) },
    { "authorization": `Bearer ${" ".repeat(50_000)}!` },
    { "x-request-id": long },
  ];
  for (const each of headers) {
    const response = sample.ask(`${REBUILD}?forceAll=no`, {
      method: "POST",
      headers: each,
      body: each["content-type"] === undefined ? "" : "{}",
    });
    const status = await statusOf(response);
    assert(status >= 400 && status < 500, String(status));
  }
});

Deno.test("row G2: a note that a terminal would obey is refused, in the body and in the query", async () => {
  await using sample = await startSample();
  const path = "/admin/projections/CourseDetails/rebuild";
  for (const note of ["\u001b[2Jall is well", "a\rb", "a\nb", "\u009b2J"]) {
    const inBody = await sample.ask(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ note }),
    });
    await assertProblem(inBody, 422, "invalid-body");
    const query = new URLSearchParams({ note });
    const inQuery = await sample.ask(`${path}?${query}`, { method: "POST" });
    await assertProblem(inQuery, 400, "invalid-parameter");
  }
});
