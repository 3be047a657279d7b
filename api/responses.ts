/**
 * How responses are described in the OpenAPI document.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import { PROBLEM_MEDIA_TYPE, problemType } from "./problem.ts";

/** The body of a problem, as clients see it. */
export interface Problem {
  /** A stable URN that names the kind of problem. */
  readonly type: string;
  /** What kind of problem it is, in a few words. */
  readonly title: string;
  /** The HTTP status. */
  readonly status: number;
  /** What happened, and what to do next. */
  readonly detail: string;
  /** The path that was asked for. */
  readonly instance?: string | undefined;
  /** What to look for in the log. */
  readonly requestId?: string | undefined;
}

/** The shape of a problem, as the document names it. */
export const PROBLEM_SCHEMA = "Problem";

const ProblemSchema: z.ZodType<Problem> = z.looseObject({
  type: z.string().openapi({ description: "A stable URN: branch on it" }),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string(),
  instance: z.string().optional(),
  requestId: z.string().optional(),
}).openapi(PROBLEM_SCHEMA);

/** One response of a route with a JSON body. */
export interface JsonResponseDocument<Body> {
  /** When it is given. */
  readonly description: string;
  /** Its shape and an example of it. */
  readonly content: {
    readonly "application/json": {
      readonly schema: z.ZodType<Body>;
      readonly example: Body;
    };
  };
}

/**
 * Describes a response with a JSON body.
 *
 * @param description When it is given.
 * @param schema Its shape.
 * @param example An example of it.
 * @returns What to put into `responses` of a route.
 */
export function jsonResponse<Body>(
  description: string,
  schema: z.ZodType<Body>,
  example: NoInfer<Body>,
): JsonResponseDocument<Body> {
  return { description, content: { "application/json": { schema, example } } };
}

/** The statuses of problems that routes document. */
export type ProblemStatus =
  | 400
  | 401
  | 403
  | 404
  | 406
  | 408
  | 409
  | 413
  | 415
  | 421
  | 422
  | 429
  | 500
  | 503
  | 507;

/** A documented problem. */
export interface ProblemResponseDocument {
  /** When it is given. */
  readonly description: string;
  /** Its shape and an example of it. */
  readonly content: {
    readonly [PROBLEM_MEDIA_TYPE]: {
      readonly schema: z.ZodType<Problem>;
      readonly example: Problem;
    };
  };
}

interface ProblemDocument {
  readonly kind: string;
  readonly title: string;
  readonly detail: string;
  readonly description: string;
}

const PROBLEMS: Readonly<Record<ProblemStatus, ProblemDocument>> = {
  400: {
    kind: "invalid-parameter",
    title: "Invalid parameter",
    detail: "The request's query parameters do not match what is documented",
    description: "A parameter, a header or the JSON is malformed",
  },
  401: {
    kind: "unauthorized",
    title: "Unauthorized",
    detail: "Access is refused as a bearer token is needed",
    description: "The bearer token is missing or not accepted",
  },
  403: {
    kind: "insufficient-scope",
    title: "Insufficient scope",
    detail:
      "The token may look, but not change anything: send one that may operate",
    description:
      "The token may not do that; or none is configured, and a page of another site asks",
  },
  404: {
    kind: "unknown-projection",
    title: "Unknown projection",
    detail:
      "No projection is registered as CourseDetials: GET /admin/projections lists those that are",
    description: "There is nothing of that name or id",
  },
  406: {
    kind: "not-acceptable",
    title: "Not acceptable",
    detail:
      "This path answers with application/json, which the Accept header does not take",
    description: "The Accept header takes nothing that the path answers with",
  },
  408: {
    kind: "request-timeout",
    title: "Request timeout",
    detail: "The body of the request did not arrive within 10000 ms",
    description: "The body arrives too slowly",
  },
  409: {
    kind: "rebuild-conflict",
    title: "Rebuild already running",
    detail:
      'Projection "CourseDetails" is being rebuilt already: follow the operation that does it',
    description: "It conflicts with what happened or happens already",
  },
  413: {
    kind: "content-too-large",
    title: "Content too large",
    detail: "The body of the request exceeds 65536 bytes",
    description: "The body is too large",
  },
  415: {
    kind: "unsupported-media-type",
    title: "Unsupported media type",
    detail:
      'The body must be sent as "application/json", in UTF-8 and not compressed',
    description: "The body is not declared as JSON, or is compressed",
  },
  421: {
    kind: "misdirected-request",
    title: "Misdirected request",
    detail:
      "This server does not answer to that host name: use one of those in 'allowedHosts'",
    description: "The request is for another host",
  },
  422: {
    kind: "invalid-body",
    title: "Invalid body",
    detail: "The body of the request does not match its schema",
    description: "The body is JSON, but not what is expected",
  },
  429: {
    kind: "too-many-triggers",
    title: "Too many requests",
    detail:
      "This token may change something 10 times a minute: try again later. Cancelling is always possible",
    description:
      "Too many wrong tokens came from the address, too many changes from the token, or too many requests of it are under way: see `Retry-After`",
  },
  500: {
    kind: "internal-error",
    title: "Internal error",
    detail:
      "The server failed unexpectedly: its log tells more under this request id",
    description: "The server failed",
  },
  503: {
    kind: "not-ready",
    title: "Not ready",
    detail: "The server cannot answer yet: try again",
    description: "The server cannot answer at the moment",
  },
  507: {
    kind: "insufficient-storage",
    title: "Insufficient storage",
    detail:
      "The rebuild is estimated to take more room than is free on the disk",
    description: "What it would write is estimated not to fit on the disk",
  },
};

/**
 * Describes the problems that a route may answer with.
 *
 * @param statuses Their statuses.
 * @returns What to spread into `responses` of a route.
 *
 * @example
 * ```ts
 * import { problemResponses } from "@opossum/deno/api";
 * import { createRoute } from "@hono/zod-openapi";
 *
 * createRoute({
 *   method: "delete",
 *   path: "/courses/{courseId}",
 *   responses: { 204: { description: "Deleted" }, ...problemResponses(404, 409) },
 * });
 * ```
 */
export function problemResponses<const Status extends ProblemStatus>(
  ...statuses: readonly Status[]
): { readonly [Key in Status]: ProblemResponseDocument } {
  const documents = statuses.map((status) =>
    [status, problemResponseOf(status, ProblemSchema)] as const
  );
  return Object.fromEntries(documents) as {
    [Key in Status]: ProblemResponseDocument;
  };
}

/** A documented problem, with its shape or a reference to it. */
export function problemResponseOf<Schema>(
  status: ProblemStatus,
  schema: Schema,
): {
  readonly description: string;
  readonly content: {
    readonly [PROBLEM_MEDIA_TYPE]: {
      readonly schema: Schema;
      readonly example: Problem;
    };
  };
} {
  const { kind, title, detail, description } = PROBLEMS[status];
  const example: Problem = { type: problemType(kind), title, status, detail };
  return {
    description,
    content: { [PROBLEM_MEDIA_TYPE]: { schema, example } },
  };
}
