/** Signing in to the dashboard: what a session is good for, and when it ends. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { AdminTokens } from "../../api/auth.ts";
import { ACCEPTED, Browser, SAME_SITE, TOKENS } from "./browser.ts";
import { FakeOpossum } from "./fake_opossum.ts";
import { assertProblem, TOKEN } from "./requests.ts";

const STATUS = "/admin/projections/status";
const REBUILD = "/admin/projections/A/rebuild";
const MINUTE = 60_000;
const POST = { method: "POST" };

const signedIn = async (
  opossum = new FakeOpossum("A"),
  options: ConstructorParameters<typeof Browser>[1] = {},
) => {
  const browser = new Browser(opossum, options);
  assertEquals((await browser.signIn()).status, 303);
  return browser;
};

const statusOf = async (browser: Browser, path = STATUS) =>
  (await browser.ask(path)).status;

Deno.test("POST /admin/session turns a token into a cookie that opens the admin API", async () => {
  const opossum = new FakeOpossum("A");
  const browser = new Browser(opossum);
  assertEquals(await statusOf(browser), 401);
  const response = await browser.signIn();
  assertEquals(response.status, 303);
  assertEquals(response.headers.get("location"), "/admin");
  assertEquals(browser.setCookies.length, 1);
  assertMatch(
    browser.setCookies[0] ?? "",
    /^__Host-opossum=[0-9a-f]{64}; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
  );
  assertEquals(await statusOf(browser), 200);
  assertEquals((await browser.ask(REBUILD, POST)).status, 200);
  assertEquals(opossum.started.at(-1)?.options?.requestedBy, "ada");
  const [signIn] = opossum.audited;
  assertEquals([signIn?.action, signIn?.principal], ["signIn", "ada"]);
  assert(
    !JSON.stringify([opossum.audited, opossum.logs]).includes(
      browser.cookies.get("__Host-opossum") ?? "none",
    ),
  );
});

Deno.test("the cookie is a secure one wherever the browser keeps such", async () => {
  const safari =
    "Mozilla/5.0 AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15";
  const chrome = "Mozilla/5.0 AppleWebKit/537.36 Chrome/150.0 Safari/537.36";
  const table: [
    origin: string,
    headers: Record<string, string>,
    isSecure: boolean,
  ][] = [
    ["https://admin.example", {}, true],
    // Behind a proxy that terminates TLS only the browser knows.
    ["http://admin.example", SAME_SITE, true],
    ["http://admin.example", { origin: "http://admin.example" }, false],
    ["http://localhost:8000", { ...SAME_SITE, "user-agent": chrome }, true],
    ["http://[::1]:8000", { ...SAME_SITE, "user-agent": safari }, false],
    ["https://localhost", { ...SAME_SITE, "user-agent": safari }, true],
  ];
  for (const [origin, headers, isSecure] of table) {
    const browser = new Browser(new FakeOpossum("A"), { origin });
    await browser.signIn(TOKENS.operate, headers);
    const [cookie = ""] = browser.setCookies;
    assertEquals(cookie.startsWith("__Host-opossum="), isSecure, origin);
    assertEquals(cookie.includes("Secure"), isSecure, origin);
    assert(/HttpOnly/.test(cookie) && /SameSite=Strict/.test(cookie));
    if (!isSecure) assert(cookie.includes("Path=/admin;"));
    assertEquals(await statusOf(browser), 200);
  }
});

Deno.test("a session may do what its token may", async () => {
  const browser = new Browser(new FakeOpossum("A"));
  await browser.signIn(TOKENS.read);
  assertEquals(await statusOf(browser), 200);
  await assertProblem(
    await browser.ask(REBUILD, POST),
    403,
    "insufficient-scope",
  );
});

Deno.test("wrong tokens open nothing, are not repeated, and count together with those of requests", async () => {
  const browser = new Browser(new FakeOpossum("A"));
  const wrong = `${TOKENS.operate}<b>`;
  for (let i = 0; i < 5; i++) {
    const response = await browser.signIn(wrong);
    assertEquals(response.status, 401);
    assertMatch(await response.text(), /This token is not accepted/);
    const headers = { authorization: `Bearer ${TOKEN}` };
    assertEquals((await browser.ask(STATUS, { headers })).status, 401);
  }
  assertEquals(browser.cookies.size, 0);
  const refused = await browser.signIn();
  assertEquals(refused.status, 429);
  assert(Number(refused.headers.get("retry-after")) > 0);
  const text = await refused.text();
  assertMatch(text, /Too many wrong tokens/);
  assert(!text.includes(wrong) && !text.includes(TOKENS.operate));
});

Deno.test("whoever signed in is let in while others of the same address are not", async () => {
  const opossum = new FakeOpossum("A");
  const browser = await signedIn(opossum);
  const mine = new Map(browser.cookies);
  browser.cookies.clear();
  for (let i = 0; i < 11; i++) await browser.signIn("x".repeat(40));
  for (const [name, value] of mine) browser.cookies.set(name, value);
  assertEquals(await statusOf(browser), 200);
});

Deno.test("row E3: pages of other sites can neither sign in nor do anything with a session", async () => {
  const opossum = new FakeOpossum("A");
  const browser = await signedIn(opossum);
  const foreign = [
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { origin: "https://evil.example" },
    { origin: "null" },
  ];
  for (const headers of foreign) {
    const asked = [
      await browser.signIn(TOKENS.operate, headers),
      await browser.ask(REBUILD, { method: "POST", headers }),
      await browser.ask("/admin/session", { method: "DELETE", headers }),
    ];
    for (const response of asked) {
      await assertProblem(response, 403, "cross-site-request");
    }
  }
  assertEquals(opossum.started, []);
  assertEquals(await statusOf(browser), 200);
});

Deno.test("a session ends after 30 minutes without use, which a page left open is not", async () => {
  const opossum = new FakeOpossum("A");
  const browser = await signedIn(opossum);
  await opossum.clock.advance(29 * MINUTE);
  assertEquals(await statusOf(browser, "/admin?live=active"), 200);
  await opossum.clock.advance(29 * MINUTE);
  assertEquals(await statusOf(browser, "/admin?live=idle"), 200);
  await opossum.clock.advance(MINUTE - 1);
  assertEquals(await statusOf(browser, "/admin?live=idle"), 200);
  await opossum.clock.advance(1);
  await assertProblem(
    await browser.ask("/admin?live=active"),
    401,
    "signed-out",
  );
  assertEquals(await statusOf(browser), 401);
  assertMatch(await browser.read("/admin"), /name="token"/);
});

Deno.test("a session ends after twelve hours, however much it is used", async () => {
  const opossum = new FakeOpossum("A");
  const browser = await signedIn(opossum);
  for (let minutes = 20; minutes < 12 * 60; minutes += 20) {
    await opossum.clock.advance(20 * MINUTE);
    assertEquals(await statusOf(browser), 200, String(minutes));
  }
  await opossum.clock.advance(20 * MINUTE);
  assertEquals(await statusOf(browser), 401);
});

Deno.test("a session ends with its token, and follows its scopes", async () => {
  let tokens: AdminTokens = ACCEPTED;
  const browser = await signedIn(new FakeOpossum("A"), {
    tokens: () => tokens,
  });
  tokens = [{ id: "ada", token: TOKENS.operate, scopes: ["read"] }];
  assertEquals((await browser.ask(REBUILD, POST)).status, 403);
  tokens = [{ id: "ada", token: TOKEN, scopes: ["operate"] }];
  assertEquals(await statusOf(browser), 401);
  // Not even when the token comes back.
  tokens = ACCEPTED;
  assertEquals(await statusOf(browser), 401);
});

Deno.test("signing out ends the session on the server, by form and by DELETE", async () => {
  const opossum = new FakeOpossum("A");
  const browser = new Browser(opossum);
  const ways = [
    { method: "POST", body: new URLSearchParams({ signOut: "true" }) },
    { method: "DELETE" },
  ];
  for (const [i, way] of ways.entries()) {
    await browser.signIn();
    const stolen = new Map(browser.cookies);
    const { status } = await browser.ask("/admin/session", way);
    assertEquals(status, [303, 204][i]);
    assertEquals(browser.cookies.size, 0);
    assertEquals(opossum.audited.at(-1)?.action, "signOut");
    for (const [name, value] of stolen) browser.cookies.set(name, value);
    assertEquals(await statusOf(browser), 401);
    browser.cookies.clear();
  }
  const nobody = await browser.ask("/admin/session", { method: "DELETE" });
  await assertProblem(nobody, 401, "unauthorized");
});

Deno.test("signing in begins a session of its own, and ends the one before", async () => {
  const browser = new Browser(new FakeOpossum("A"));
  const chosen = "f".repeat(64);
  browser.cookies.set("__Host-opossum", chosen);
  await browser.signIn();
  const first = browser.cookies.get("__Host-opossum") ?? "";
  assert(first !== chosen);
  await browser.signIn();
  assert(browser.cookies.get("__Host-opossum") !== first);
  browser.cookies.set("__Host-opossum", first);
  assertEquals(await statusOf(browser), 401);
});

Deno.test("on a full disk one can sign in and out, and the log says who did", async () => {
  const opossum = new FakeOpossum("A");
  const browser = new Browser(opossum);
  opossum.auditError = new Error("The disk is full");
  await browser.signIn();
  assertEquals(await statusOf(browser), 200);
  await browser.ask("/admin/session", { method: "DELETE" });
  assertEquals(await statusOf(browser), 401);
  assertEquals(
    opossum.logs.filter(({ level }) => level === "error")
      .map(({ attributes }) => [attributes?.principal, attributes?.action]),
    [["ada", "signIn"], ["ada", "signOut"]],
  );
});

Deno.test("of a thousand sessions the one that was not used for longest makes room", async () => {
  const browser = new Browser(new FakeOpossum("A"));
  const sessions: string[] = [];
  for (let i = 0; i <= 1_000; i++) {
    browser.cookies.clear();
    await browser.signIn();
    sessions.push(browser.cookies.get("__Host-opossum") ?? "");
    // The first one is used all the time.
    browser.cookies.set("__Host-opossum", sessions[0] ?? "");
    if (i % 100 === 0) assertEquals(await statusOf(browser), 200);
  }
  const statuses = [0, 1, 2, 1_000].map(async (i) => {
    browser.cookies.set("__Host-opossum", sessions[i] ?? "");
    return await statusOf(browser);
  });
  assertEquals(await Promise.all(statuses), [200, 401, 200, 200]);
});

Deno.test("of a thousand sessions one of a page left open makes room before one that was used", async () => {
  const browser = new Browser(new FakeOpossum("A"));
  await browser.signIn();
  const first = browser.cookies.get("__Host-opossum") ?? "";
  browser.cookies.clear();
  await browser.signIn();
  const second = browser.cookies.get("__Host-opossum") ?? "";
  browser.cookies.set("__Host-opossum", first);
  assertEquals(await statusOf(browser, "/admin?live=idle"), 200);
  for (let i = 2; i <= 1_000; i++) {
    browser.cookies.clear();
    await browser.signIn();
  }
  browser.cookies.set("__Host-opossum", first);
  assertEquals(await statusOf(browser), 401);
  browser.cookies.set("__Host-opossum", second);
  assertEquals(await statusOf(browser), 200);
});

Deno.test("a stream of events ends with the session that asked for it", async () => {
  const opossum = new FakeOpossum("A");
  opossum.endAtOnce = undefined;
  const browser = await signedIn(opossum);
  const headers = { ...SAME_SITE, accept: "text/event-stream" };
  const { status, body } = await browser.ask("/admin/events", { headers });
  assertEquals(status, 200);
  assert(body);
  const reader = body.getReader();
  assert(!(await reader.read()).done);
  await browser.ask("/admin/session", { method: "DELETE" });
  // What happens next is not told any more.
  await opossum.rebuilder.start(["A"]);
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    rest += decoder.decode(value);
  }
  assert(!rest.includes("event: operation"));
});

Deno.test("POST /admin/session takes a form of its size, and nothing else", async () => {
  const browser = new Browser(new FakeOpossum("A"));
  const ask = (type: string, body: string) =>
    browser.ask("/admin/session", {
      method: "POST",
      headers: { ...SAME_SITE, "content-type": type },
      body,
    });
  const token = TOKENS.operate;
  await assertProblem(
    await ask("application/json", JSON.stringify({ token })),
    415,
    "unsupported-media-type",
  );
  const form = "application/x-www-form-urlencoded";
  await assertProblem(
    await ask(form, `token=${"x".repeat(20_000)}`),
    413,
    "content-too-large",
  );
  assertEquals((await ask(form, "")).status, 401);
  assertEquals((await ask(form, `token=${"x".repeat(5_000)}`)).status, 401);
  const get = await browser.ask("/admin/session", {
    headers: { authorization: `Bearer ${token}` },
  });
  await assertProblem(get, 405, "method-not-allowed");
});
