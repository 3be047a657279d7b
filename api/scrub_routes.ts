/**
 * The routes that look for damage, and say what was found.
 *
 * @module
 */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import {
  type Opossum,
  type ScrubbedProjection,
  type ScrubProgress,
  type ScrubReport,
  ScrubRunningError,
  type VerifyProblem,
  type VerifyReport,
} from "../mod.ts";
import { preferredWaitMs } from "./prefer.ts";
import { ProblemError } from "./problem.ts";
import { jsonResponse, problemResponses } from "./responses.ts";
import { NoQuery } from "./schemas.ts";
import { ADMIN_SECURITY, OPERATIONS_TAG } from "./sections.ts";
import { within } from "./within.ts";

const PATH = "/admin/scrub";
const Count = z.int().nonnegative();
const Time = z.iso.datetime();

const Problem: z.ZodType<VerifyProblem> = z.object({
  file: z.string(),
  offset: Count,
  first: Count,
  last: Count,
  what: z.string(),
}).openapi("LogProblem");

const Log: z.ZodType<VerifyReport> = z.object({
  ok: z.boolean(),
  head: Count,
  segments: Count,
  frames: Count,
  events: Count,
  bytes: Count,
  problems: z.array(Problem),
}).openapi("LogVerification");

const Scrubbed: z.ZodType<ScrubbedProjection> = z.object({
  name: z.string(),
  state: z.enum(["ok", "absent", "damaged", "unavailable"]).openapi({
    description:
      '"unavailable": its files cannot be read just now, nothing can be said of them',
  }),
  generation: Count.nullable(),
  documents: Count,
  problem: z.string().nullable(),
  previousProblem: z.string().nullable().openapi({
    description: "What is wrong with the generation kept for going back",
  }),
}).openapi("ScrubbedProjection");

const reportFields = {
  ok: z.boolean(),
  startedAt: Time,
  completedAt: Time,
  log: Log,
  projections: z.array(Scrubbed),
};

const Report: z.ZodType<ScrubReport> = z.object(reportFields)
  .openapi("ScrubReport");

const reportExample: ScrubReport = {
  ok: false,
  startedAt: "2026-01-15T02:00:00.000Z",
  completedAt: "2026-01-15T02:03:12.000Z",
  log: {
    ok: true,
    head: 1_523,
    segments: 1,
    frames: 1_210,
    events: 1_523,
    bytes: 402_113,
    problems: [],
  },
  projections: [{
    name: "CourseDetails",
    state: "damaged",
    generation: 7,
    documents: 49,
    problem: "It says 50 documents and has 49",
    previousProblem: null,
  }],
};

const Progress: z.ZodType<ScrubProgress> = z.object({
  startedAt: Time,
  phase: z.enum(["log", "projections"]),
  eventsChecked: Count,
  events: Count,
  projectionName: z.string().nullable(),
  projectionsChecked: Count,
  projections: Count,
  documentsChecked: Count.openapi({
    description: "Documents of the generation at hand; the one kept is second",
  }),
  documents: Count,
  percent: z.number().min(0).max(100).openapi({
    description: "About: half of the work is the log",
  }),
}).openapi("ScrubProgress");

/** What the last scrub found, and whether another one goes on. */
interface LastScrub extends ScrubReport {
  readonly runningSince: string | null;
  readonly progress: ScrubProgress | null;
}

const Last: z.ZodType<LastScrub> = z.object({
  ...reportFields,
  runningSince: Time.nullable().openapi({
    description: "When the scrub under way began; null when none is",
  }),
  progress: Progress.nullable().openapi({
    description: "How far the scrub under way is",
  }),
}).openapi("LastScrub");

/** What a scrub that goes on is answered with. */
interface ScrubStarted {
  readonly startedAt: string;
}

const Started: z.ZodType<ScrubStarted> = z.object({ startedAt: Time })
  .openapi("ScrubStarted");

const getRoute = createRoute({
  method: "get",
  path: PATH,
  operationId: "getScrub",
  tags: [OPERATIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "Get what the last scrub found",
  description: "Returns the report of the last scrub that came to its end, " +
    "also of an earlier process. 404 when there was none. `runningSince` and " +
    "`progress`, of the 404 as well, tell of one under way: where it is null, a scrub that " +
    "was to be waited for and is not the last one has failed.",
  request: { query: NoQuery },
  responses: {
    200: jsonResponse("The report", Last, {
      ...reportExample,
      runningSince: null,
      progress: null,
    }),
    ...problemResponses(400, 401, 404, 500),
  },
});

const postRoute = (waitSeconds: number) =>
  createRoute({
    method: "post",
    path: PATH,
    operationId: "scrub",
    tags: [OPERATIONS_TAG],
    security: ADMIN_SECURITY,
    summary: "Look for damage",
    description:
      `Reads the whole log and every row of every projection, as slowly as rebuilds
would, and says what is damaged: the status is 200 all the same. A damaged projection is marked, so
that its status says so, and rebuilt where that is done automatically.

The answer waits for the end, for ${waitSeconds} seconds unless \`Prefer\` says otherwise, and is 202 then: look
again with \`GET /admin/scrub\`. A client that goes away cancels nothing. One scrub goes on at a
time: 409 tells since when.`,
    request: { query: NoQuery },
    responses: {
      200: jsonResponse("What was found", Report, reportExample),
      202: jsonResponse("It goes on", Started, {
        startedAt: reportExample.startedAt,
      }),
      ...problemResponses(400, 401, 403, 409, 500, 503),
    },
  });

/**
 * Adds the routes that look for damage.
 *
 * @param router Where to add them.
 * @param opossum The store that they look at.
 * @param waitMsDefault How long to wait when a request does not say, in milliseconds.
 */
export function addScrubRoutes(
  router: OpenAPIHono,
  opossum: Opossum,
  waitMsDefault: number,
): void {
  router.openapi(getRoute, async (context) => {
    // Before the report: one that ends in between must not look as if it had failed.
    const runningSince = opossum.scrubbingSince ?? null;
    const progress = opossum.scrubProgress ?? null;
    const report = await opossum.lastScrub();
    if (report !== undefined) {
      return context.json({ ...report, runningSince, progress }, 200);
    }
    throw new ProblemError({
      kind: "no-scrub",
      status: 404,
      title: "No scrub",
      detail: `Nothing was scrubbed so far: POST ${PATH} does it`,
      extensions: { runningSince, progress },
    });
  });

  router.openapi(postRoute(waitMsDefault / 1_000), async (context) => {
    const waitMs = preferredWaitMs(context, waitMsDefault);
    const startedAt = opossum.options.clock.now().toISOString();
    const scrubbing = opossum.scrub().catch((error) => {
      if (error instanceof ScrubRunningError) throw alreadyRunning(error);
      throw error;
    });
    const { options } = opossum;
    const report = await within(scrubbing, {
      waitMs,
      options,
      failed: "Scrub failed",
    });
    if (report !== undefined) return context.json(report, 200);
    context.header("Location", PATH);
    context.header("Retry-After", "10");
    return context.json({ startedAt }, 202);
  });
}

function alreadyRunning({ startedAt }: ScrubRunningError): ProblemError {
  return new ProblemError({
    kind: "scrub-running",
    status: 409,
    title: "Scrub already running",
    detail: `A scrub is under way since ${startedAt}: GET ${PATH} tells what ` +
      "it found once it is done",
    extensions: { startedAt },
  });
}
