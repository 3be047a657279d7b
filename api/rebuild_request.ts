/**
 * What requests to rebuild may ask for, in their body or their query.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import { isProjectionName, type Opossum, type RebuildOptions } from "../mod.ts";
import {
  type GenerationBody,
  generationFields,
  generationOptions,
  type GenerationQuery,
  generationQuery,
} from "./generation_options.ts";
import { ProblemError } from "./problem.ts";
import { ProjectionName } from "./schemas.ts";

/** How to rebuild: the optional body of the requests that start an operation. */
export interface RebuildRequestBody extends GenerationBody {
  /** Words for the history. */
  readonly note?: string | undefined;
  /** At most this many projections at once. */
  readonly concurrency?: number | undefined;
  /** Who gets a free place first. */
  readonly priority?: number | undefined;
}

/** The body of a request to rebuild several projections. */
export interface RebuildAllRequestBody extends RebuildRequestBody {
  /** These projections, whether they need it or not. */
  readonly projectionNames?: readonly string[] | undefined;
}

const NOTE = {
  description: "The reason, in words for the history",
  example: "After the fix of the enrolment count",
};
const CONCURRENCY = {
  description:
    "At most this many projections at once; lowers maxConcurrentRebuilds, never exceeds it",
  example: 2,
};
const PRIORITY = {
  description:
    "Who gets a free place first: higher goes first. Left out: as each definition says",
  example: 10,
};
const NAMES = {
  description: "These projections, whether they need it or not",
};
const PROJECTIONS_MAX = 1_000;

const Note = z.string().max(256).refine((text) => text.isWellFormed(), {
  error: "must not hold half of a character",
}).refine((text) => !/\p{Cc}/u.test(text), {
  // Terminals obey them, and so the next who lists operations.
  error: "must not hold control characters",
}).optional();

const bodyFields = {
  note: Note.openapi(NOTE),
  concurrency: z.int().min(1).max(64).optional().openapi(CONCURRENCY),
  priority: z.int().min(-100).max(100).optional().openapi(PRIORITY),
  ...generationFields,
};

/** The body of a request to rebuild one projection. */
export const RebuildRequest: z.ZodType<RebuildRequestBody> = z.strictObject(
  bodyFields,
).openapi("RebuildRequest");

/** The body of a request to rebuild several projections. */
export const RebuildAllRequest: z.ZodType<RebuildAllRequestBody> = z
  .strictObject({
    ...bodyFields,
    projectionNames: z.array(ProjectionName).min(1).max(PROJECTIONS_MAX)
      .optional()
      .openapi({ ...NAMES, example: ["CourseDetails", "StudentDetails"] }),
  }).openapi("RebuildAllRequest");

const Flag = z.enum(["true", "false"]).optional();

const queryFields = {
  note: Note.openapi(NOTE),
  concurrency: z.string().regex(/^([1-9]|[1-5]\d|6[0-4])$/, {
    error: "must be an integer from 1 to 64",
  }).optional().openapi({
    ...CONCURRENCY,
    type: "integer",
    minimum: 1,
    maximum: 64,
  }),
  priority: z.string().regex(/^-?(\d{1,2}|100)$/, {
    error: "must be an integer from -100 to 100",
  }).optional().openapi({
    ...PRIORITY,
    type: "integer",
    minimum: -100,
    maximum: 100,
  }),
};

const namesField = z.string().refine(areProjectionNames, {
  error:
    `must be 1 to ${PROJECTIONS_MAX} names of projections, with commas in between`,
}).optional().openapi({
  ...NAMES,
  example: "CourseDetails,StudentDetails",
});

const startFields = {
  dryRun: Flag.openapi({
    description: "Answers 200 with the plan, and does nothing",
    default: "false",
  }),
  ignoreDiskSpace: Flag.openapi({
    description: "Starts also when the estimate does not fit on the disk",
    default: "false",
  }),
  ...queryFields,
  ...generationQuery,
};

/** The query of a request to rebuild one projection. */
export const RebuildQuery = z.strictObject(startFields);

const forceAllField = Flag.openapi({
  description: "Rebuild also what is up to date",
  default: "false",
});

