/**
 * The OpenAPI document and the page that shows it. All of it comes from this server: it works
 * without a network, and no request tells others what is looked at.
 *
 * @module
 */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { Scalar } from "@scalar/hono-api-reference";
import { ProblemError } from "./problem.ts";
import { declareCommonResponses } from "./common_responses.ts";
import { declareOpen } from "./open_document.ts";
import {
  AUDIT_TAG,
  HEALTH_TAG,
  OPERATIONS_TAG,
  PROJECTIONS_TAG,
  SECURITY_SCHEME,
} from "./sections.ts";

/** What the OpenAPI document says about the whole. */
export interface DocumentInfo {
  /** Name of the API. */
  readonly title: string;
  /** Version of the API. */
  readonly version: string;
  /** What it is for, in Markdown. @default {none} */
  readonly description?: string;
}

const DOCUMENT_PATH = "/openapi.json";
const SCRIPT_PATH = "/docs/scalar.js";
const SCRIPT_MAX_AGE_SECONDS = 3_600;

/**
 * Adds `/openapi.json`, `/docs` and the script of that page. The document covers every route of
 * the router, also those of routers mounted on it.
 *
 * @param router Where to add them, after everything else.
 * @param info What the document says about the whole.
 * @param access `isOpen`: whether the admin API asks nobody for a token.
 */
export function addDocs(
  router: OpenAPIHono,
  info: DocumentInfo,
  { isOpen }: { readonly isOpen: boolean },
): void {
  let document: string | undefined;
  router.get(DOCUMENT_PATH, (context) => {
    // Generated at the first request: by then every route is registered.
    document ??= JSON.stringify(openApiDocument(router, info, isOpen));
    return context.body(document, 200, { "Content-Type": "application/json" });
  });

  router.get("/docs", async (context, next) => {
    const nonce = crypto.randomUUID();
    context.header("Content-Security-Policy", contentSecurityPolicy(nonce));
    return await Scalar({
      url: DOCUMENT_PATH,
      cdn: SCRIPT_PATH,
      nonce,
      pageTitle: info.title,
      withDefaultFonts: false,
      telemetry: false,
      agent: { disabled: true },
      mcp: { disabled: true },
      hideClientButton: true,
      showDeveloperTools: "never",
      ...isOpen
        ? {}
        : { authentication: { preferredSecurityScheme: SECURITY_SCHEME } },
      // A token typed into the page is gone when the page is.
      persistAuth: false,
    })(context, next);
  });

  let script: Promise<Uint8Array<ArrayBuffer>> | undefined;
  router.get(SCRIPT_PATH, async (context) => {
    script ??= readScript();
    try {
      return context.body(await script, 200, {
        "Content-Type": "text/javascript; charset=utf-8",
        "Cache-Control": `public, max-age=${SCRIPT_MAX_AGE_SECONDS}`,
      });
    } catch (error) {
      // The next request may find it: somebody may have installed it meanwhile.
      script = undefined;
      throw error;
    }
  });
}

function openApiDocument(
  router: OpenAPIHono,
  { title, version, description }: DocumentInfo,
  isOpen: boolean,
): object {
  const document = router.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title, version, ...(description ? { description } : {}) },
    servers: [{ url: "/", description: "This server" }],
    tags: [
      {
        name: PROJECTIONS_TAG,
        description: "Rebuild the read models, and see how they stand.",
      },
      {
        name: OPERATIONS_TAG,
        description: "Follow, pause and cancel rebuilds, and look for damage.",
      },
      { name: AUDIT_TAG, description: "Who asked for what, and when." },
      { name: HEALTH_TAG, description: "For monitoring." },
    ],
  });
  declareCommonResponses(document);
  if (isOpen) declareOpen(document);
  return document;
}

/** Scripts of this page and this server only; nothing may be loaded from elsewhere. */
function contentSecurityPolicy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    // The page's script styles its elements inline, with no way to pass a nonce on.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

async function readScript(): Promise<Uint8Array<ArrayBuffer>> {
  try {
    // The package's exports hide the file that browsers load; it lies beside the one they name.
    const entry = import.meta.resolve("@scalar/api-reference");
    return await Deno.readFile(new URL("./browser/standalone.js", entry));
  } catch (cause) {
    throw new ProblemError({
      kind: "docs-script-missing",
      status: 503,
      title: "Script of the docs page missing",
      detail: "The script of @scalar/api-reference cannot be read: name it " +
        'in the imports of deno.json, run "deno install", and let the ' +
        "server read the folder node_modules",
    }, { cause });
  }
}
