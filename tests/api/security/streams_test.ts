/** Streams of events: they end with their token, and who may only look leaves room for operators. */
import { assert, assertEquals } from "@std/assert";
import type { AdminToken } from "@opossum/deno/api";
import { createApp } from "@opossum/deno/api";
import { Browser } from "../browser.ts";
import { FakeOpossum } from "../fake_opossum.ts";
import { EventReader } from "../sse.ts";
import { AUTH, startSample, statusOf, TOKENS } from "./sample_server.ts";

const [ADA, GRAFANA] = AUTH.tokens;

Deno.test("a stream tells nothing more once its token was revoked, and ends", async () => {
  let tokens: readonly AdminToken[] = AUTH.tokens;
  await using sample = await startSample({ auth: { tokens: () => tokens } });
  const token = TOKENS.read;
  await using reader = new EventReader(
    await sample.ask("/admin/events", { token }),
  );
  const names = sample.server.opossum.projections.names;
  assertEquals((await reader.take(names.length)).length, names.length);

  tokens = [ADA];
  assertEquals(await statusOf(sample.ask("/admin/events", { token })), 401);
  const rebuilt = await sample.ask(
    "/admin/projections/CourseDetails/rebuild",
    { method: "POST" },
  );
  assertEquals(rebuilt.status, 200);
  await rebuilt.body?.cancel();
  assertEquals(await reader.next(), undefined);
});

Deno.test("a stream ends once its token may do less, whether it is sent or stands behind a session", async () => {
  const opossum = new FakeOpossum("A");
  opossum.endAtOnce = undefined;
  const grafana = { ...GRAFANA, scopes: ["operate"] } as AdminToken;
  let tokens: readonly AdminToken[] = [grafana];
  const app = createApp({ opossum, auth: { tokens: () => tokens } });
  const browser = new Browser(opossum, { tokens: () => tokens });
  await browser.signIn(TOKENS.read);
  const headers = { authorization: `Bearer ${TOKENS.read}` };
  const readers = await Promise.all([
    app.request("/admin/events", { headers }),
    browser.ask("/admin/events"),
  ]).then((responses) => responses.map((each) => new EventReader(each)));
  for (const reader of readers) {
    assertEquals((await reader.next())?.data.name, "A");
  }
  tokens = [GRAFANA];
  await opossum.rebuilder.start(undefined);
  for (const reader of readers) assertEquals(await reader.next(), undefined);
});

Deno.test("a stream ends with the heartbeat after its token has expired", async () => {
  const opossum = new FakeOpossum("A");
  const now = opossum.clock.now().getTime();
  const expiresAt = new Date(now + 1_500).toISOString();
  const tokens = [{ ...GRAFANA, expiresAt }];
  const app = createApp({ opossum, auth: { tokens } });
  const headers = { authorization: `Bearer ${TOKENS.read}` };
  await using reader = new EventReader(
    await app.request("/admin/events", { headers }),
  );
  assertEquals((await reader.next())?.data.name, "A");
  const ended = reader.next();
  // The feed's look, and the heartbeat.
  for (let i = 0; i < 15; i++) {
    await opossum.clock.whenSleeping(2);
    await opossum.clock.advance(1_000);
  }
  assertEquals(await ended, undefined);
  assert(!reader.others.includes(": still here"));
});

Deno.test("who may only look cannot take all streams from who may operate", async () => {
  await using sample = await startSample();
  await using readers = new AsyncDisposableStack();
  const watch = async (token: string) => {
    const response = await sample.ask("/admin/events", { token });
    if (response.status === 200) readers.use(new EventReader(response));
    else await response.body?.cancel();
    return response.status;
  };
  const statuses = new Set<number>();
  for (let i = 0; i < 100; i++) statuses.add(await watch(TOKENS.read));
  assertEquals([...statuses], [200, 503]);
  assertEquals(await watch(TOKENS.operate), 200);
});

Deno.test("who takes nothing of a stream for a minute loses its place", async () => {
  const opossum = new FakeOpossum("A", "B", "C", "D");
  const app = createApp({ opossum, auth: AUTH });
  const watch = async () =>
    await app.request("/admin/events", {
      headers: { authorization: `Bearer ${TOKENS.read}` },
    });
  const unread: Response[] = [];
  for (let i = 0; i < 80; i++) unread.push(await watch());
  assertEquals(await statusOf(watch()), 503);
  // One look, and eighty that wait for their client.
  await opossum.clock.whenSleeping(81);
  await opossum.clock.advance(60_000);
  assertEquals(await statusOf(watch()), 200);
  for (const { body } of unread) await body?.cancel();
});
