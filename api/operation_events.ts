/**
 * The routes that tell of changes as they happen, as server-sent events.
 *
 * @module
 */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import type { Clock, Opossum } from "../mod.ts";
import { EventFeed, type FeedEvent } from "./event_feed.ts";
import type { Subscription } from "./event_subscription.ts";
import { operationExample } from "./examples.ts";
import { findOperation } from "./find_operation.ts";
import { isStillAccepted, principalOf } from "./principal.ts";
import { ProblemError } from "./problem.ts";
import { problemResponses } from "./responses.ts";
import { NoQuery, OperationId } from "./schemas.ts";
import { visibleTo } from "./samples.ts";
import { ADMIN_SECURITY, OPERATIONS_TAG } from "./sections.ts";

/** Clients that watch at once. */
const STREAMS_MAX = 100;
/** With so many, only who may operate can still begin: others must not keep them from watching. */
const STREAMS_OF_READERS_MAX = 80;
/** How long a client may take nothing, in milliseconds, before its stream ends. */
const SENDING_MS_MAX = 60_000;
/** How soon a client that lost its connection comes back, in milliseconds. */
const RETRY_MS = 2_000;

const FORMAT = `
Server-sent events: \`operation\`, whose data is a RebuildOperation, \`projection\`, whose data
is a ProjectionInfo, and \`scrub\`, whose data has the ScrubProgress of the scrub under way as
\`running\`, and null there once it has ended. The first ones tell how things stand; then what changed is told, at most once a
second each while it goes on, and at once when an operation begins, is paused, goes on, or ends.
\`id\` grows, also over restarts. \`Last-Event-ID\` makes up for what was missed, or, if that is too
long ago, for how things stand. A client that reads slowly misses intermediate events, never the
last one. A comment keeps the connection alive every 15 seconds. The stream ends when its token is
revoked, expires or may do less. Of the 100 streams that there can be, 20 are kept for tokens that may operate.`;

const stream = {
  description: "The events, as they happen",
  content: {
    "text/event-stream": {
      schema: z.string(),
      example: `event: operation\ndata: ${
        JSON.stringify(operationExample)
      }\nid: 1768473000000001\n\n`,
    },
  },
};

const LastEventIdHeader = z.object({
  "last-event-id": z.string().optional().openapi({
    description: "The last event that was seen; what is no such id is ignored",
    example: "1768473000000001",
  }),
});

const allRoute = createRoute({
  method: "get",
  path: "/admin/events",
  operationId: "watchEvents",
  tags: [OPERATIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "Watch operations and projections",
  description:
    `Tells of every operation and projection until the client or the server ends it.
${FORMAT}`,
  request: { query: NoQuery, headers: LastEventIdHeader },
  responses: { 200: stream, ...problemResponses(400, 401, 500, 503) },
});

const oneRoute = createRoute({
  method: "get",
  path: "/admin/operations/{operationId}/events",
  operationId: "watchOperation",
  tags: [OPERATIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "Watch a rebuild operation",
  description:
    `Tells of one operation, and ends with the event of its end. For one that was
interrupted and continued, that names the operation in \`resumedBy\`. Who comes back after that
gets 204, which makes a browser stop.
${FORMAT}`,
  request: {
    params: z.object({ operationId: OperationId }),
    query: NoQuery,
    headers: LastEventIdHeader,
  },
  responses: {
    200: stream,
    204: { description: "It has ended, and its last event was seen" },
    ...problemResponses(400, 401, 404, 500, 503),
  },
});

/**
 * Adds the routes that tell of changes.
 *
 * @param router Where to add them.
 * @param opossum The store that they tell of.
 */
export function addEventRoutes(router: OpenAPIHono, opossum: Opossum): void {
  const feed = new EventFeed(opossum);

  router.openapi(
    allRoute,
    async (context) => await answer(context, feed, undefined),
  );

  router.openapi(oneRoute, async (context) => {
    const { operationId } = context.req.valid("param");
    await findOperation(opossum, operationId);
    return await answer(context, feed, operationId);
  });
}

async function answer(
  context: Context,
  feed: EventFeed,
  operationId: string | undefined,
): Promise<Response> {
  // There is nobody to read a body, or to say when to end.
  if (context.req.raw.method === "HEAD") {
    return context.body(null, 200, { "Content-Type": "text/event-stream" });
  }
  const principal = principalOf(context);
  const mayOperate = principal.scopes.includes("operate");
  const streamsMax = mayOperate ? STREAMS_MAX : STREAMS_OF_READERS_MAX;
  if (feed.size >= streamsMax) {
    throw new ProblemError({
      kind: "too-many-streams",
      status: 503,
      title: "Too many streams",
      detail: `${streamsMax} clients watch already: try again later, or ` +
        "ask for the operation instead",
      headers: { "Retry-After": "10" },
    });
  }
  const subscription = await feed.subscribe({
    operationId,
    lastEventId: lastEventIdOf(context.req.header("last-event-id")),
  });
  // What makes a browser stop coming back.
  if (!subscription) return context.body(null, 204);
  const response = streamSSE(context, async (stream) => {
    stream.onAbort(() => subscription.end());
    try {
      let sending: Promise<unknown> = stream.write(`retry: ${RETRY_MS}\n\n`);
      for (;;) {
        if (!await isTaken(sending, feed.clock)) return stream.abort();
        const event = await subscription.next();
        if (event === undefined || stream.aborted) return;
        // At each heartbeat as well: a revoked token learns nothing, and keeps no place for long.
        if (!isStillAccepted(context)) return;
        if (event === "heartbeat") sending = stream.write(": still here\n\n");
        else {
          sending = stream.writeSSE({
            event: event.type,
            data: mayOperate
              ? event.data
              : JSON.stringify(visibleTo(principal, JSON.parse(event.data))),
            id: String(event.id),
          });
          if (endsWith(event, subscription)) subscription.end();
        }
      }
    } finally {
      subscription.end();
    }
  });
  // Hono's own are of HTTP/1.1 alone, and would let caches keep it.
  response.headers.set("Cache-Control", "no-store");
  response.headers.delete("Connection");
  response.headers.delete("Transfer-Encoding");
  // Some proxies gather what they pass on.
  response.headers.set("X-Accel-Buffering", "no");
  return response;
}

/** Whether the client takes what is sent: one that never does would keep its place for ever. */
async function isTaken(
  sending: Promise<unknown>,
  clock: Clock,
): Promise<boolean> {
  const done = new AbortController();
  try {
    return await Promise.race([
      sending.then(() => true),
      clock.sleep(SENDING_MS_MAX, done.signal).then(() => false),
    ]);
  } finally {
    done.abort();
  }
}

function endsWith(event: FeedEvent, { operationId }: Subscription): boolean {
  return operationId !== undefined && !EventFeed.isOpen(JSON.parse(event.data));
}

function lastEventIdOf(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,16}$/.test(header)
    ? Number(header)
    : undefined;
}