/** The query of a request to rebuild several projections. */
export const RebuildAllQuery = z.strictObject({
  forceAll: forceAllField,
  projectionNames: namesField,
  ...startFields,
});

/** The query of a request for the plan alone. */
export const PlanQuery = z.strictObject({
  forceAll: forceAllField,
  projectionNames: namesField,
  concurrency: queryFields.concurrency,
});

/** What the query of a request holds, as far as it is about how to rebuild. */
export interface RebuildQueryFields extends GenerationQuery {
  readonly note?: string | undefined;
  readonly concurrency?: string | undefined;
  readonly priority?: string | undefined;
  readonly ignoreDiskSpace?: string | undefined;
}

/**
 * How to rebuild, from body and query together.
 *
 * @param body The body.
 * @param query The query.
 * @param opossum Its options bound the concurrency.
 * @returns The options.
 * @throws {ProblemError} If both say the same thing, or the concurrency is above what is allowed.
 */
export function rebuildOptionsOf(
  body: RebuildRequestBody,
  query: RebuildQueryFields,
  { options: { maxConcurrentRebuilds } }: Opossum,
): RebuildOptions {
  refuseTwice(body, query);
  const { note = query.note } = body;
  const concurrency = body.concurrency ?? numberOf(query.concurrency);
  const priority = body.priority ?? numberOf(query.priority);
  if (concurrency !== undefined && concurrency > maxConcurrentRebuilds) {
    const message = `must be at most ${maxConcurrentRebuilds} here`;
    const isOfBody = body.concurrency !== undefined;
    throw new ProblemError({
      kind: isOfBody ? "invalid-body" : "invalid-parameter",
      status: isOfBody ? 422 : 400,
      title: isOfBody ? "Invalid body" : "Invalid parameter",
      detail: `'concurrency' ${message}: maxConcurrentRebuilds is set to it`,
      extensions: { errors: [{ field: "concurrency", message }] },
    });
  }
  return {
    trigger: "api",
    ...generationOptions(query, body),
    ...(note === undefined ? {} : { note }),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(priority === undefined ? {} : { priority }),
    ...(query.ignoreDiskSpace === "true" ? { ignoreDiskSpace: true } : {}),
  };
}

/** What a request to rebuild several projections names. */
export interface NamedProjections {
  /** Whether to rebuild also what is up to date. */
  readonly forceRebuild: boolean;
  /** The projections, or `undefined` for those that need it. */
  readonly names: readonly string[] | undefined;
}

/**
 * Which projections to rebuild, from body and query together.
 *
 * @param body The body.
 * @param query The query.
 * @returns Their names, and whether to rebuild what needs none.
 * @throws {ProblemError} If both name projections, or all are to be rebuilt and some are named.
 */
export function namedProjections(
  body: RebuildAllRequestBody,
  query: {
    readonly forceAll?: string | undefined;
    readonly projectionNames?: string | undefined;
  },
): NamedProjections {
  refuseTwice(body, query);
  const names = body.projectionNames ?? query.projectionNames?.split(",");
  const forceRebuild = query.forceAll === "true";
  if (names !== undefined && forceRebuild) {
    throw invalidParameter(
      "'forceAll' says nothing about projections that are named: leave out " +
        "one of the two",
    );
  }
  return { forceRebuild, names };
}

function refuseTwice(
  body: Readonly<Record<string, unknown>> | RebuildAllRequestBody,
  query: object,
): void {
  const given = new Set(
    Object.entries(query).filter(([, value]) => value !== undefined)
      .map(([name]) => name),
  );
  for (const [name, value] of Object.entries(body)) {
    if (value === undefined || !given.has(name)) continue;
    throw invalidParameter(
      `'${name}' stands in the query and in the body: leave out one of the two`,
    );
  }
}

function invalidParameter(detail: string): ProblemError {
  return new ProblemError({
    kind: "invalid-parameter",
    status: 400,
    title: "Invalid parameter",
    detail,
  });
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

function areProjectionNames(text: string): boolean {
  const names = text.split(",");
  return names.length <= PROJECTIONS_MAX && names.every(isProjectionName);
}
