/**
 * Watching an operation of a server to its end.
 *
 * @module
 */
import { assertEquals, assertRejects } from "@std/assert";
import type { RebuildOperation } from "@opossum/deno";
import { ServerUnreachableError } from "../../src/cli/server/server_errors.ts";
import { watchOperation } from "../../src/cli/server/watch_operation.ts";
import {
  clientOf,
  FakeServer,
  ID,
  NEXT,
  operation,
  path,
  problem,
} from "./fake_server.ts";

Deno.test("watching goes on where a lost connection ended, and follows who continues", async () => {
  const seen: (string | null)[] = [];
  await using server = new FakeServer((request, count) => {
    seen.push(`${path(request)} ${request.headers.get("last-event-id")}`);
    if (count === 1) {
      return stream([1, operation("running")], [2, operation("running")]);
    }
    if (count === 2) return stream([5, operation("interrupted", NEXT)]);
    return stream([1, { ...operation("succeeded"), id: NEXT }]);
  });
  const changes: string[] = [];
  const ended = await watch(server.url, ({ state }) => changes.push(state));
  assertEquals([ended.id, ended.state], [NEXT, "succeeded"]);
  assertEquals(changes, ["running", "running", "succeeded"]);
  assertEquals(seen, [
    `/admin/operations/${ID}/events null`,
    `/admin/operations/${ID}/events 2`,
    `/admin/operations/${NEXT}/events null`,
  ]);
});

Deno.test("watching asks again and again where no events come through", async () => {
  const refusals: (() => Response)[] = [
    () => problem(503, "too-many-streams"),
    () => new Response("<html>", { headers: { "content-type": "text/html" } }),
    () => new Response(null, { status: 404 }),
  ];
  for (const refusal of refusals) {
    await using server = new FakeServer((request, count) =>
      path(request).endsWith("/events")
        ? refusal()
        : Response.json(operation(count < 4 ? "running" : "failed"))
    );
    const ended = await watch(server.url, () => {});
    assertEquals(ended.state, "failed");
    const streams = server.requests.filter((each) =>
      path(each).endsWith("/events")
    );
    assertEquals(streams.length, 1);
  }
});

Deno.test("watching asks for events again where there were none to come for the moment", async () => {
  await using server = new FakeServer((request, count) =>
    !path(request).endsWith("/events")
      ? Response.json(operation("running"))
      : count === 1
      ? new Response(null, { status: 204 })
      : stream([1, operation("succeeded")])
  );
  assertEquals((await watch(server.url, () => {})).state, "succeeded");
  assertEquals(server.requests.length, 3);
});

Deno.test("watching gives a server up that stays away, not one that is lost again and again", async () => {
  await using server = new FakeServer((request, count) =>
    path(request).endsWith("/events")
      ? new Response(null, { status: 404 })
      : count % 2 === 1
      ? new Response("{")
      : Response.json(operation(count < 150 ? "running" : "succeeded"))
  );
  assertEquals((await watch(server.url, () => {})).state, "succeeded");
});

Deno.test("watching ends with what its window has closed upon, not with what a restart interrupted", async () => {
  await using server = new FakeServer((_, count) => {
    const interrupted = operation("interrupted");
    return stream([
      count,
      count < 3 ? interrupted : { ...interrupted, trigger: "schedule" },
    ]);
  });
  assertEquals((await watch(server.url, () => {})).trigger, "schedule");
  assertEquals(server.requests.length, 3);
});

Deno.test("watching ends when the server stays away, or refuses", async () => {
  const server = new FakeServer(() => new Response());
  const { url } = server;
  await server[Symbol.asyncDispose]();
  const reports: string[] = [];
  await assertRejects(
    () => watch(url, () => {}, reports),
    ServerUnreachableError,
    "nobody listens there",
  );
  assertEquals(reports.length, 1);
  await using refusing = new FakeServer(() => problem(401, "unauthorized"));
  await assertRejects(() => watch(refusing.url, () => {}), Error, "401");
});

async function watch(
  url: string,
  onChange: (operation: RebuildOperation) => void,
  reports: string[] = [],
): Promise<RebuildOperation> {
  return await watchOperation(clientOf(url), {
    id: ID,
    onChange,
    isOver: ({ state }) => state !== "running",
    signal: new AbortController().signal,
    report: (line) => reports.push(line),
    retryMs: 0,
  });
}

function stream(...events: [number, unknown][]): Response {
  const text = events.map(([id, data]) =>
    `event: operation\ndata: ${JSON.stringify(data)}\nid: ${id}\n\n`
  ).join("");
  return new Response(`: hello\n\n${text}`, {
    headers: { "content-type": "text/event-stream" },
  });
}
