/**
 * What a router answers when a request does not match the schema of its route.
 *
 * @module
 */
import type { Context } from "hono";
import { type ProblemInit, problemResponse } from "./problem.ts";

/** One thing that is wrong with a request. */
export interface RequestFault {
  /** Where: `projectionName`, `details.0.name`, or empty for the whole. */
  readonly field: string;
  /** What is wrong with it. */
  readonly message: string;
}

/** The outcome of a validation, as `@hono/zod-openapi` hands it to its hook. */
export type ValidationOutcome =
  | { readonly success: true }
  | {
    readonly success: false;
    readonly target: string;
    readonly error: {
      readonly issues: readonly {
        readonly path: readonly PropertyKey[];
        readonly message: string;
      }[];
    };
  };

/** Faults named in one answer at most: bodies with thousands of them stay small. */
const FAULTS_MAX = 20;

/**
 * The hook for `new OpenAPIHono({ defaultHook: validationHook })`: answers 400 for a path, query
 * or header that does not match, 422 for a body that does not.
 *
 * @param outcome What the validation found.
 * @param context The request's context.
 * @returns The problem, or `undefined` when all is well.
 */
export function validationHook(
  outcome: ValidationOutcome,
  context: Context,
): Response | undefined {
  if (outcome.success) return undefined;
  return problemResponse(context, validationProblem(outcome));
}

function validationProblem(
  { target, error }: Extract<ValidationOutcome, { success: false }>,
): ProblemInit {
  const errors: RequestFault[] = error.issues.slice(0, FAULTS_MAX).map(
    ({ path, message }) => ({ field: path.join("."), message }),
  );
  if (target === "json" || target === "form") {
    return {
      kind: "invalid-body",
      status: 422,
      title: "Invalid body",
      detail: "The body of the request does not match its schema",
      extensions: { errors },
    };
  }
  if (target === "param" && errors[0]?.field === "projectionName") {
    return {
      kind: "invalid-name",
      status: 400,
      title: "Invalid name",
      detail: "The name of a projection is a letter followed by at most 127 " +
        'letters, digits, "_" or "-"',
    };
  }
  return {
    kind: "invalid-parameter",
    status: 400,
    title: "Invalid parameter",
    detail: `The request's ${
      target === "param" ? "path" : target
    } parameters do not match what is documented`,
    extensions: { errors },
  };
}
