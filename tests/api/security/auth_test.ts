/** Rows A1 to A10: who may, and what strangers learn. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { createApp, serveApp, UnsafeBindError } from "@opossum/deno/api";
import { FakeOpossum } from "../fake_opossum.ts";
import { assertProblem } from "../requests.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { watchTokenFile } from "../../../api/mod.ts";
import { rawRequest, sendRaw } from "./raw_connection.ts";
import { AUTH, startSample, statusOf, TOKENS } from "./sample_server.ts";

const STATUS = "/admin/projections/status";
const REBUILD = "/admin/projections/CourseDetails/rebuild";

Deno.test("row A1: no Authorization answers 401 with a bare challenge, on any admin route", async () => {
  await using sample = await startSample();
  const document = await (await sample.ask("/openapi.json")).json();
  const guarded = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods as Record<string, { security?: unknown[] }>)
      .filter(([, { security }]) => security !== undefined)
      .map(([method]) => [method.toUpperCase(), path] as const)
  );
  assert(guarded.length >= 15);
  for (const [method, path] of guarded) {
    const response = await sample.ask(path, { method, token: null });
    const challenge = response.headers.get("www-authenticate");
    assertEquals(challenge, 'Bearer realm="opossum"', path);
    await assertProblem(response, 401, "unauthorized");
  }
});

Deno.test("row A2: unknown, expired, longer and empty tokens answer 401 invalid_token, in the same bytes", async () => {
  const expired = "expired-0123456789abcdefghijklmnopqrstuv";
  await using sample = await startSample({
    auth: {
      tokens: [...AUTH.tokens, {
        id: "intern",
        token: expired,
        scopes: ["read"],
        expiresAt: "2020-01-01T00:00:00Z",
      }],
    },
  });
  const bodies = new Set<string>();
  const tokens = ["x".repeat(40), expired, `${TOKENS.operate}1`, ""];
  for (const token of tokens) {
    const response = await sample.ask(STATUS, { token });
    assertEquals(response.status, 401, token);
    assertEquals(
      response.headers.get("www-authenticate"),
      'Bearer realm="opossum", error="invalid_token"',
    );
    bodies.add(await response.text());
  }
  assertEquals(bodies.size, 1);
});

Deno.test("row A3: another scheme, two headers, spaces and more than 4 KiB answer 400 invalid_request", async () => {
  await using sample = await startSample();
  const credentials = [
    [`Basic ${TOKENS.operate}`],
    [`Bearer ${TOKENS.operate}`, `Bearer ${TOKENS.operate}`],
    [`Bearer ${TOKENS.operate.replace("-", " ")}`],
    [`Bearer ${"x".repeat(4_097)}`],
  ];
  for (const each of credentials) {
    const { status, headers, body } = await sendRaw(
      sample.url,
      rawRequest(`GET ${STATUS}`, [
        sample.host,
        ...each.map((value) => `Authorization: ${value}`),
      ]),
    );
    assertEquals(status, 400, each.join());
    assertEquals(
      headers.get("www-authenticate"),
      'Bearer realm="opossum", error="invalid_request"',
    );
    assertEquals(headers.get("content-type"), "application/problem+json");
    assert(!body.includes(TOKENS.operate));
  }
});

Deno.test("row A4: a token in query, cookie or body is ignored: 401", async () => {
  await using sample = await startSample();
  const response = await sample.ask(
    `${REBUILD}?access_token=${TOKENS.operate}`,
    {
      method: "POST",
      token: null,
      headers: {
        cookie: `token=${TOKENS.operate}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ access_token: TOKENS.operate }),
    },
  );
  const problem = await assertProblem(response, 401, "unauthorized");
  assert(!JSON.stringify(problem).includes(TOKENS.operate));
});

Deno.test("row A5: a token that may read gets 200 for what reads, 403 insufficient_scope for the rest", async () => {
  await using sample = await startSample();
  const token = TOKENS.read;
  assertEquals(await statusOf(sample.ask(STATUS, { token })), 200);
  assertEquals(await statusOf(sample.ask("/metrics", { token })), 404);
  for (const method of ["POST", "PUT", "DELETE"]) {
    const response = await sample.ask(REBUILD, { method, token });
    assertEquals(
      response.headers.get("www-authenticate"),
      'Bearer realm="opossum", error="insufficient_scope", scope="operate"',
    );
    await assertProblem(response, 403, "insufficient-scope");
  }
  const operations = await (await sample.ask("/admin/operations")).json();
  assertEquals(
    operations.operations.filter(({ trigger }: { trigger: string }) =>
      trigger === "api"
    ),
    [],
  );
});

Deno.test("row A7: an open admin API is served on loopback addresses only", () => {
  const opossum = new FakeOpossum();
  const auth = { allowUnauthenticated: true } as const;
  const app = createApp({ opossum, auth });
  const { logger } = opossum.options;
  assertThrows(
    () => serveApp({ app, auth, host: "0.0.0.0", port: 0, logger }),
    UnsafeBindError,
  );
});

Deno.test("row A8: two tokens are accepted, and one is revoked by changing the file", async () => {
  using dir = new TempDir();
  const path = dir.file("tokens");
  const write = async (...lines: string[]) => {
    await Deno.writeTextFile(`${path}.new`, lines.join("\n"), { mode: 0o600 });
    await Deno.rename(`${path}.new`, path);
  };
  const lines = [
    `old operate ${TOKENS.operate}`,
    `new operate ${TOKENS.operate}2`,
  ] as const;
  await write(...lines);
  const { options: { logger } } = new FakeOpossum();
  await using sample = await startSample({
    auth: { tokens: watchTokenFile(path, logger) },
  });
  const both = async () => [
    await statusOf(sample.ask(STATUS)),
    await statusOf(sample.ask(STATUS, { token: `${TOKENS.operate}2` })),
  ];
  assertEquals(await both(), [200, 200]);
  await write(lines[1]);
  assertEquals(await both(), [401, 200]);
});

Deno.test("row A9: the 11th wrong token in a minute answers 429, and other clients are heard", async () => {
  const opossum = new FakeOpossum("CourseDetails");
  const { logger } = opossum.options;
  // 127.0.0.1 stands for a proxy: behind it, clients have addresses of their own.
  for (const trustedProxies of [[], ["127.0.0.0/8"]]) {
    const app = createApp({ opossum, auth: AUTH, limits: { trustedProxies } });
    await using server = serveApp({ app, auth: AUTH, port: 0, logger });
    const ask = (token: string, client: string) =>
      fetch(`${server.url}${STATUS}`, {
        headers: {
          authorization: `Bearer ${token}`,
          "x-forwarded-for": `198.51.100.7, ${client}`,
        },
      });
    for (let i = 0; i < 10; i++) {
      // The address of another client changes nothing where nobody is trusted.
      const client = trustedProxies.length > 0 ? "192.0.2.1" : `192.0.2.${i}`;
      assertEquals(await statusOf(ask("x".repeat(40), client)), 401);
    }
    for (const token of ["x".repeat(40), TOKENS.operate]) {
      const response = await ask(token, "192.0.2.1");
      assertEquals(response.headers.get("retry-after"), "60");
      await assertProblem(response, 429, "too-many-failed-logins");
    }
    assertEquals(
      await statusOf(ask(TOKENS.operate, "203.0.113.9")),
      trustedProxies.length > 0 ? 200 : 429,
    );
    await opossum.clock.advance(60_000);
    assertEquals(await statusOf(ask(TOKENS.operate, "192.0.2.1")), 200);
  }
});

Deno.test("row A10: a stranger gets the same bytes for what exists and what does not", async () => {
  await using sample = await startSample();
  const answers = new Set<string>();
  for (const name of ["CourseDetails", "Missing", "..%2f", "rebuild"]) {
    const { status, headers, body } = await sendRaw(
      sample.url,
      rawRequest(`GET /admin/projections/${name}`, [
        sample.host,
        "X-Request-Id: same",
      ]),
    );
    assertEquals(status, 401);
    headers.delete("date");
    answers.add(JSON.stringify([[...headers], body]));
  }
  assertEquals(answers.size, 1);
});
