/**
 * Which methods a path answers to: what 405 and its `Allow` header are made of.
 *
 * @module
 */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler, NotFoundHandler } from "hono";
import { type ProblemInit, problemResponse } from "./problem.ts";

/** Says for a path which methods it answers to; `undefined` for an unknown path. */
type AllowedMethods = (path: string) => readonly string[] | undefined;

/**
 * Refuses a known path's wrong methods before any route is tried, so that `GET` of
 * `/admin/projections/rebuild` is not mistaken for a projection named "rebuild".
 *
 * @param router The router whose documented routes are known paths.
 * @returns The middleware.
 */
export function refuseOtherMethods(router: OpenAPIHono): MiddlewareHandler {
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
 * @param router The router whose documented routes are known paths.
 * @returns What to pass to the router's `notFound`.
 */
export function createNotFoundHandler(router: OpenAPIHono): NotFoundHandler {
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

function allowedMethodsOf(router: OpenAPIHono): AllowedMethods {
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

function knownPaths(router: OpenAPIHono): readonly KnownPath[] {
  const methodsByPath = new Map<string, string[]>();
  for (const definition of router.openAPIRegistry.definitions) {
    if (definition.type !== "route") continue;
    const { path, method } = definition.route;
    const methods = methodsByPath.get(path) ?? [];
    methods.push(
      ...(method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()]),
    );
    methodsByPath.set(path, methods);
  }
  return [...methodsByPath].map(([path, methods]) => {
    const parts = path.split(/\{[^}]+\}/);
    const literals = parts.map((part) =>
      part.replaceAll(/[.*+?^$()|[\]\\]/g, "\\$&")
    );
    return {
      pattern: new RegExp(`^${literals.join("[^/]+")}$`),
      parameters: parts.length - 1,
      methods,
    };
    // The most specific first: "/status" before "/{projectionName}".
  }).sort((a, b) => a.parameters - b.parameters);
}
