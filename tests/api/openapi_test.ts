import { assert, assertEquals } from "@std/assert";
import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import { type AppOptions, createApp } from "../../api/mod.ts";
import { FakeOpossum } from "./fake_opossum.ts";
import { assertProblem, TOKEN } from "./requests.ts";

interface Described {
  readonly summary?: string;
  readonly description?: string;
  readonly operationId?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly unknown[];
  readonly responses: Record<string, {
    readonly description: string;
    readonly content?: Record<string, { schema?: unknown; example?: unknown }>;
  }>;
}

interface Document {
  readonly openapi: string;
  readonly info: unknown;
  readonly tags: readonly { name: string }[];
  readonly paths: Record<string, Record<string, Described>>;
  readonly components: {
    readonly schemas: Record<string, unknown>;
    readonly securitySchemes: Record<string, unknown>;
  };
}

/** What serves the document itself is not in it. */
/** Pages for people, and what they consist of. */
const PAGES =
  /^\/(?:openapi\.json|docs|docs\/scalar\.js|admin|admin\/session|admin\/assets\/.+)$/;

async function setUp(): Promise<{ app: OpenAPIHono; document: Document }> {
  const app = createApp({
    opossum: new FakeOpossum("CourseDetails"),
    auth: { tokens: [TOKEN] },
    info: { title: "Course management", version: "1.2.3" },
  });
  const response = await app.request("/openapi.json");
  assertEquals(response.headers.get("content-type"), "application/json");
  return { app, document: await response.json() };
}

function operationsOf({ paths }: Document): [string, Described][] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map((
      [method, described],
    ): [string, Described] => [`${method.toUpperCase()} ${path}`, described])
  );
}

Deno.test("/openapi.json describes every route, and nothing else", async () => {
  const { app, document } = await setUp();
  const routes = app.routes
    .filter(({ method, path }) => method !== "ALL" && !PAGES.test(path))
    .map(({ method, path }) =>
      `${method} ${path.replaceAll(/:([^/]+)/g, "{$1}")}`
    );
  assertEquals(
    operationsOf(document).map(([name]) => name).sort(),
    [...new Set(routes)].sort(),
  );
  assertEquals(operationsOf(document).map(([name]) => name).sort(), [
    "DELETE /admin/operations/{operationId}",
    "GET /admin/audit",
    "GET /admin/events",
    "GET /admin/operations",
    "GET /admin/operations/{operationId}",
    "GET /admin/operations/{operationId}/events",
    "GET /admin/plan",
    "GET /admin/projections",
    "GET /admin/projections/checkpoints",
    "GET /admin/projections/status",
    "GET /admin/projections/{projectionName}",
    "GET /admin/projections/{projectionName}/dead-letters",
    "GET /admin/projections/{projectionName}/repair",
    "GET /admin/schedule",
    "GET /admin/scrub",
    "GET /healthz",
    "GET /metrics",
    "GET /readyz",
    "POST /admin/operations/{operationId}/cancel",
    "POST /admin/operations/{operationId}/pause",
    "POST /admin/operations/{operationId}/promote",
    "POST /admin/operations/{operationId}/resume",
    "POST /admin/projections/rebuild",
    "POST /admin/projections/{projectionName}/events/{position}/skip",
    "POST /admin/projections/{projectionName}/keys/{key}/rebuild",
    "POST /admin/projections/{projectionName}/rebuild",
    "POST /admin/projections/{projectionName}/repair",
    "POST /admin/projections/{projectionName}/retry",
    "POST /admin/projections/{projectionName}/rollback",
    "POST /admin/scrub",
  ]);
});

Deno.test("/openapi.json explains each route, with examples and problems", async () => {
  const { document } = await setUp();
  const tags = document.tags.map(({ name }) => name);
  const ids = new Set<string | undefined>();
  for (const [name, described] of operationsOf(document)) {
    const { summary, description, operationId, security } = described;
    assert(summary && description && operationId, name);
    ids.add(operationId);
    assert(described.tags?.every((tag) => tags.includes(tag)), name);
    const isGuarded = name.includes(" /admin") || name.includes("/metrics");
    assertEquals(security, isGuarded ? [{ bearerAuth: [] }] : undefined, name);
    const statuses = Object.keys(described.responses);
    assert(statuses.includes("400"), name);
    assertEquals(statuses.includes("401"), isGuarded, name);
    for (
      const [status, { content = {} }] of Object.entries(described.responses)
    ) {
      for (const [mediaType, { schema, example }] of Object.entries(content)) {
        assert(schema !== undefined && example !== undefined, name);
        assertEquals(
          mediaType === "application/problem+json",
          Number(status) >= 400,
          `${name} ${status}`,
        );
      }
    }
  }
  assertEquals(ids.size, operationsOf(document).length);
});

Deno.test("/openapi.json is an OpenAPI 3.1 document with a bearer scheme", async () => {
  const { document } = await setUp();
  assertEquals(document.openapi, "3.1.0");
  assertEquals(document.info, { title: "Course management", version: "1.2.3" });
  assertEquals(Object.keys(document.components.securitySchemes), [
    "bearerAuth",
  ]);
  // A reference to nowhere would leave a hole in the page.
  const references = JSON.stringify(document).matchAll(
    /"\$ref":"#\/components\/schemas\/([^"]+)"/g,
  );
  for (const [, name] of references) {
    assert(name !== undefined && name in document.components.schemas, name);
  }
});

