/**
 * Problem details (RFC 9457): what an error looks like over HTTP, and the one place that knows
 * which error becomes which status. Errors are told apart by class, never by their words.
 *
 * @module
 */
import {
  AppendConditionError,
  IdempotencyKeyError,
  InsufficientDiskSpaceError,
  type Logger,
  ProjectionDamagedError,
  ProjectionNotBuiltError,
  ProjectionRollbackError,
  ProjectionSkipError,
  PromotionRefusedError,
  RebuildConflictError,
  UnknownOperationError,
  UnknownProjectionError,
} from "../mod.ts";
import type { Context, ErrorHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import type { RequestIdVariables } from "hono/request-id";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { keyProblemOf } from "./key_problem.ts";
import { rollbackProblem } from "./rollback_problem.ts";
import { methodOf, routeOf } from "./route_of.ts";
import { storeProblemOf } from "./store_problem.ts";

/** The media type of problem details. */
export const PROBLEM_MEDIA_TYPE = "application/problem+json";

/** A problem before it is bound to a request. */
export interface ProblemInit {
  /** Stable name of the kind of problem, in kebab case: clients branch on it. */
  readonly kind: string;
  /** The HTTP status. */
  readonly status: ContentfulStatusCode;
  /** What kind of problem it is, in a few words; the same for all of its kind. */
  readonly title: string;
  /** What happened, to what, and what to do next. Never a stack, a path of a file or a token. */
  readonly detail: string;
  /** Further members of the body, such as the link to a running operation. @default {none} */
  readonly extensions?: Readonly<Record<string, unknown>>;
  /** Further headers of the response. @default {none} */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Leaves out whatever differs from request to request, so that two answers do not tell two
   * resources apart. @default {false}
   */
  readonly anonymous?: boolean;
  /** Records the error as well, for somebody who must repair something. @default {false} */
  readonly isFault?: boolean;
}

/** Throw it in a handler to answer with a problem. */
export class ProblemError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "ProblemError";

  /**
   * Creates the error.
   *
   * @param problem What to answer.
   * @param options `cause`: what led to it; never sent.
   */
  constructor(
    /** What to answer. */
    readonly problem: ProblemInit,
    options?: ErrorOptions,
  ) {
    super(problem.detail, options);
  }
}

/** Turns an application's own errors into problems; `undefined` for errors it does not know. */
export type ProblemMapper = (error: unknown) => ProblemInit | undefined;

/** What {@linkcode createErrorHandler} needs. */
export interface ErrorHandlerOptions {
  /** Where errors that nobody expected are recorded. */
  readonly logger: Logger;
  /** The application's own errors, asked before the library's. @default {none} */
  readonly toProblem?: ProblemMapper | undefined;
}

/**
 * The `type` of a kind of problem.
 *
 * @param kind The kind, in kebab case.
 * @returns A URN: stable, and not an address that one could hope to open.
 */
export function problemType(kind: string): string {
  return `urn:opossum:problem:${kind}`;
}

/**
 * Answers with a problem.
 *
 * @param context The request's context.
 * @param problem What to answer.
 * @returns The response, `application/problem+json`.
 *
 * @example
 * ```ts
 * import { problemResponse } from "@opossum/deno/api";
 * import { assertEquals } from "@std/assert";
 * import { Hono } from "hono";
 *
 * const app = new Hono();
 * app.get("/courses/:id", (c) =>
 *   problemResponse(c, {
 *     kind: "unknown-course",
 *     status: 404,
 *     title: "Unknown course",
 *     detail: "There is no such course",
 *   }));
 * const response = await app.request("/courses/7");
 * assertEquals((await response.json()).type, "urn:opossum:problem:unknown-course");
 * ```
 */
export function problemResponse(
  context: Context,
  problem: ProblemInit,
): Response {
  const { kind, status, title, detail, extensions, headers, anonymous } =
    problem;
  const body = {
    type: problemType(kind),
    title,
    status,
    detail,
    ...(anonymous ? {} : {
      instance: context.req.path,
      requestId: requestIdOf(context),
    }),
    ...extensions,
  };
  return context.body(JSON.stringify(body), status, {
    ...headers,
    "Content-Type": PROBLEM_MEDIA_TYPE,
  });
}

/** What callers may know of an error that nobody expected. */
const UNEXPECTED: ProblemInit = {
  kind: "internal-error",
  status: 500,
  title: "Internal error",
  detail: "The server failed unexpectedly: its log tells more under this " +
    "request id",
  isFault: true,
};

/**
 * An error handler for a router: known errors become their problem, all others a bare 500 whose
 * request id leads to the log.
 *
 * @param options Where to log, and the application's own errors.
 * @returns What to pass to the router's `onError`.
 */
export function createErrorHandler(
  { logger, toProblem }: ErrorHandlerOptions,
): ErrorHandler {
  return (error, context) => {
    const problem = toProblem?.(error) ?? problemOf(error) ?? UNEXPECTED;
    if (problem.isFault) {
      (context as LoggedContext).set("failure", "logged");
      logger.log("error", "A request failed", {
        problem: problem.kind,
        requestId: requestIdOf(context),
        method: methodOf(context),
        // Not the path, which may hold the key of a document.
        route: routeOf(context),
        error,
        stack: error.stack,
      });
    }
    return problemResponse(context, problem);
  };
}

type LoggedContext = Context<{ Variables: { failure?: "logged" } }>;

/**
 * Whether a request's failure stands in the log already, with its error.
 *
 * @param context The request's context.
 * @returns Whether it does.
 */
