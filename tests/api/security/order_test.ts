/**
 * The order of checks: host, request line, limits by address, token, scope, route and method,
 * media types, size, parsing, schema, existence. A request that is wrong in every way is mended
 * step by step, and each step brings the next check to light.
 */
import { assertEquals } from "@std/assert";
import { createApp, serveApp } from "@opossum/deno/api";
import { FakeOpossum } from "../fake_opossum.ts";
import { rawRequest, sendRaw } from "./raw_connection.ts";
import { AUTH, TOKENS } from "./sample_server.ts";

interface Wrong {
  host: string;
  coding: string;
  authorization: string;
  line: string;
  accept: string;
  type: string;
  body: string;
}

/** Each step mends one thing; what is answered before it. */
const STEPS: readonly (readonly [
  status: number,
  kind: string,
  mend: Partial<Wrong>,
])[] = [
  [400, "malformed-request", { coding: "" }],
  [421, "misdirected-request", { host: "localhost" }],
  [400, "malformed-credentials", { authorization: "Bearer wrong" }],
  [401, "unauthorized", { authorization: `Bearer ${TOKENS.read}` }],
  [403, "insufficient-scope", { authorization: `Bearer ${TOKENS.operate}` }],
  [404, "not-found", { line: "PUT /admin/projections/rebuild?force=1" }],
  [405, "method-not-allowed", {
    line: "POST /admin/projections/rebuild?force=1",
  }],
  [406, "not-acceptable", { accept: "*/*" }],
  [415, "unsupported-media-type", { type: "application/json" }],
  [413, "content-too-large", { body: '{"projectionNames":7' }],
  [400, "malformed-json", { body: '{"projectionNames":7}' }],
  [400, "invalid-parameter", { line: "POST /admin/projections/rebuild" }],
  [422, "invalid-body", { body: '{"projectionNames":["Missing"]}' }],
  [404, "unknown-projection", { body: '{"projectionNames":["Known"]}' }],
];

Deno.test("checks are made in their order, and nothing is told before the token", async () => {
  const opossum = new FakeOpossum("Known");
  const { logger } = opossum.options;
  const limits = { triggersPerMinute: 100 };
  const app = createApp({ opossum, auth: AUTH, limits });
  await using server = serveApp({ app, auth: AUTH, port: 0, logger });
  const wrong: Wrong = {
    host: "evil.example",
    coding: "gzip, chunked",
    authorization: "Basic wrong",
    line: "PUT /admin/nothing",
    accept: "text/html",
    type: "text/plain",
    body: `"${"x".repeat(70_000)}`,
  };
  const send = async () => {
    const { host, coding, authorization, line, accept, type, body } = wrong;
    const response = await sendRaw(
      server.url,
      rawRequest(line, [
        `Host: ${host}`,
        `Authorization: ${authorization}`,
        `Accept: ${accept}`,
        `Content-Type: ${type}`,
        coding === ""
          ? `Content-Length: ${body.length}`
          : `Transfer-Encoding: ${coding}`,
      ], coding === "" ? body : ""),
    );
    return [response.status, JSON.parse(response.body).type];
  };
  for (const [status, kind, mend] of STEPS) {
    const expected = [status, `urn:opossum:problem:${kind}`];
    assertEquals(await send(), expected);
    Object.assign(wrong, mend);
  }
  assertEquals(opossum.started, []);
  assertEquals((await send())[0], 200);
});

Deno.test("a client that presented too many wrong tokens is refused before its token is looked at", async () => {
  const opossum = new FakeOpossum("Known");
  const { logger } = opossum.options;
  const limits = { failedLoginsPerMinute: 1 };
  const app = createApp({ opossum, auth: AUTH, limits });
  await using server = serveApp({ app, auth: AUTH, port: 0, logger });
  const send = async (host: string, credentials: string) =>
    (await sendRaw(
      server.url,
      rawRequest("GET /admin/nothing", [
        `Host: ${host}`,
        `Authorization: ${credentials}`,
      ]),
    )).status;
  assertEquals(await send("localhost", "Basic wrong"), 400);
  assertEquals(await send("evil.example", "Basic wrong"), 421);
  assertEquals(await send("localhost", "Basic wrong"), 429);
  assertEquals(await send("localhost", `Bearer ${TOKENS.operate}`), 429);
});
