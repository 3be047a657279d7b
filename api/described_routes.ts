/**
 * Finding what the OpenAPI document says about the route of a request, before it is taken.
 *
 * @module
 */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";

/** What is said about a route. */
export interface DescribedRoute {
  /** Its id: which action it is. */
  readonly operationId: string;
  /** The media types of what it answers when all goes well. */
  readonly mediaTypes: readonly string[];
  /** The parameters in its path, as the request has them; still encoded. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** Finds the route of a request; `undefined` when none is described. */
export type RouteFinder = (context: Context) => DescribedRoute | undefined;

interface Pattern {
  readonly method: string;
  readonly pattern: RegExp;
  readonly names: readonly string[];
  readonly operationId: string;
  readonly mediaTypes: readonly string[];
}

/**
 * Finds routes of a router.
 *
 * @param router The router. Its routes may be added later, but before the first request.
 * @returns The function that finds.
 */
export function describedRoutes(router: OpenAPIHono): RouteFinder {
  let patterns: readonly Pattern[] | undefined;
  return ({ req }) => {
    patterns ??= patternsOf(router);
    const method = req.method === "HEAD" ? "GET" : req.method;
    for (const described of patterns) {
      if (described.method !== method) continue;
      const match = described.pattern.exec(req.path);
      if (match === null) continue;
      const { names, operationId, mediaTypes } = described;
      const values = names.map((name, i) => [name, match[i + 1] ?? ""]);
      return {
        operationId,
        mediaTypes,
        parameters: Object.fromEntries(values),
      };
    }
    return undefined;
  };
}

function patternsOf(router: OpenAPIHono): readonly Pattern[] {
  const patterns = router.openAPIRegistry.definitions.flatMap((definition) => {
    if (definition.type !== "route") return [];
    const { method, path, operationId = "", responses } = definition.route;
    const names = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name = ""]) =>
      name
    );
    const literals = path.split(/\{[^}]+\}/)
      .map((text) => RegExp.escape(text));
    return [{
      method: method.toUpperCase(),
      pattern: new RegExp(`^${literals.join("([^/]+)")}$`),
      names,
      operationId,
      mediaTypes: mediaTypesOf(responses),
    }];
  });
  // The most specific first: "/status" before "/{projectionName}".
  return patterns.sort((a, b) => a.names.length - b.names.length);
}

function mediaTypesOf(responses: Readonly<Record<string, unknown>>): string[] {
  const types = Object.entries(responses).flatMap(([status, response]) => {
    const { content = {} } = response as { content?: object };
    return status.startsWith("2") ? Object.keys(content) : [];
  });
  return [...new Set(types)];
}
