/** Rows E1 to E10: HTTP itself. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { OpenAPIHono } from "@hono/zod-openapi";
import { BindError, createApp, serveApp, strictJson } from "@opossum/deno/api";
import { FakeOpossum } from "../fake_opossum.ts";
import { assertProblem } from "../requests.ts";
import { RawConnection, rawRequest, sendRaw } from "./raw_connection.ts";
import {
  AUTH,
  AUTHORIZATION,
  startSample,
  statusOf,
  TOKENS,
} from "./sample_server.ts";

const STATUS = "/admin/projections/status";
const REBUILD = "/admin/projections/rebuild";

Deno.test("row E1: a wrong method answers 405 with Allow, and 401 to strangers", async () => {
  await using sample = await startSample();
  for (const method of ["GET", "PUT", "TRACE", "OPTIONS", "FOO"]) {
    const ask = (...headers: string[]) =>
      sendRaw(
        sample.url,
        rawRequest(`${method} ${REBUILD}`, [sample.host, ...headers]),
      );
    const { status, headers, body } = await ask(AUTHORIZATION);
    assertEquals([method, status], [method, 405]);
    assertEquals(headers.get("allow"), "POST");
    assert(JSON.parse(body).type.endsWith("method-not-allowed"));
    assertEquals((await ask()).status, 401, method);
  }
});

Deno.test("row E2: a preflight gets no CORS header, nor does anything else", async () => {
  await using sample = await startSample();
  const headers = {
    "origin": "https://evil.example",
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization",
  };
  for (const path of [REBUILD, STATUS, "/healthz", "/openapi.json", "/docs"]) {
    for (const method of ["OPTIONS", "GET"]) {
      for (const token of [TOKENS.operate, null]) {
        const response = await sample.ask(path, { method, token, headers });
        await response.body?.cancel();
        if (path === REBUILD && token === null) {
          assertEquals(response.status, 401);
        }
        for (const [name] of response.headers) {
          assert(!name.startsWith("access-control-"), `${method} ${path}`);
        }
      }
    }
  }
});

Deno.test("row E3: where no token is needed, pages of other sites change nothing: 403", async () => {
  await using sample = await startSample({
    auth: { allowUnauthenticated: true },
  });
  const foreign: Record<string, string>[] = [
    { origin: "https://evil.example" },
    { origin: "null" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
  ];
  const ask = (headers: Record<string, string>) =>
    sample.ask(REBUILD, { method: "POST", token: null, headers });
  for (const headers of foreign) {
    await assertProblem(await ask(headers), 403, "cross-site-request");
  }
  assertEquals(await statusOf(ask({ origin: sample.url })), 200);
});

Deno.test("row E4: a foreign Host answers 421, a missing, repeated or malformed one 400", async () => {
  await using sample = await startSample();
  const table: [string, readonly string[], number][] = [
    ["/healthz", [sample.host], 200],
    ["/healthz", ["Host: LOCALHOST:1"], 200],
    ["/healthz", ["Host: 192.0.2.1"], 200],
    ["/healthz", ["Host: evil.example"], 421],
    [STATUS, ["Host: evil.example", AUTHORIZATION], 421],
    [STATUS, ["Host: localhost.evil.example"], 421],
    ["/healthz", [], 400],
    ["/healthz", ["Host: "], 400],
    ["/healthz", ["Host: localhost", "Host: localhost"], 400],
    ["/healthz", ["Host: localhost, evil.example"], 400],
    ["/healthz", ["Host: a b/@localhost"], 400],
    ["/healthz", ["Host: user@localhost"], 400],
    ["http://evil.example/healthz", ["Host: localhost"], 400],
    ["http://evil.example/healthz", ["Host: evil.example"], 421],
  ];
  for (const [target, headers, expected] of table) {
    const request = rawRequest(`GET ${target}`, headers);
    const { status } = await sendRaw(sample.url, request);
    assertEquals([target, ...headers, status], [target, ...headers, expected]);
  }
});

Deno.test("row E4: an open server answers to names of the loopback interface alone", async () => {
  const auth = { allowUnauthenticated: true } as const;
  await using sample = await startSample({ auth });
  for (const host of ["192.0.2.1", "[2001:db8::1]", "evil.example"]) {
    const request = rawRequest("GET /healthz", [`Host: ${host}`]);
    assertEquals((await sendRaw(sample.url, request)).status, 421, host);
  }
});

Deno.test("row E5: every response bears the security headers, and says nothing of the server", async () => {
  await using sample = await startSample();
  const requests: [string, string, string | null][] = [
    ["GET", STATUS, TOKENS.operate],
    ["GET", STATUS, null],
    ["GET", STATUS, "x".repeat(40)],
    ["POST", REBUILD, TOKENS.read],
    ["GET", REBUILD, TOKENS.operate],
    ["GET", "/admin/nothing", TOKENS.operate],
    ["GET", "/nothing", null],
    ["GET", "/docs", null],
    ["GET", "/openapi.json", null],
    ["GET", "/healthz", null],
    ["GET", "/students", null],
  ];
  for (const [method, path, token] of requests) {
    const { headers, body } = await sample.ask(path, { method, token });
    await body?.cancel();
    const policy = headers.get("content-security-policy") ?? "";
    assertEquals(headers.get("x-content-type-options"), "nosniff", path);
    assertEquals(headers.get("cache-control"), "no-store", path);
    assertEquals(headers.get("referrer-policy"), "no-referrer", path);
    assertMatch(policy, /frame-ancestors 'none'/, path);
    // The page of the docs styles its elements inline; nothing may run inline anywhere.
    assert(!/script-src[^;]*unsafe/.test(policy), path);
    assertEquals(policy.includes("unsafe-inline"), path === "/docs", path);
    const names = ["server", "x-powered-by", "strict-transport-security"];
    for (const name of names) assert(!headers.has(name), `${path} ${name}`);
  }
});

Deno.test("row E6: requests that could be understood in two ways answer 400 and end the connection", async () => {
  await using sample = await startSample();
  const { host } = sample;
  const many = Array.from({ length: 500 }, (_, i) => `X-${i}: a`);
  const requests: string[] = [
    rawRequest(`POST ${REBUILD}`, [
      host,
      "Content-Length: 5",
      "Transfer-Encoding: chunked",
    ], "0\r\n\r\n"),
    rawRequest(`POST ${REBUILD}`, [
      host,
      "Content-Length: 1",
      "Content-Length: 2",
    ], "ab"),
    rawRequest("GET /healthz", [host, "X-A: b", " folded"]),
    rawRequest("GET /healthz", [host, "X-A : b"]),
    rawRequest("G ET /healthz", [host]),
    rawRequest("GET /healthz", [host, ...many]),
    rawRequest("GET /healthz", [host, `X-A: ${"a".repeat(500_000)}`]),
  ];
  for (const request of requests) {
    using connection = await RawConnection.to(sample.url);
    await connection.send(request);
    assertMatch(
      await connection.rest(),
      /^HTTP\/1\.1 400 /,
      request.slice(0, 99),
    );
  }
  const gzip = rawRequest(`POST ${REBUILD}`, [
    host,
    AUTHORIZATION,
    "Transfer-Encoding: gzip, chunked",
  ], "0\r\n\r\n");
  const response = await sendRaw(sample.url, gzip);
  assertEquals(response.status, 400);
  assertMatch(response.headers.get("connection") ?? "", /^close/);
});

Deno.test("row E6: a malformed chunk answers 400 and ends the connection", async () => {
  await using sample = await startSample();
  using connection = await RawConnection.to(sample.url);
  const head = rawRequest(`POST ${REBUILD}`, [
    sample.host,
    AUTHORIZATION,
    "Content-Type: application/json",
    "Transfer-Encoding: chunked",
    "Expect: 100-continue",
  ]);
  await connection.send(head);
  // It is read from now on: what is malformed arrives while a handler waits for it.
  await connection.until("100 Continue\r\n\r\n");
  await connection.send("zz\r\n{}\r\n0\r\n\r\n");
  const { status, body } = await connection.response();
  assertEquals(status, 400);
  assert(JSON.parse(body).type.endsWith("malformed-body"));
  assertEquals(await connection.rest(), "");

  // At once with the head, the runtime ends the connection before anybody could answer.
  using other = await RawConnection.to(sample.url);
  const line = head.replace("Expect: 100-continue\r\n", "");
  await other.send(`${line}zz\r\n{}\r\n0\r\n\r\n`);
  assertMatch(await other.rest(), /^$|^HTTP\/1\.1 400 /);
});

Deno.test("row E7: a body that does not arrive within ten seconds answers 408", async () => {
  const opossum = new FakeOpossum("CourseDetails");
  const { clock, options: { logger } } = opossum;
  const app = createApp({ opossum, auth: AUTH });
  await using server = serveApp({ app, auth: AUTH, port: 0, logger });
  for (const length of ["Content-Length: 9", "Transfer-Encoding: chunked"]) {
    using connection = await RawConnection.to(server.url);
    await connection.send(rawRequest(`POST ${REBUILD}`, [
      `Host: ${new URL(server.url).host}`,
      AUTHORIZATION,
      "Content-Type: application/json",
      length,
    ], length.startsWith("C") ? "{" : "1\r\n{\r\n"));
    await clock.whenSleeping();
    await clock.advance(9_999);
    assertEquals(clock.sleeping, 1);
    await clock.advance(1);
    const { status, headers, body } = await connection.response();
    assertEquals(status, 408, length);
    assertMatch(headers.get("connection") ?? "", /^close/);
    assert(JSON.parse(body).type.endsWith("request-timeout"));
    assertEquals(clock.sleeping, 0);
  }
  assertEquals(opossum.started, []);
});

Deno.test("row E7: requests beyond those that may be under way answer 503 with Retry-After", async () => {
  const opossum = new FakeOpossum("CourseDetails");
  const { logger } = opossum.options;
  opossum.endAtOnce = undefined;
  const app = createApp({ opossum, auth: AUTH });
  await using server = serveApp({
    app,
    auth: AUTH,
    port: 0,
    logger,
    requestsMax: 1,
    drainTimeoutMs: 1,
  });
  const headers = { authorization: `Bearer ${TOKENS.operate}` };
  const underWay = fetch(`${server.url}${REBUILD}`, {
    method: "POST",
    headers,
  });
  await opossum.clock.whenSleeping();
  const refused = await fetch(`${server.url}/healthz`);
  assertEquals(refused.headers.get("retry-after"), "1");
  assertEquals(refused.headers.get("x-content-type-options"), "nosniff");
  await assertProblem(refused, 503, "too-busy");
  await opossum.clock.advance(30_000);
  assertEquals(await statusOf(underWay), 202);
  assertEquals(await statusOf(fetch(`${server.url}/healthz`)), 200);
});

Deno.test("row E7: strangers who send slowly elsewhere leave room for who may operate", async () => {
  const opossum = new FakeOpossum("CourseDetails");
  const { logger } = opossum.options;
  const router = new OpenAPIHono();
  router.post("/courses", strictJson(), (context) => context.text(""));
  const app = createApp({ opossum, auth: AUTH, routers: [router] });
  await using server = serveApp({
    app,
    auth: AUTH,
    port: 0,
    logger,
    requestsMax: 10,
    drainTimeoutMs: 1,
  });
  using strangers = new DisposableStack();
  const { host } = new URL(server.url);
  for (let i = 0; i < 10; i++) {
    const connection = strangers.use(await RawConnection.to(server.url));
    await connection.send(rawRequest("POST /courses", [
      `Host: ${host}`,
      "Content-Type: application/json",
      "Content-Length: 9",
    ], "{"));
  }
  await opossum.clock.whenSleeping(9);
  assertEquals(await statusOf(fetch(`${server.url}/healthz`)), 503);
  assertEquals(opossum.clock.sleeping, 9);
  const rebuilt = fetch(`${server.url}${REBUILD}`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKENS.operate}` },
  });
  assertEquals(await statusOf(rebuilt), 200);
});

Deno.test({
  name:
    "row E8: the server listens on 127.0.0.1 unless told otherwise, and warns of other addresses",
  // Tests open nothing to a network: that it tries to is enough.
  permissions: { net: ["127.0.0.1"] },
  async fn() {
    const { logs, options: { logger } } = new FakeOpossum();
    const app = { fetch: () => new Response() };
    const options = { app, auth: AUTH, port: 0, logger };
    const warnings = () => logs.filter(({ level }) => level === "warn").length;
    await using server = serveApp(options);
    assertEquals([server.hostname, warnings()], ["127.0.0.1", 0]);
    assertThrows(() => serveApp({ ...options, host: "0.0.0.0" }), BindError);
    assertEquals(warnings(), 1);
  },
});

Deno.test("row E9: a handler that throws answers 500 with the request id, and nothing of the error", async () => {
  const opossum = new FakeOpossum("CourseDetails");
  const { logger } = opossum.options;
  opossum.statusError = new Error("/home/ada/secret is missing");
  const app = createApp({ opossum, auth: AUTH });
  await using server = serveApp({ app, auth: AUTH, port: 0, logger });
  const response = await fetch(`${server.url}${STATUS}`, {
    headers: { authorization: `Bearer ${TOKENS.read}`, "x-request-id": "r-1" },
  });
  const problem = await assertProblem(response, 500, "internal-error");
  assertEquals(Object.keys(problem), [
    "type",
    "title",
    "status",
    "detail",
    "instance",
    "requestId",
  ]);
  assertEquals(problem.requestId, "r-1");
  assert(!JSON.stringify(problem).includes("secret"));
});

Deno.test("row E10: an Accept that takes nothing of what there is answers 406", async () => {
  await using sample = await startSample();
  const table: [string, number][] = [
    ["text/html", 406],
    ["application/xml, text/*", 406],
    ["application/json;q=0", 406],
    ["application/json", 200],
    ["text/html, */*;q=0.1", 200],
    ["application/*", 200],
    ["APPLICATION/JSON; charset=utf-8", 200],
  ];
  for (const [accept, status] of table) {
    const response = sample.ask(STATUS, { headers: { accept } });
    assertEquals(await statusOf(response), status, accept);
  }
});
