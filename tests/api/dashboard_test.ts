/** The dashboard without a browser: what its pages say, and that what they say stays text. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { createApp } from "@opossum/deno/api";
import type { Opossum, ProjectionInfo } from "../../mod.ts";
import { Browser, TOKENS } from "./browser.ts";
import { FakeOpossum } from "./fake_opossum.ts";
import { assertProblem } from "./requests.ts";

const HOSTILE = `</td><script>alert(1)</script><img src=x onerror='a'>"&lt;`;
const ESCAPED =
  "&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x " +
  "onerror=&#39;a&#39;&gt;&quot;&amp;lt;";

/** The same store, with other words about its projections. */
function saying(fake: FakeOpossum, changes: Partial<ProjectionInfo>): Opossum {
  const projections = {
    ...fake.projections,
    info: async (name: string) => ({
      ...await fake.projections.info(name),
      ...changes,
    }),
  };
  return new Proxy<Opossum>(fake, {
    get: (target, property) =>
      property === "projections" ? projections : Reflect.get(target, property),
  });
}

/** The buttons of a page: their words, and whether they can be pressed. */
function buttonsOf(html: string): [label: string, isEnabled: boolean][] {
  return [...html.matchAll(/<button ([^>]*)data-action[^>]*>([^<]*)/g)]
    .map(([, attributes = "", label = ""]) => [
      label,
      !/ (?:disabled=""|aria-disabled="true")/.test(` ${attributes}`),
    ]);
}

Deno.test("GET /admin asks strangers to sign in, and tells them nothing", async () => {
  const browser = new Browser(new FakeOpossum("CourseDetails"));
  const response = await browser.ask("/admin");
  assertEquals(response.status, 200);
  assertEquals(
    response.headers.get("content-type"),
    "text/html; charset=utf-8",
  );
  const html = await response.text();
  assertMatch(html, /<form method="post" action="\/admin\/session">/);
  assert(!html.includes("CourseDetails"));
  // Also of a projection that exists.
  const [one, other] = await Promise.all(
    ["CourseDetails", "Nothing"].map((name) =>
      browser.read(`/admin?view=projection&name=${name}`)
    ),
  );
  assertEquals(one, other);
  await assertProblem(await browser.ask("/admin?view=plan"), 401, "signed-out");
});

Deno.test("the pages carry a policy under which nothing foreign or inline runs", async () => {
  const browser = new Browser(new FakeOpossum("A"));
  const check = async (path: string) => {
    const { headers, ...response } = await browser.ask(path).then(
      async (response) => ({
        headers: response.headers,
        html: await response.text(),
      }),
    );
    assertEquals(
      headers.get("content-security-policy"),
      "default-src 'none'; script-src 'self'; style-src 'self'; " +
        "connect-src 'self'; img-src data:; form-action 'self'; " +
        "base-uri 'none'; frame-ancestors 'none'",
    );
    assertEquals(headers.get("cache-control"), "no-store");
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    assert(!/ style=| key=| on[a-z]+=|<style/.test(response.html));
    assert(!/https?:\/\//.test(response.html), "refers to this server only");
    return response.html;
  };
  // Also what a script imports, for all that is in its folder.
  const checkAsset = async (path: string) => {
    const response = await browser.ask(path);
    assertEquals(response.status, 200, path);
    assertMatch(response.headers.get("cache-control") ?? "", /immutable/);
    const text = await response.text();
    assert(text.length > 300);
    for (const [, name = ""] of text.matchAll(/from "\.\/([^"]+)"/g)) {
      await checkAsset(path.replace(/[^/]+$/, name));
    }
  };
  await check("/admin");
  await browser.signIn();
  const html = await check("/admin");
  await check("/admin?view=projection&name=A");
  // For browsers without script.
  assertMatch(
    html,
    /<noscript><meta http-equiv="refresh" content="10"\/><\/noscript>/,
  );
  const assets = [...html.matchAll(/(?:src|href)="(\/admin\/assets\/[^"]+)"/g)];
  assertEquals(assets.length, 2);
  for (const [, path = ""] of assets) {
    assertMatch(path, /-[0-9a-f]{12}(?:\.css|\/main\.js)$/);
    await checkAsset(path);
  }
  const missing = await browser.ask("/admin/assets/script-0/main.js");
  await assertProblem(missing, 404, "not-found");
});

