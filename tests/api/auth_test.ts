import { assert, assertEquals, assertThrows } from "@std/assert";
import { type AdminAuth, createAdminRouter } from "../../api/mod.ts";
import { FakeOpossum } from "./fake_opossum.ts";
import { assertProblem, TOKEN } from "./requests.ts";

const OTHER_TOKEN = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/==";

function setUp(auth: AdminAuth = { tokens: [TOKEN] }) {
  return createAdminRouter({ opossum: new FakeOpossum("CourseDetails"), auth });
}

Deno.test("requireAuth() challenges as RFC 6750 has it", async () => {
  const app = setUp();
  const table: [string | undefined, number, string | undefined][] = [
    [undefined, 401, undefined],
    [`Bearer ${TOKEN}`, 200, undefined],
    [`bearer   ${TOKEN}`, 200, undefined],
    [`Bearer ${TOKEN}x`, 401, "invalid_token"],
    [`Bearer ${TOKEN.slice(0, -1)}`, 401, "invalid_token"],
    [`Bearer ${OTHER_TOKEN}`, 401, "invalid_token"],
    ["Bearer", 401, "invalid_token"],
    ["Bearer ", 401, "invalid_token"],
    [`Basic ${TOKEN}`, 400, "invalid_request"],
    [TOKEN, 400, "invalid_request"],
    ["", 400, "invalid_request"],
    [`Bearer ${TOKEN}, Bearer ${TOKEN}`, 400, "invalid_request"],
    [`Bearer ${TOKEN.slice(0, 10)} ${TOKEN.slice(10)}`, 400, "invalid_request"],
    [`Bearer ${"x".repeat(4_097)}`, 400, "invalid_request"],
  ];
  for (const [authorization, status, error] of table) {
    const headers = authorization === undefined ? {} : { authorization };
    const response = await app.request("/admin/projections/status", {
      headers: headers as Record<string, string>,
    });
    const suffix = error === undefined ? "" : `, error="${error}"`;
    assertEquals(
      [response.status, response.headers.get("www-authenticate")],
      [status, status === 200 ? null : `Bearer realm="opossum"${suffix}`],
      authorization,
    );
    if (status === 200) await response.body?.cancel();
    else {
      const kind = status === 401 ? "unauthorized" : "malformed-credentials";
      await assertProblem(response, status, kind);
    }
  }
});

Deno.test("requireAuth() ignores tokens in the query, in cookies and in bodies", async () => {
  const app = setUp();
  const response = await app.request(
    `/admin/projections/rebuild?access_token=${TOKEN}`,
    {
      method: "POST",
      headers: {
        "cookie": `access_token=${TOKEN}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ access_token: TOKEN }),
    },
  );
  const text = await response.text();
  assertEquals(response.status, 401);
  assert(!text.includes(TOKEN));
});

Deno.test("createAdminRouter() tells strangers nothing of what is behind it", async () => {
  const app = setUp();
  const answers: string[] = [];
  const requests: [string, string][] = [
    ["GET", "/admin"],
    ["GET", "/admin/nothing"],
    ["GET", "/admin/projections/CourseDetails"],
    ["GET", "/admin/projections/Missing"],
    ["GET", "/admin/projections/..%2f"],
    ["GET", "/admin/projections/rebuild"],
    ["POST", "/admin/projections/rebuild?forceAll=banana"],
    ["OPTIONS", "/admin/projections/rebuild"],
    ["TRACE", "/admin/projections"],
    ["GET", "/%61dmin/projections"],
  ];
  for (const [method, path] of requests) {
    const request = new Request(`http://localhost${path}`, {
      method: method === "TRACE" ? "PUT" : method,
      headers: { "x-request-id": "same" },
    });
    const response = await app.request(request);
    answers.push(
      JSON.stringify([
        response.status,
        [...response.headers],
        await response.text(),
      ]),
    );
  }
  assertEquals(JSON.parse(answers[0] ?? "")[0], 401);
  assertEquals(new Set(answers).size, 1);
});

Deno.test("requireAuth() accepts several tokens, and rotated ones without a restart", async () => {
  let tokens = [TOKEN, OTHER_TOKEN];
  const app = setUp({ tokens: () => tokens });
  const status = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await app.request("/admin/projections", { headers });
    await response.body?.cancel();
    return response.status;
  };
  assertEquals([await status(TOKEN), await status(OTHER_TOKEN)], [200, 200]);
  tokens = [OTHER_TOKEN];
  assertEquals([await status(TOKEN), await status(OTHER_TOKEN)], [401, 200]);
  tokens = [];
  assertEquals([await status(TOKEN), await status(OTHER_TOKEN)], [500, 500]);
});

Deno.test("requireAuth() refuses weak tokens at the start, without repeating them", () => {
  const weak: [readonly string[], ErrorConstructor][] = [
    [[], TypeError],
    [[TOKEN, "short"], RangeError],
    [["x".repeat(31)], RangeError],
    [["x".repeat(4_097)], RangeError],
    [["with spaces " + TOKEN], RangeError],
    [[undefined as unknown as string], TypeError],
  ];
  for (const [tokens, errorClass] of weak) {
    for (const given of [tokens, () => tokens]) {
      const error = assertThrows(() => setUp({ tokens: given }), errorClass);
      for (const token of tokens) {
        assert(!token || !error.message.includes(token));
      }
    }
  }
});

Deno.test("allowUnauthenticated lets everybody in, except pages of other sites that change something", async () => {
  const app = setUp({ allowUnauthenticated: true });
  const table: [string, Record<string, string>, number][] = [
    ["GET", {}, 200],
    ["GET", { "sec-fetch-site": "cross-site" }, 200],
    ["POST", {}, 200],
    ["POST", { "sec-fetch-site": "same-origin" }, 200],
    ["POST", { "sec-fetch-site": "none" }, 200],
    ["POST", { origin: "http://localhost" }, 200],
    ["POST", { "sec-fetch-site": "cross-site" }, 403],
    ["POST", { "sec-fetch-site": "same-site" }, 403],
    ["POST", { origin: "https://evil.example" }, 403],
    ["POST", { origin: "http://localhost:81" }, 403],
    ["POST", { origin: "null" }, 403],
  ];
  for (const [method, headers, status] of table) {
    const path = method === "GET"
      ? "/admin/projections/status"
      : "/admin/projections/rebuild";
    const response = await app.request(path, { method, headers });
    assertEquals(response.status, status, JSON.stringify(headers));
    await response.body?.cancel();
  }
});
