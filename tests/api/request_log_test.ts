import { assert, assertEquals } from "@std/assert";
import { OpenAPIHono } from "@hono/zod-openapi";
import { createApp } from "../../api/mod.ts";
import { ProjectionNotBuiltError } from "../../mod.ts";
import { registerOtel } from "../telemetry/otel_fixture.ts";
import { FakeOpossum } from "./fake_opossum.ts";
import { ask, TOKEN } from "./requests.ts";

/** The store, and the application over it with a route that fails as it is told. */
function open(failure?: Error) {
  const opossum = new FakeOpossum("CourseDetails");
  const own = new OpenAPIHono();
  own.get("/students/:studentId", async (context) => {
    await opossum.clock.advance(12);
    if (failure) throw failure;
    return context.json({});
  });
  const app = createApp({
    opossum,
    auth: { tokens: [TOKEN] },
    routers: [own],
  });
  return { opossum, app };
}

Deno.test("each request is logged at level debug: its route, and never what is in its path, query or headers", async () => {
  const { opossum, app } = open();
  const response = await ask(app, "GET", "/students/secret-key?token=secret", {
    headers: { "x-request-id": "asked-1", "x-secret": "secret" },
  });
  await response.body?.cancel();
  assertEquals(opossum.logs, [{
    level: "debug",
    message: "Request answered",
    attributes: {
      method: "GET",
      route: "/students/{studentId}",
      status: 200,
      durationMs: 12,
      requestId: "asked-1",
    },
  }]);
});

Deno.test("a request that the server could not serve is logged as a warning, but a probe is not", async () => {
  const { opossum, app } = open(new ProjectionNotBuiltError("CourseDetails"));
  opossum.daemonState = "stopped";
  for (const path of ["/students/1", "/readyz", "/nothing", "/admin/status"]) {
    const response = await app.request(path);
    await response.body?.cancel();
  }
  assertEquals(
    opossum.logs.filter(({ message }) => message === "Request answered")
      .map(({ level, attributes }) => [level, attributes?.status]),
    [["warn", 503], ["debug", 503], ["debug", 404], ["debug", 401]],
  );
});

Deno.test("a request that failed with an error is not logged as a failure twice", async () => {
  const { opossum, app } = open(new Error("Out of cheese"));
  const response = await app.request("/students/1");
  await response.body?.cancel();
  assertEquals(
    opossum.logs.map(({ level, message }) => [level, message]),
    [["error", "A request failed"], ["debug", "Request answered"]],
  );
});

Deno.test("a method that strangers made up is logged as _OTHER", async () => {
  const { opossum, app } = open();
  const response = await app.request("/students/1", { method: "SECRET" });
  await response.body?.cancel();
  assertEquals(opossum.logs.map(({ attributes }) => attributes?.method), [
    "_OTHER",
  ]);
});

Deno.test("the record of a request bears the trace of its span", async () => {
  await using otel = registerOtel();
  const { opossum, app } = open();
  await (await app.request("/students/1")).body?.cancel();
  const context = otel.spans()[0]?.spanContext();
  assert(context);
  const [record] = opossum.logs;
  assertEquals([record?.attributes?.traceId, record?.attributes?.spanId], [
    context.traceId,
    context.spanId,
  ]);
});