Deno.test("what data says stays text, wherever it stands", async () => {
  const fake = new FakeOpossum("A");
  const at = "2026-01-01T00:00:00.000Z";
  fake.letters = [{
    position: 7,
    eventType: HOSTILE,
    key: HOSTILE,
    reason: "failed",
    message: HOSTILE,
    at,
  }];
  const error = { message: HOSTILE, position: 7, eventType: HOSTILE, at };
  const opossum = saying(fake, {
    state: "faulted",
    fault: { ...error, attempts: 2, retryAt: null },
    lastError: error,
    deadLetters: 1,
  });
  const options = { note: HOSTILE, requestedBy: HOSTILE };
  fake.endAtOnce = undefined;
  await fake.rebuilder.start(["A"], options);
  const { id } = await fake.rebuilder.start(["A"], options);
  fake.end(id, "failed");
  const browser = await Browser.signedIn(opossum);
  for (const path of ["/admin", "/admin?view=projection&name=A"]) {
    const html = await browser.read(path);
    assert(!html.includes("<script>") && !html.includes("<img"), path);
    assert(html.split(ESCAPED).length > 3, path);
  }
});

Deno.test("each row has a key of its own, whatever projections are called", async () => {
  const opossum = saying(new FakeOpossum("A", "A-trouble"), { deadLetters: 1 });
  const html = await (await Browser.signedIn(opossum)).read("/admin");
  const keys = [...html.matchAll(/<tr [^>]*data-key="([^"]*)"/g)]
    .map(([, key]) => key);
  assertEquals(keys.length, 4);
  assertEquals(new Set(keys).size, 4);
});

