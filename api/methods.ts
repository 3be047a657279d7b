/**
 * Which methods a path answers to: what 405 and its `Allow` header are made of.
 *
 * @module
 */
import type { Context, Hono, MiddlewareHandler, NotFoundHandler } from "hono";
import { METHOD_NAME_ALL } from "hono/router";
import { type ProblemInit, problemResponse } from "./problem.ts";

/** Says for a path which methods it answers to; `undefined` for an unknown path. */
type AllowedMethods = (path: string) => readonly string[] | undefined;

/**
 * Refuses a known path's wrong methods before any route is tried, so that `GET` of
 * `/admin/projections/rebuild` is not mistaken for a projection named "rebuild".
 *
 * @param router The router whose routes are the known paths.
 * @returns The middleware.
 */
export function refuseOtherMethods(router: Hono): MiddlewareHandler {
  const allowedMethods = allowedMethodsOf(router);
  return async (context, next) => {
    const allowed = allowedMethods(context.req.path);
    if (allowed === undefined || allowed.includes(context.req.method)) {
      return await next();
    }
    return problemResponse(context, methodNotAllowed(context, allowed));
  };
}

/**
 * Answers what no route answered: 405 when another method would have been right, else 404.
 *
 * @param router The router whose routes are the known paths.
 * @returns What to pass to the router's `notFound`.
 */
export function createNotFoundHandler(router: Hono): NotFoundHandler {
  const allowedMethods = allowedMethodsOf(router);
  return (context) => {
    const allowed = allowedMethods(context.req.path);
    const isWrongMethod = allowed !== undefined &&
      !allowed.includes(context.req.method);
    return problemResponse(
      context,
      isWrongMethod ? methodNotAllowed(context, allowed) : {
        kind: "not-found",
        status: 404,
        title: "Not found",
        detail: "There is nothing at this path: /openapi.json lists what is",
      },
    );
  };
}

function methodNotAllowed(
  context: Context,
  allowed: readonly string[],
): ProblemInit {
  return {
    kind: "method-not-allowed",
    status: 405,
    title: "Method not allowed",
    detail: `This path does not answer to ${context.req.method}: it answers ` +
      `to ${allowed.join(", ")}`,
    headers: { "Allow": allowed.join(", ") },
  };
}

function allowedMethodsOf(router: Hono): AllowedMethods {
  let paths: readonly KnownPath[] | undefined;
  return (path) => {
    // Built at the first request: by then every route is registered.
    paths ??= knownPaths(router);
    return paths.find(({ pattern }) => pattern.test(path))?.methods;
  };
}

interface KnownPath {
  readonly pattern: RegExp;
  readonly parameters: number;
  readonly methods: readonly string[];
}

function knownPaths(router: Hono): readonly KnownPath[] {
  const methodsByPath = new Map<string, Set<string>>();
  for (const { path, method } of router.routes) {
    // Middleware is registered for all methods, and says nothing about which exist.
    if (method === METHOD_NAME_ALL) continue;
    const methods = methodsByPath.get(path) ?? new Set();
    methods.add(method);
    if (method === "GET") methods.add("HEAD");
    methodsByPath.set(path, methods);
  }
  return [...methodsByPath].map(([path, methods]) => {
    const literals = path.split(/:[^/]+/).map((text) => RegExp.escape(text));
    return {
      pattern: new RegExp(`^${literals.join("[^/]+")}$`),
      parameters: literals.length - 1,
      methods: [...methods],
    };
    // The most specific first: "/status" before "/:projectionName".
  }).sort((a, b) => a.parameters - b.parameters);
}