export function isFailureLogged(context: Context): boolean {
  return (context as LoggedContext).get("failure") === "logged";
}

/** Path of the resource of a rebuild operation. */
export function operationPath(id: string): string {
  return `/admin/operations/${id}`;
}

/**
 * The problem that an error of the library stands for.
 *
 * @param error What was thrown.
 * @returns The problem, or `undefined` for an error that nobody expected.
 */
export function problemOf(error: unknown): ProblemInit | undefined {
  if (error instanceof ProblemError) return error.problem;
  if (error instanceof UnknownProjectionError) {
    const names = error.projectionNames.join(", ");
    return {
      kind: "unknown-projection",
      status: 404,
      title: "Unknown projection",
      detail:
        `No projection is registered as ${names}: GET /admin/projections ` +
        "lists those that are",
    };
  }
  if (error instanceof RebuildConflictError) return rebuildConflict(error);
  if (error instanceof UnknownOperationError) {
    return {
      kind: "unknown-operation",
      status: 404,
      title: "Unknown operation",
      detail: "No operation of that id is known: GET /admin/operations lists " +
        "those that are",
    };
  }
  if (error instanceof IdempotencyKeyError) return keyConflict(error);
  if (error instanceof InsufficientDiskSpaceError) {
    const { estimatedBytes, freeBytes } = error;
    return {
      kind: "insufficient-storage",
      status: 507,
      title: "Insufficient storage",
      detail:
        `The rebuild is estimated to take ${estimatedBytes} bytes on the ` +
        `disk, and ${freeBytes} are free: make room, rebuild fewer ` +
        "projections, or start it all the same with 'ignoreDiskSpace=true'",
      extensions: { estimatedBytes, freeBytes },
    };
  }
  if (error instanceof ProjectionSkipError) {
    const { projectionName, position, refusal } = error;
    return {
      kind: "skip-conflict",
      status: 409,
      title: "Event cannot be passed over",
      detail: error.message,
      extensions: { projectionName, position, refusal },
    };
  }
  if (error instanceof ProjectionRollbackError) {
    const { operationId: id } = error;
    return rollbackProblem(error, id === null ? null : operationPath(id));
  }
  if (error instanceof PromotionRefusedError) {
    const { operationId, projectionNames, message } = error;
    return {
      kind: "not-awaiting-promotion",
      status: 409,
      title: "Not awaiting promotion",
      detail: message,
      extensions: { operationId, projectionNames },
    };
  }
  if (error instanceof ProjectionNotBuiltError) {
    return {
      kind: "projection-not-built",
      status: 503,
      title: "Projection not built",
      detail: `Projection "${error.projectionName}" was never built: rebuild ` +
        "it, then read again",
      extensions: { projectionName: error.projectionName },
      headers: { "Retry-After": "10" },
    };
  }
  if (error instanceof ProjectionDamagedError) {
    return {
      kind: "projection-damaged",
      status: 503,
      title: "Projection damaged",
      detail: `The files of projection "${error.projectionName}" are missing ` +
        "or damaged: rebuild it, then read again",
      extensions: { projectionName: error.projectionName },
    };
  }
  if (error instanceof AppendConditionError) {
    return {
      kind: "append-conflict",
      status: 409,
      title: "Conflict",
      detail: "Others changed the same things at the same time: try again",
    };
  }
  if (error instanceof HTTPException) return httpProblem(error);
  return keyProblemOf(error) ?? storeProblemOf(error);
}

function rebuildConflict(
  { projectionName, operationId }: RebuildConflictError,
): ProblemInit {
  const conflict = {
    kind: "rebuild-conflict",
    status: 409,
    title: "Rebuild already running",
  } as const;
  if (operationId === null) {
    return {
      ...conflict,
      detail: `Projection "${projectionName}" is being rebuilt already by ` +
        "another process: try again later",
      extensions: { projectionName },
    };
  }
  const operation = operationPath(operationId);
  return {
    ...conflict,
    detail: `Projection "${projectionName}" is being rebuilt already: follow ` +
      "the operation that does it",
    extensions: { projectionName, operationId, operation },
    headers: { "Link": `<${operation}>; rel="related"` },
  };
}

function keyConflict({ operationId }: IdempotencyKeyError): ProblemInit {
  if (operationId === null) {
    return {
      kind: "idempotency-key-in-use",
      status: 409,
      title: "Idempotency key in use",
      detail: "Another request with the same Idempotency-Key is just being " +
        "started: use a key of its own for each request",
    };
  }
  return {
    kind: "idempotency-key-reused",
    status: 422,
    title: "Idempotency key reused",
    detail:
      "The Idempotency-Key stands for another request: use a key of its " +
      "own for each request",
    extensions: { operation: operationPath(operationId) },
  };
}

/** Titles of what the router itself refuses. */
const HTTP_TITLES: Readonly<Record<number, string>> = {
  400: "Bad request",
  404: "Not found",
  413: "Content too large",
  415: "Unsupported media type",
};

function httpProblem({ status }: HTTPException): ProblemInit | undefined {
  const title = HTTP_TITLES[status];
  if (title === undefined) return undefined;
  return {
    kind: title.toLowerCase().replaceAll(" ", "-"),
    status: status as ContentfulStatusCode,
    title,
    // The words of an HTTPException may quote the request.
    detail: "The request cannot be answered as it stands",
  };
}

/**
 * The id of a request.
 *
 * @param context The request's context.
 * @returns The id, or `undefined` where none was given.
 */
export function requestIdOf(context: Context): string | undefined {
  return (context as Context<{ Variables: Partial<RequestIdVariables> }>)
    .get("requestId");
}
