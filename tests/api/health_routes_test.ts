import { assert, assertEquals } from "@std/assert";
import { type AppOptions, createApp } from "../../api/mod.ts";
import {
  AppendFailedError,
  AppendOutcomeUnknownError,
  OpenedReadOnlyError,
} from "../../mod.ts";
import { FakeOpossum } from "./fake_opossum.ts";
import { ask, assertProblem, TOKEN } from "./requests.ts";

function setUp(options: Partial<AppOptions> = {}) {
  const opossum = new FakeOpossum("A", "B");
  const app = createApp({ opossum, auth: { tokens: [TOKEN] }, ...options });
  return { app, opossum };
}

Deno.test("/healthz answers without a token, whatever the store does", async () => {
  const { app, opossum } = setUp();
  opossum.daemonState = "stopped";
  const response = await app.request("/healthz");
  assertEquals(await response.json(), { status: "up" });
});

Deno.test("/readyz answers 200 when the daemon runs, built projections or not", async () => {
  const { app, opossum } = setUp();
  opossum.states.set("B", "absent");
  const response = await app.request("/readyz");
  assertEquals(response.status, 200);
  assertEquals(await response.json(), {
    store: "readable",
    appends: { state: "accepted", error: null, code: null },
    daemon: "running",
    projections: { ready: 1, absent: 1 },
  });
});

Deno.test("/readyz answers 503 while projections that nobody can read yet are built at start-up", async () => {
  const { app, opossum } = setUp();
  opossum.daemonState = "starting";
  opossum.states.set("B", "stale");
  const serving = await app.request("/readyz");
  assertEquals(serving.status, 200);
  await serving.body?.cancel();
  opossum.states.set("B", "absent");
  const response = await app.request("/readyz");
  assertEquals(response.headers.get("retry-after"), "1");
  const problem = await assertProblem(response, 503, "not-ready");
  assertEquals(problem.readiness, {
    store: "readable",
    appends: { state: "accepted", error: null, code: null },
    daemon: "starting",
    projections: { ready: 1, absent: 1 },
  });
});

Deno.test("/readyz counts neither builds nor damage at start-up as readable", async () => {
  const { app, opossum } = setUp();
  opossum.daemonState = "starting";
  for (const state of ["building", "damaged"] as const) {
    opossum.states.set("B", state);
    await assertProblem(await app.request("/readyz"), 503, "not-ready");
  }
});

Deno.test("/readyz answers 503 when the daemon does not run or stops", async () => {
  for (const state of ["stopped", "stopping"] as const) {
    const { app, opossum } = setUp();
    opossum.daemonState = state;
    await assertProblem(await app.request("/readyz"), 503, "not-ready");
  }
});

Deno.test("/readyz answers 503 when the log cannot be read", async () => {
  const { app, opossum } = setUp();
  await opossum.events[Symbol.asyncDispose]();
  opossum.events.head = () => Promise.reject(new Error("Input/output error"));
  const response = await app.request("/readyz");
  const problem = await assertProblem(response, 503, "not-ready");
  assertEquals((problem.readiness as { store: string }).store, "unreadable");
});

Deno.test("/readyz answers 503 once appends are refused, but for what only reads", async () => {
  const { app, opossum } = setUp();
  const cause = Object.assign(new Error("a path"), { code: "EIO" });
  opossum.appendHealth = {
    state: "refused",
    cause: new AppendOutcomeUnknownError("events/1.ndjson", { cause }),
  };
  const appends = {
    state: "refused",
    error: "AppendOutcomeUnknownError",
    code: "EIO",
  };
  for (const query of ["", "?for=writes"]) {
    const response = await app.request(`/readyz${query}`);
    const problem = await assertProblem(response, 503, "not-ready");
    assertEquals((problem.readiness as typeof problem).appends, appends);
    assert(!JSON.stringify(problem).includes("ndjson"));
  }
  const reads = await app.request("/readyz?for=reads");
  assertEquals(reads.status, 200);
  assertEquals((await reads.json()).appends, appends);
  assertEquals((await app.request("/readyz?for=ever")).status, 400);
  assertEquals((await app.request("/healthz")).status, 200);
});

Deno.test("/readyz answers 200 on a full disk, and says so", async () => {
  const { app, opossum } = setUp();
  const cause = Object.assign(new Error("full"), { code: "ENOSPC" });
  opossum.appendHealth = {
    state: "failing",
    cause: new AppendFailedError("events/1.ndjson", { cause }),
  };
  const response = await app.request("/readyz");
  assertEquals(response.status, 200);
  assertEquals((await response.json()).appends, {
    state: "failing",
    error: "AppendFailedError",
    code: "ENOSPC",
  });
});

Deno.test("/readyz answers 200 for a store that was opened with readOnly", async () => {
  const { app, opossum } = setUp();
  Object.assign(opossum.options, { readOnly: true });
  opossum.appendHealth = { state: "refused", cause: new OpenedReadOnlyError() };
  const response = await app.request("/readyz");
  assertEquals(response.status, 200);
  assertEquals((await response.json()).appends.error, "OpenedReadOnlyError");
});

Deno.test("/metrics needs a token unless it was opened", async () => {
  const metrics = () => Promise.resolve("up 1\n");
  const guarded = setUp({ metrics }).app;
  assertEquals((await guarded.request("/metrics")).status, 401);
  const response = await ask(guarded, "GET", "/metrics");
  assertEquals(
    [response.headers.get("content-type"), await response.text()],
    ["text/plain; version=0.0.4; charset=utf-8", "up 1\n"],
  );
  const open = setUp({ metrics, openMetrics: true }).app;
  assertEquals(await (await open.request("/metrics")).text(), "up 1\n");
  const loopback = setUp({ metrics, auth: { allowUnauthenticated: true } }).app;
  assertEquals(await (await loopback.request("/metrics")).text(), "up 1\n");
});

Deno.test("/metrics says so when no metrics are kept", async () => {
  const { app } = setUp();
  await assertProblem(await ask(app, "GET", "/metrics"), 404, "no-metrics");
});
