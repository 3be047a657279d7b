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

const ProblemSchema: z.ZodType<Problem> = z.looseObject({
  type: z.string().openapi({ description: "A stable URN: branch on it" }),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string(),
  instance: z.string().optional(),
  requestId: z.string().optional(),
}).openapi("Problem");

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
  | 409
  | 413
  | 415
  | 422
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
    kind: "cross-site-request",
    title: "Cross-site request",
    detail:
      "Pages of other sites cannot change anything here: configure a token and send it",
    description: "No tokens are configured, and a page of another site asks",
  },
  404: {
    kind: "unknown-projection",
    title: "Unknown projection",
    detail: "No projection of that name is registered: CourseDetials",
    description: "There is nothing of that name or id",
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
  422: {
    kind: "invalid-body",
    title: "Invalid body",
    detail: "The body of the request does not match its schema",
    description: "The body is JSON, but not what is expected",
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
  const documents = statuses.map((status) => {
    const { kind, title, detail, description } = PROBLEMS[status];
    const document: ProblemResponseDocument = {
      description,
      content: {
        [PROBLEM_MEDIA_TYPE]: {
          schema: ProblemSchema,
          example: { type: problemType(kind), title, status, detail },
        },
      },
    };
    return [status, document] as const;
  });
  return Object.fromEntries(documents) as {
    [Key in Status]: ProblemResponseDocument;
  };
}
