/**
 * The dashboard's routes: its pages, signing in and out, and what the pages refer to. They are for
 * browsers, and not in the OpenAPI document: programs use the API itself.
 *
 * @module
 */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { parseAccept } from "hono/utils/accept";
import {
  isProjectionName,
  type Opossum,
  UnknownProjectionError,
} from "../../mod.ts";
import { type Access, CROSS_SITE, isCrossSite } from "../auth.ts";
import { readBody } from "../body.ts";
import type { ResolvedLimits } from "../limits.ts";
import { ANONYMOUS, type Principal } from "../principal.ts";
import {
  ProblemError,
  type ProblemInit,
  problemResponse,
  requestIdOf,
} from "../problem.ts";
import { type Asset, SCRIPTS, STYLE } from "./assets.ts";
import { planFragment } from "./dialog.tsx";
import {
  dashboardPage,
  liveFragment,
  type PageContent,
  signInPage,
} from "./page.tsx";
import { gather, gatherDetails, type Viewer } from "./state.ts";

/** What the dashboard needs. */
export interface DashboardOptions {
  readonly opossum: Opossum;
  /** How to get in. */
  readonly access: Access;
  readonly limits: ResolvedLimits;
}

/** Bytes of the largest form: a token of the greatest length, each character escaped. */
const FORM_BYTES_MAX = 16_384;

/** Names in a plan at most: as many as the API takes. */
const NAMES_MAX = 1_000;

/** Scripts and styles of this server only, and none within the page. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  // The empty icon, which keeps browsers from asking for one.
  "img-src data:",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const PAGE_HEADERS = {
  "Content-Type": "text/html; charset=utf-8",
  "Content-Security-Policy": CONTENT_SECURITY_POLICY,
  // Browsers that do not tell where a form comes from otherwise would say "null".
  "Referrer-Policy": "same-origin",
};

/**
 * Adds the dashboard.
 *
 * @param router Where to add it, before the guard: it looks who asks by itself.
 * @param options What it shows, and how to get in.
 */
export function addDashboard(
  router: OpenAPIHono,
  { opossum, access, limits }: DashboardOptions,
): void {
  const { sessions } = access;

  router.get("/admin", async (context, next) => {
    // Whoever bears a token is looked at by the guard.
    if (context.req.header("authorization") !== undefined) return await next();
    const query = queryOf(context);
    const isUse = query.live !== "idle";
    const session = sessions?.find(context, { isUse });
    if (sessions && !session) {
      // A page that is open already knows what to do.
      if (query.live !== undefined || query.view === "plan") {
        return problemResponse(context, SIGNED_OUT);
      }
      // Programs are told by the guard that they need a token.
      return asksForHtml(context) ? page(context, signInPage()) : await next();
    }
    const principal = session?.principal ?? ANONYMOUS;
    const viewer = { principal, hasSession: session !== undefined };
    return await answer(context, opossum, viewer, query);
  });

  router.post("/admin/session", async (context) => {
    if (isCrossSite(context)) return problemResponse(context, CROSS_SITE);
    const form = await readForm(context);
    const audit = auditOf(context, opossum, limits);
    if (form.get("signOut") === "true") {
      const session = sessions?.find(context);
      if (session) await audit("signOut", session.principal, 303);
      sessions?.end(context);
      return context.redirect("/admin", 303);
    }
    if (!sessions) return context.redirect("/admin", 303);
    const token = form.get("token") ?? "";
    const outcome = access.identify(context, token);
    if ("kind" in outcome) {
      return page(context, signInPage(wordsOf(outcome)), outcome);
    }
    await audit("signIn", outcome, 303);
    sessions.begin(context, token);
    return context.redirect("/admin", 303);
  });

  router.delete("/admin/session", async (context, next) => {
    const session = sessions?.find(context);
    // What the guard says to those without.
    if (!sessions || !session) return await next();
    if (isCrossSite(context)) return problemResponse(context, CROSS_SITE);
    await auditOf(context, opossum, limits)("signOut", session.principal, 204);
    sessions.end(context);
    return context.body(null, 204);
  });

  for (const asset of [STYLE, ...SCRIPTS]) {
    router.get(asset.path, (context) => serveAsset(context, asset));
  }
}

/**
 * Adds the dashboard for those who bear a token in their request: after the guard.
 *
 * @param router Where to add it.
 * @param opossum What it shows.
 * @param principalOf Who asks.
 */
export function addGuardedDashboard(
  router: OpenAPIHono,
  opossum: Opossum,
  principalOf: (context: Context) => Principal,
): void {
  router.get("/admin", async (context) => {
    const viewer = { principal: principalOf(context), hasSession: false };
    return await answer(context, opossum, viewer, queryOf(context));
  });
}

const SIGNED_OUT: ProblemInit = {
  kind: "signed-out",
  status: 401,
  title: "Signed out",
  detail: "The session has ended: sign in again",
  headers: { "WWW-Authenticate": 'Bearer realm="opossum"' },
};