Deno.test("/docs loads nothing from other servers", async () => {
  const { app } = await setUp();
  const response = await app.request("/docs");
  const html = await response.text();
  assertEquals(
    [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, url]) => url),
    ["/docs/scalar.js"],
  );
  assert(!/https?:\/\//.test(html));
  assert(html.includes('"url": "/openapi.json"'));
  const policy = response.headers.get("content-security-policy") ?? "";
  assert(policy.startsWith("default-src 'none';"));
  assert(!/https?:|\*/.test(policy));
  const nonce = policy.match(/'nonce-([^']+)'/)?.[1];
  assert(html.includes(`<script type="text/javascript" nonce="${nonce}">`));
});

Deno.test("/docs/scalar.js is the script of the npm package", async () => {
  const { app } = await setUp();
  const response = await app.request("/docs/scalar.js");
  assertEquals(response.status, 200);
  assertEquals(
    response.headers.get("content-type"),
    "text/javascript; charset=utf-8",
  );
  assertEquals(response.headers.get("cache-control"), "public, max-age=3600");
  assert((await response.text()).includes("createApiReference"));
});

Deno.test({
  name: "/docs/scalar.js says what to do when its package cannot be read",
  permissions: { read: false },
  async fn() {
    const { app } = await setUp();
    const response = await app.request("/docs/scalar.js");
    const problem = await assertProblem(response, 503, "docs-script-missing");
    assert(String(problem.detail).includes("deno install"));
  },
});

Deno.test("/openapi.json says how long this server waits, and who may read its metrics", async () => {
  const described = async (options: Partial<AppOptions>) => {
    const app = createApp({
      opossum: new FakeOpossum("CourseDetails"),
      auth: { tokens: [TOKEN] },
      ...options,
    });
    const { paths }: Document = await (await app.request("/openapi.json"))
      .json();
    const waits = [
      "/admin/projections/rebuild",
      "/admin/projections/{projectionName}/rebuild",
      "/admin/projections/{projectionName}/repair",
      "/admin/projections/{projectionName}/keys/{key}/rebuild",
      "/admin/scrub",
    ].map((path) =>
      /([\d.]+) seconds/.exec(paths[path]?.post?.description ?? "")?.[1]
    );
    const metrics = paths["/metrics"]?.get;
    return {
      waits,
      isGuarded: metrics?.security !== undefined,
      statuses: Object.keys(metrics?.responses ?? {}),
      asked: (await app.request("/metrics")).status,
    };
  };
  const guarded = await described({});
  assertEquals(guarded.waits, ["30", "30", "30", "30", "30"]);
  assertEquals([guarded.isGuarded, guarded.asked], [true, 401]);
  assert(guarded.statuses.includes("401"));
  const open = await described({ rebuildWaitMs: 1_500, openMetrics: true });
  assertEquals(open.waits, ["1.5", "1.5", "1.5", "1.5", "1.5"]);
  assertEquals([open.isGuarded, open.asked], [false, 404]);
  assert(!open.statuses.includes("401") && !open.statuses.includes("403"));
});

Deno.test("/openapi.json of a server without tokens asks for none, and that of another one still does", async () => {
  const documentOf = async (options: Partial<AppOptions>) => {
    const app = createApp({
      opossum: new FakeOpossum("CourseDetails"),
      auth: { allowUnauthenticated: true },
      ...options,
    });
    const document: Document = await (await app.request("/openapi.json"))
      .json();
    return { app, document };
  };
  const own = new OpenAPIHono();
  own.openapi(
    createRoute({
      method: "get",
      path: "/courses",
      security: [{ bearerAuth: [] }],
      responses: { 401: { description: "Who are you?" } },
    }),
    (context) => context.body(null, 401),
  );
  const open = await documentOf({});
  assertEquals((await open.app.request("/admin/audit")).status, 200);
  for (const [name, { security, responses }] of operationsOf(open.document)) {
    assertEquals(security, undefined, name);
    assert(!("401" in responses), name);
    // As pages of other sites are refused.
    assertEquals(
      "403" in responses,
      name.includes(" /admin") || name.includes("/metrics"),
      name,
    );
  }
  assertEquals(open.document.components.securitySchemes, {});
  const docs = await (await open.app.request("/docs")).text();
  assert(!docs.includes("preferredSecurityScheme"));
  const mixed = (await documentOf({ routers: [own] })).document;
  // What the application asks for by itself is its own business.
  const [kept] = operationsOf(mixed).filter(([name]) =>
    name === "GET /courses"
  );
  assertEquals(kept?.[1].security, [{ bearerAuth: [] }]);
  assert("401" in (kept?.[1].responses ?? {}));
  assert("bearerAuth" in mixed.components.securitySchemes);
  const { document } = await documentOf({ auth: { tokens: [TOKEN] } });
  const guarded = document.paths["/admin/audit"]?.get;
  assertEquals(guarded?.security, [{ bearerAuth: [] }]);
  assert("401" in (guarded?.responses ?? {}));
});