Deno.test("buttons are for those who may operate; others see why not", async () => {
  const opossum = saying(new FakeOpossum("A"), {
    previousGeneration: 1,
    generation: 2,
  });
  const operator = await Browser.signedIn(opossum);
  const html = await operator.read("/admin");
  assertEquals(buttonsOf(html), [
    ["Dry run", true],
    ["Rebuild what needs it", true],
    ["Rebuild selected", true],
    ["Rebuild all", true],
    ["Rebuild", true],
    ["Roll back", true],
    ["Check for damage", true],
  ]);
  assert(!html.includes("may look only"));
  // What the dialog says is what is done, or nothing.
  assertMatch(html, /projections\/A\/rollback\?from=2"/);
  const reader = await Browser.signedIn(opossum, TOKENS.read);
  const readers = await reader.read("/admin");
  assertEquals(
    buttonsOf(readers).filter(([, isEnabled]) => isEnabled),
    [["Dry run", true]],
  );
  assertMatch(readers, /id="scope-note"[^>]*>\s*Your token may look only/);
});

Deno.test("buttons follow what can be done", async () => {
  const fake = new FakeOpossum("A");
  fake.endAtOnce = undefined;
  const { id } = await fake.rebuilder.start(["A"]);
  const buttons = async (changes: Partial<ProjectionInfo> = {}) => {
    const browser = await Browser.signedIn(saying(fake, changes));
    return new Map(buttonsOf(await browser.read("/admin")));
  };
  const running = await buttons();
  assert(running.has("Roll back") && !running.get("Roll back"));
  assert(running.get("Pause") && running.get("Cancel"));
  assert(!running.has("Resume"));
  await fake.rebuilder.pause(id);
  const paused = await buttons();
  assert(paused.get("Resume") && paused.get("Cancel") && !paused.has("Pause"));
  const faulted = await buttons({
    state: "faulted",
    fault: {
      position: 7,
      eventType: "T",
      message: "",
      at: "2026-01-01T00:00:00.000Z",
      attempts: 1,
      retryAt: null,
    },
  });
  assert(faulted.get("Retry") && faulted.get("Skip event"));
});

Deno.test("?view=plan shows what a rebuild would take, and does nothing", async () => {
  const fake = new FakeOpossum("A", "B");
  const browser = await Browser.signedIn(fake);
  const all = await browser.read("/admin?view=plan&forceAll=true");
  assertMatch(all, /<th scope="row">A<\/th><td>all are to be rebuilt<\/td>/);
  assertMatch(all, /about a second/);
  assertMatch(all, /4.0 KiB of 977 KiB free/);
  assertMatch(
    await browser.read("/admin?view=plan"),
    /Nothing is to be rebuilt/,
  );
  assertEquals(fake.started, []);
});

Deno.test("?view=plan says what is left alone, and why", async () => {
  const fake = new FakeOpossum("A", "B", "C");
  const held = fake.rebuilder.estimate;
  Object.assign(fake.rebuilder, {
    estimate: async (...args: Parameters<typeof held>) => {
      const plan = await held(...args);
      const reasons = ["rolledBack", "awaitingPromotion", "upToDate"];
      return {
        ...plan,
        projections: plan.projections.map((each, i) => ({
          ...each,
          rebuild: false,
          reason: reasons[i],
        })),
      };
    },
  });
  const html = await (await Browser.signedIn(fake)).read("/admin?view=plan");
  const text = html.replaceAll(/<\/?(?:div|p)[^>]*>/g, " ").replaceAll(
    /<[^>]*>/g,
    "",
  ).replaceAll(/\s+/g, " ").trim();
  assertEquals(
    text,
    "Nothing is to be rebuilt: 1 projection is up to date. " +
      "Left alone: A, as it was rolled back. " +
      "Left alone: B, as a build of it waits to be promoted.",
  );
});

Deno.test("a projection's page shows its rebuild, what can be done about it, and its fingerprint", async () => {
  const fake = new FakeOpossum("A", "B");
  fake.endAtOnce = undefined;
  const { id } = await fake.rebuilder.start(["A"]);
  const browser = await Browser.signedIn(
    saying(fake, { builtFingerprint: "fedcba9876543210" }),
  );
  const html = await browser.read("/admin?view=projection&name=A");
  assertMatch(html, /<progress [^>]*aria-label="Rebuild of A"/);
  assertEquals(
    buttonsOf(html).map(([label]) => label),
    ["Rebuild", "Roll back", "Repair", "Pause", "Cancel"],
  );
  assert(html.includes(`/admin/operations/${id}/pause`));
  assertMatch(html, /0123456789ab, built with fedcba987654/);
  const other = await browser.read("/admin?view=projection&name=B");
  assert(!other.includes("<progress"));
});

Deno.test("a bar says how much is read, and that documents are made when all is", async () => {
  const fake = new FakeOpossum("A");
  fake.endAtOnce = undefined;
  const { id, progress: [bar] } = await fake.rebuilder.start(["A"]);
  assert(bar);
  const browser = await Browser.signedIn(fake);
  const facts = async (position: number, percent: number) => {
    const how = { eventsPerSecond: null, estimatedCompletionAt: null };
    fake.change(id, {
      progress: [{ ...bar, ...how, position, target: 300, percent }],
    });
    const html = await browser.read("/admin");
    return /class="bar-facts">([^<]*)/.exec(html)?.[1];
  };
  assertEquals(await facts(120, 20), "reads the log · 120 of 300 events read");
  assertEquals(
    await facts(300, 52.9),
    "makes the documents · 300 of 300 events read",
  );
});

Deno.test("GET /admin refuses what it does not know", async () => {
  const browser = await Browser.signedIn(new FakeOpossum("A"));
  const refused = [
    "?view=nothing",
    "?token=secret",
    "?live=active&live=idle",
    "?view=projection&name=..%2F",
    "?view=plan&names=A,,B",
    "?constructor=1",
  ];
  for (const query of refused) {
    const response = await browser.ask(`/admin${query}`);
    await assertProblem(response, 400, "invalid-parameter");
  }
  const unknown = await browser.ask("/admin?view=projection&name=Nobody");
  await assertProblem(unknown, 404, "unknown-projection");
  const json = await browser.ask("/admin", {
    headers: { accept: "application/json" },
  });
  await assertProblem(json, 406, "not-acceptable");
  const put = await browser.ask("/admin", { method: "PUT" });
  await assertProblem(put, 405, "method-not-allowed");
});

Deno.test("a token in the request opens the dashboard as well, and a wrong one does not", async () => {
  const browser = new Browser(new FakeOpossum("A"));
  const ask = (token: string) =>
    browser.ask("/admin", { headers: { authorization: `Bearer ${token}` } });
  const response = await ask(TOKENS.read);
  assertEquals(response.status, 200);
  assertMatch(await response.text(), /data-verdict/);
  assertEquals(browser.cookies.size, 0);
  await assertProblem(await ask("x".repeat(40)), 401, "unauthorized");
});

Deno.test("where no token is needed nobody signs in", async () => {
  const opossum = new FakeOpossum("A");
  const auth = { allowUnauthenticated: true } as const;
  const app = createApp({ opossum, auth });
  const html = await (await app.request("http://127.0.0.1/admin")).text();
  assertMatch(html, /data-verdict/);
  assert(!html.includes("Sign out"));
  const post = await app.request("http://127.0.0.1/admin/session", {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: "token=whatever",
  });
  assertEquals([post.status, post.headers.getSetCookie()], [303, []]);
});