interface PageQuery {
  readonly view?: "projection" | "plan";
  readonly name?: string;
  readonly names?: string;
  readonly forceAll?: "true";
  readonly live?: "active" | "idle";
}

const QUERY_VALUES: Readonly<Record<keyof PageQuery, RegExp>> = {
  view: /^(?:projection|plan)$/,
  name: /^[A-Za-z0-9_-]{1,128}$/,
  names: /^[A-Za-z0-9_,-]+$/,
  forceAll: /^true$/,
  live: /^(?:active|idle)$/,
};

function queryOf(context: Context): PageQuery {
  const entries = Object.entries(context.req.queries()).map(
    ([name, values]) => {
      const pattern = Object.hasOwn(QUERY_VALUES, name)
        ? QUERY_VALUES[name as keyof PageQuery]
        : undefined;
      const [value = ""] = values;
      if (values.length === 1 && pattern?.test(value)) return [name, value];
      throw invalid("The page does not know that parameter or its value");
    },
  );
  return Object.fromEntries(entries);
}

async function answer(
  context: Context,
  opossum: Opossum,
  viewer: Viewer,
  query: PageQuery,
): Promise<Response> {
  refuseOthersThanHtml(context);
  if (query.view === "plan") {
    const names = query.names?.split(",");
    if (names && (names.length > NAMES_MAX || !names.every(isProjectionName))) {
      throw invalid("'names' must be names of projections");
    }
    const plan = await opossum.rebuilder.estimate(names, {
      forceRebuild: query.forceAll === "true",
    });
    return page(context, planFragment(plan));
  }
  const content = await contentOf(opossum, viewer, query);
  return page(
    context,
    query.live === undefined ? dashboardPage(content) : liveFragment(content),
  );
}

async function contentOf(
  opossum: Opossum,
  viewer: Viewer,
  { view, name = "" }: PageQuery,
): Promise<PageContent> {
  const state = await gather(opossum, viewer);
  if (view !== "projection") return { state };
  const details = await gatherDetails(opossum, state, name);
  if (details === undefined) {
    throw new UnknownProjectionError([name], opossum.projections.names);
  }
  return { state, details };
}

function page(
  context: Context,
  html: string,
  { status = 200, headers = {} }: Partial<ProblemInit> = {},
): Response {
  return context.body(html, status, { ...headers, ...PAGE_HEADERS });
}

function serveAsset(context: Context, { text, mediaType }: Asset): Response {
  return context.body(text, 200, {
    "Content-Type": mediaType,
    "Cache-Control": "public, max-age=31536000, immutable",
  });
}

/** Whether it is a browser that asks: programs take anything, or JSON. */
function asksForHtml(context: Context): boolean {
  return acceptedBy(context).includes("text/html");
}

function acceptedBy({ req }: Context): string[] {
  return parseAccept(req.header("accept") ?? "*/*")
    .filter(({ q }) => q > 0)
    .map(({ type }) => type.toLowerCase());
}

function refuseOthersThanHtml(context: Context): void {
  const accepted = acceptedBy(context);
  if (["text/html", "text/*", "*/*"].some((type) => accepted.includes(type))) {
    return;
  }
  throw new ProblemError({
    kind: "not-acceptable",
    status: 406,
    title: "Not acceptable",
    detail: "This path answers with text/html, which the Accept header does " +
      "not take: /openapi.json lists what answers with JSON",
  });
}

async function readForm(context: Context): Promise<URLSearchParams> {
  const type = context.req.header("content-type") ?? "";
  if (!/^application\/x-www-form-urlencoded(?:;|$)/i.test(type)) {
    throw new ProblemError({
      kind: "unsupported-media-type",
      status: 415,
      title: "Unsupported media type",
      detail: "This path takes application/x-www-form-urlencoded",
    });
  }
  const bytes = await readBody(context, FORM_BYTES_MAX);
  return new URLSearchParams(new TextDecoder().decode(bytes));
}

/**
 * Writes down who signed in or out. Neither waits for a disk that takes nothing more: that is when
 * somebody has to look, and whatever they do there is written down before it is done.
 */
function auditOf(
  context: Context,
  { audit, options: { logger, readOnly } }: Opossum,
  { clientAddress }: ResolvedLimits,
) {
  return async (action: string, principal: Principal, status: number) => {
    if (readOnly) return;
    const entry = {
      requestId: requestIdOf(context) ?? null,
      principal: principal.id,
      client: clientAddress(context) ?? null,
      action,
      target: null,
      result: "succeeded" as const,
      status,
      operation: null,
    };
    try {
      await audit.record(entry);
    } catch (error) {
      logger.log("error", "A record of the audit log could not be written", {
        requestId: entry.requestId,
        principal: entry.principal,
        client: entry.client,
        action,
        result: entry.result,
        status,
        error,
      });
    }
  };
}

function wordsOf({ kind, detail }: ProblemInit): string {
  return kind === "unauthorized" ? "This token is not accepted." : `${detail}.`;
}

function invalid(detail: string): ProblemError {
  return new ProblemError({
    kind: "invalid-parameter",
    status: 400,
    title: "Invalid parameter",
    detail,
  });
}
