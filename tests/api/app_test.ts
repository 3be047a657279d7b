import { assert, assertEquals } from "@std/assert";
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import {
  type AppOptions,
  createApp,
  jsonResponse,
  ProblemError,
  problemResponses,
  strictJson,
} from "../../api/mod.ts";
import { FakeOpossum } from "./fake_opossum.ts";
import { ask, askWithBody, assertProblem, TOKEN } from "./requests.ts";

const Greeting = z.object({ greeting: z.string() }).openapi("Greeting");

class RudeError extends Error {}

function greetings(): OpenAPIHono {
  const router = new OpenAPIHono();
  router.openapi(
    createRoute({
      method: "get",
      path: "/greetings/{name}",
      tags: ["Greetings"],
      request: { params: z.object({ name: z.string() }) },
      responses: {
        200: jsonResponse("A greeting", Greeting, { greeting: "Hello" }),
        ...problemResponses(404, 409),
      },
    }),
    (context) => {
      const { name } = context.req.valid("param");
      if (name === "nobody") {
        throw new ProblemError({
          kind: "nobody",
          status: 404,
          title: "Nobody",
          detail: "There is nobody of that name",
        });
      }
      if (name === "you") throw new RudeError();
      return context.json({ greeting: `Hello ${name}` }, 200);
    },
  );
  router.openapi(
    createRoute({
      method: "post",
      path: "/greetings",
      tags: ["Greetings"],
      request: {
        body: {
          content: { "application/json": { schema: Greeting } },
          required: true,
        },
      },
      middleware: [strictJson()],
      responses: { 204: { description: "Greeted" }, ...problemResponses(422) },
    }),
    (context) => context.body(null, 204),
  );
  return router;
}

function setUp(options: Partial<AppOptions> = {}) {
  const opossum = new FakeOpossum("CourseDetails");
  const app = createApp({
    opossum,
    auth: { tokens: [TOKEN] },
    routers: [greetings()],
    toProblem: (error) =>
      error instanceof RudeError
        ? { kind: "rude", status: 409, title: "Rude", detail: "Say please" }
        : undefined,
    ...options,
  });
  return { app, opossum };
}

Deno.test("createApp() mounts the application's routers, which need no token", async () => {
  const { app } = setUp();
  const response = await app.request("/greetings/Ada");
  assertEquals(await response.json(), { greeting: "Hello Ada" });
  assertEquals((await app.request("/admin/projections")).status, 401);
});

Deno.test("createApp() answers problems for the errors and bodies of the application's routers", async () => {
  const { app } = setUp();
  await assertProblem(await app.request("/greetings/nobody"), 404, "nobody");
  await assertProblem(await app.request("/greetings/you"), 409, "rude");
  const wrong = await askWithBody(app, "/greetings", { greeting: 7 });
  const problem = await assertProblem(wrong, 422, "invalid-body");
  assertEquals(problem.errors, [{
    field: "greeting",
    message: "Invalid input: expected string, received number",
  }]);
});

Deno.test("createApp() answers 404 to unknown paths, 405 with Allow to wrong methods", async () => {
  const { app } = setUp();
  const table: [string, string, string | undefined][] = [
    ["GET", "/nothing", undefined],
    ["GET", "/Admin/projections", undefined],
    ["GET", "//admin/projections", undefined],
    ["GET", "/admin/", undefined],
    ["POST", "/admin", "GET, HEAD"],
    ["GET", "/admin/session", "POST, DELETE"],
    ["GET", "/admin/nothing", undefined],
    ["GET", "/admin/projections/A/rebuild/more", undefined],
    ["GET", "/admin/projections/rebuild", "POST"],
    ["GET", "/admin/projections/CourseDetails/rebuild", "POST"],
    ["POST", "/admin/projections/status", "GET, HEAD"],
    ["DELETE", "/admin/projections/CourseDetails", "GET, HEAD"],
    ["PUT", "/admin/operations/x", "GET, HEAD, DELETE"],
    ["OPTIONS", "/admin/projections", "GET, HEAD"],
    ["POST", "/healthz", "GET, HEAD"],
    ["POST", "/docs", "GET, HEAD"],
    ["DELETE", "/openapi.json", "GET, HEAD"],
    ["PUT", "/greetings/Ada", "GET, HEAD"],
    ["PATCH", "/greetings", "POST"],
  ];
  for (const [method, path, allow] of table) {
    const response = await ask(app, method, path);
    assertEquals(response.headers.get("allow"), allow ?? null, path);
    await assertProblem(
      response,
      allow === undefined ? 404 : 405,
      allow === undefined ? "not-found" : "method-not-allowed",
    );
  }
  const head = await ask(app, "HEAD", "/admin/projections/status");
  assertEquals([head.status, await head.text()], [200, ""]);
});

Deno.test("createApp() gives every response the security headers, and never CORS ones", async () => {
  const { app } = setUp();
  const paths = ["/healthz", "/docs", "/openapi.json", "/nothing", "/admin/x"];
  for (const path of [...paths, "/admin/plan", "/greetings/you", "/metrics"]) {
    const { headers, body } = await ask(app, "GET", path, {
      headers: { origin: "https://evil.example" },
    });
    await body?.cancel();
    assertEquals(headers.get("x-content-type-options"), "nosniff", path);
    assertEquals(headers.get("cache-control"), "no-store", path);
    assertEquals(headers.get("referrer-policy"), "no-referrer", path);
    const policy = headers.get("content-security-policy") ?? "";
    assert(policy.includes("frame-ancestors 'none'"), path);
    assert(!/script-src[^;]*unsafe/.test(policy), path);
    assert(headers.has("x-request-id"), path);
    for (const [name] of headers) {
      assert(!/^(access-control|server$|x-powered)/.test(name), name);
    }
  }
});

Deno.test("createApp() answers to loopback names only by default, and with tokens to addresses", async () => {
  const open = setUp({ auth: { allowUnauthenticated: true } }).app;
  const guarded = setUp().app;
  const named = setUp({ allowedHosts: ["opossum.example"] }).app;
  const status = async (app: OpenAPIHono, host: string) => {
    const response = await app.request(`http://${host}/healthz`);
    await response.body?.cancel();
    return response.status;
  };
  for (const host of ["localhost", "LOCALHOST:8000", "127.0.0.1", "[::1]:80"]) {
    assertEquals(await status(open, host), 200, host);
  }
  for (const host of ["evil.example", "localhost.evil.example", "10.0.0.1"]) {
    assertEquals(await status(open, host), 421, host);
  }
  for (const host of ["localhost:8000", "10.0.0.1", "[2001:db8::1]:80"]) {
    assertEquals(await status(guarded, host), 200, host);
  }
  assertEquals(await status(guarded, "anything.example"), 421);
  const every = setUp({ allowedHosts: "any" }).app;
  assertEquals(await status(every, "anything.example"), 200);
  assertEquals(await status(named, "opossum.example:8443"), 200);
  assertEquals(await status(named, "localhost"), 421);
});

Deno.test("createApp() takes allowed hosts as an operator writes them", async () => {
  const table = [
    ["2001:db8::1", "[2001:db8::1]:8000"],
    ["2001:DB8:0:0::1", "[2001:db8::1]"],
    ["[2001:db8::1]", "[2001:db8::1]"],
    ["Opossum.Example", "opossum.example"],
    ["oppossüm.example", "xn--oppossm-s2a.example"],
  ] as const;
  for (const [allowed, host] of table) {
    const { app } = setUp({ allowedHosts: [allowed] });
    const response = await app.request(`http://${host}/healthz`);
    await response.body?.cancel();
    assertEquals(response.status, 200, allowed);
  }
});
