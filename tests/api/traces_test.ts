/** The traces that servers really send. */
import { assert, assertEquals } from "@std/assert";
import { openOpossum, silentLogger } from "@opossum/deno";
import {
  type OtlpReceiver,
  type OtlpSpan,
  startOtlpReceiver,
} from "../support/otlp_receiver.ts";
import { sampleArgs, ServerProcess } from "../support/server_process.ts";
import { TempDir } from "../support/temp_dir.ts";
import { GATE, PLACE } from "./traced_projections.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const PARENT_ID = "b7ad6b7169203331";
const TOKEN = "canary-token-0123456789abcdefghijklmnopqrs";
/** More than a log for which a worker is not worth it. */
const EVENTS = 24_000;
const KEYS = 300;

/** Sends a request as part of the trace. */
async function ask(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  // deno-lint-ignore no-explicit-any -- tests look at what they expect
): Promise<any> {
  const response = await fetch(`${url}/admin${path}`, {
    method,
    headers: {
      authorization: `Bearer ${TOKEN}`,
      traceparent: `00-${TRACE_ID}-${PARENT_ID}-01`,
      prefer: "respond-async",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  assert(response.ok, `${response.status} ${path}`);
  return await response.json();
}

/** A folder with a log, of which nothing may be told. */
async function filled(): Promise<TempDir> {
  const dir = new TempDir();
  await using opossum = await openOpossum({
    path: dir.file("data"),
    startDaemon: false,
    logger: silentLogger,
  });
  const log = Array.from({ length: EVENTS }, (_, n) => ({
    type: "Counted",
    tags: [`canary-tag:${n}`],
    data: { key: `canary-key-${n % KEYS}`, secret: `canary-payload-${n}` },
  }));
  for (let at = 0; at < log.length; at += 8_000) {
    await opossum.events.append(log.slice(at, at + 8_000));
  }
  return dir;
}

function start(dir: TempDir, receiver: OtlpReceiver): Promise<ServerProcess> {
  const projections = new URL("./traced_projections.ts", import.meta.url).href;
  const program = new URL("./traced_server.ts", import.meta.url).pathname;
  return ServerProcess.start(
    [
      "run",
      "--no-check",
      "--allow-read",
      "--allow-write",
      "--allow-env",
      "--allow-sys",
      "--allow-net=127.0.0.1",
      program,
      dir.file("data"),
      projections,
    ],
    {
      OPOSSUM_ADMIN_TOKEN: TOKEN,
      [GATE]: dir.file("gate"),
      ...receiver.env(),
    },
    /^(http:\S+)\n/,
  );
}

/** Waits for so many operations to have ended, and tells the tree of the trace. */
async function treeOf(
  receiver: OtlpReceiver,
  operations: number,
): Promise<Tree> {
  const spans = await receiver.spans((spans) =>
    spans.filter(({ name }) => name === "opossum.rebuild").length >= operations
  );
  for (const text of receiver.texts()) {
    const at = text.indexOf("canary");
    assert(at < 0, text.slice(Math.max(at - 200, 0), at + 100));
  }
  return new Tree(spans.filter(({ traceId }) => traceId === TRACE_ID));
}

/** The spans of a trace. */
class Tree {
  constructor(readonly spans: readonly OtlpSpan[]) {
    // Nothing was so much that the SDK left something out.
    assertEquals(spans.filter(({ dropped }) => dropped > 0), []);
  }

  /** The spans of a name. */
  all(name: string): readonly OtlpSpan[] {
    return this.spans.filter((span) => span.name === name);
  }

  /** The only one. */
  only(name: string): OtlpSpan {
    const found = this.all(name);
    assertEquals([name, found.length], [name, 1]);
    return found[0] as OtlpSpan;
  }

  /** The span of a projection's rebuild. */
  projection(name: string): OtlpSpan {
    const found = this.all("opossum.rebuild.projection").filter((span) =>
      span.attributes["opossum.projection.name"] === name
    );
    assertEquals([name, found.length], [name, 1]);
    return found[0] as OtlpSpan;
  }

  /** Names of the spans under one, sorted, each as often as it is there. */
  under({ spanId }: { readonly spanId: string }): string[] {
    return this.spans.filter(({ parentSpanId }) => parentSpanId === spanId)
      .map(({ name }) => name).sort();
  }
}

const REQUEST = "POST /admin/projections/rebuild";

Deno.test("a rebuild asked for with a trace context is one trace, from the request to the swap", async () => {
  using dir = new TempDir();
  await using receiver = startOtlpReceiver();
  await using server = await ServerProcess.start(
    sampleArgs(dir.file("data")),
    { OPOSSUM_ADMIN_TOKEN: TOKEN, ...receiver.env("http/json") },
  );
  // The one at the start is another trace: nobody asked for it.
  const [startup] =
    (await receiver.spans((spans) =>
      spans.some(({ name }) => name === "opossum.rebuild")
    )).filter(({ name }) => name === "opossum.rebuild");
  assertEquals(
    [startup?.parentSpanId, startup?.attributes["opossum.rebuild.trigger"]],
    ["", "startup"],
  );
  const { id } = await ask(
    server.url,
    "POST",
    "/projections/rebuild?forceAll=true",
    { verify: true },
  );
  const spans = await receiver.spans((spans) =>
    spans.some(({ attributes, name }) =>
      name === "opossum.rebuild" && attributes["opossum.operation.id"] === id
    )
  );
  const tree = new Tree(spans.filter(({ traceId }) => traceId === TRACE_ID));
  const request = tree.only(REQUEST);
  assertEquals([request.parentSpanId, request.kind], [PARENT_ID, 2]);
  assertEquals(tree.under(request), ["opossum.rebuild"]);
  const operation = tree.only("opossum.rebuild");
  assertEquals(operation.attributes, {
    "opossum.operation.id": id,
    "opossum.rebuild.trigger": "api",
    "opossum.rebuild.concurrency":
      operation.attributes["opossum.rebuild.concurrency"],
    "opossum.projection.count": 4,
    "opossum.rebuild.outcome": "succeeded",
    "opossum.event.count": tree.all("opossum.rebuild.projection").reduce(
      (sum, { attributes }) => sum + Number(attributes["opossum.event.count"]),
      0,
    ),
  });
  assertEquals(tree.under(operation).slice(0, 2), [
    "opossum.rebuild.plan",
    "opossum.rebuild.projection",
  ]);
  assertEquals(tree.under(operation).length, 5);
  for (const projection of tree.all("opossum.rebuild.projection")) {
    const phases = tree.under(projection).filter((name) =>
      name !== "opossum.rebuild.scan"
    );
    assertEquals(phases, [
      "opossum.rebuild.catch_up",
      "opossum.rebuild.swap",
      "opossum.rebuild.verify",
    ]);
  }
});

Deno.test("a rebuild in workers tells of its batches and flushes, and one that fails, where and why", async () => {
  using dir = await filled();
  await using receiver = startOtlpReceiver();
  await using server = await start(dir, receiver);
  const projectionNames = ["Broken", "Fine"];
  await ask(server.url, "POST", "/projections/rebuild", { projectionNames });
  const tree = await treeOf(receiver, 1);
  const operation = tree.only("opossum.rebuild");
  assertEquals(tree.only(REQUEST).spanId, operation.parentSpanId);
  assertEquals(operation.status, 2);
  assertEquals(operation.attributes["opossum.rebuild.outcome"], "failed");

  const { attributes, events, status, message } = tree.projection("Broken");
  assertEquals([status, message], [2, "ProjectionApplyError"]);
  const { "opossum.position.last": _, "opossum.event.count": __, ...rest } =
    attributes;
  assertEquals(rest, {
    "opossum.projection.name": "Broken",
    "opossum.projection.version": 3,
    "opossum.projection.generation": 1,
    "opossum.rebuild.reason": "absent",
    "opossum.rebuild.outcome": "failed",
    "opossum.rebuild.runs_in": "worker",
    "opossum.event.scanned": rest["opossum.event.scanned"],
    "opossum.position.first": 1,
    "opossum.error.position": PLACE,
    "opossum.error.event_type": "Counted",
    "opossum.error.cause": "RangeError",
    "error.type": "ProjectionApplyError",
  });
  assertEquals(events.map(({ name }) => name), ["exception"]);

  const fine = tree.projection("Fine");
  assertEquals(fine.attributes["opossum.rebuild.outcome"], "succeeded");
  assertEquals(fine.attributes["opossum.rebuild.runs_in"], "worker");
  assertEquals(fine.attributes["opossum.event.count"], EVENTS);
  assertEquals(fine.attributes["opossum.projection.documents"], KEYS);
  const scan = tree.only("opossum.rebuild.scan");
  // Both know of the pass that they share.
  assertEquals(scan.parentSpanId, tree.projection("Broken").spanId);
  assertEquals(scan.links.map(({ spanId }) => spanId), [fine.spanId]);
  assertEquals(fine.links.map(({ spanId }) => spanId), [scan.spanId]);
  const steps = scan.events.filter(({ name }) => name === "batch");
  assert(steps.length > 0 && steps.length <= 64);
  const flushes = tree.all("opossum.rebuild.flush");
  assertEquals(
    flushes.map(({ attributes }) => attributes["opossum.projection.name"]),
    flushes.map(() => "Fine"),
  );
  assertEquals(scan.attributes["opossum.rebuild.flushes"], flushes.length);
  assertEquals(
    flushes.at(-1)?.attributes["opossum.position.last"],
    EVENTS,
  );
  for (const { parentSpanId, startMs, endMs } of flushes) {
    assertEquals(parentSpanId, scan.spanId);
    assert(endMs >= startMs);
  }
});

Deno.test("a rebuild whose server was killed goes on in the same trace", async () => {
  using dir = await filled();
  await using receiver = startOtlpReceiver();
  Deno.writeTextFileSync(dir.file("gate"), "");
  const projectionNames = ["Fine", "Held"];
  let id: string;
  {
    await using server = await start(dir, receiver);
    ({ id } = await ask(server.url, "POST", "/projections/rebuild", {
      projectionNames,
    }));
    await receiver.spans((spans) => spans.some(({ name }) => name === REQUEST));
    await server.kill();
  }
  const [file = ""] = dir.list("data/operations");
  const { traceparent } = JSON.parse(
    Deno.readTextFileSync(dir.file(`data/operations/${file}`)),
  );
  Deno.removeSync(dir.file("gate"));
  await using _server = await start(dir, receiver);
  const tree = await treeOf(receiver, 1);
  // That of the killed process never ended, and so was never sent: where it stood is known.
  const operation = tree.only("opossum.rebuild");
  assertEquals(
    traceparent,
    `00-${operation.traceId}-${operation.parentSpanId}-01`,
  );
  assertEquals(operation.links, [{
    traceId: TRACE_ID,
    spanId: operation.parentSpanId,
  }]);
  assertEquals(operation.attributes["opossum.rebuild.trigger"], "resume");
  assertEquals(operation.attributes["opossum.rebuild.outcome"], "succeeded");
  assert(operation.attributes["opossum.operation.id"] !== id);
  assertEquals(
    tree.projection("Held").attributes["opossum.event.count"],
    EVENTS,
  );
  // Of the first process there is what had ended: the request, and the plan right under where
  // the one that goes on stands.
  assertEquals(tree.only(REQUEST).parentSpanId, PARENT_ID);
  assertEquals(
    tree.under({ spanId: operation.parentSpanId }),
    ["opossum.rebuild", "opossum.rebuild.plan"],
  );
});

Deno.test("a rebuild that is paused and cancelled says so, and is part of neither request", async () => {
  using dir = await filled();
  await using receiver = startOtlpReceiver();
  Deno.writeTextFileSync(dir.file("gate"), "");
  await using server = await start(dir, receiver);
  const projectionNames = ["Held"];
  const { id } = await ask(server.url, "POST", "/projections/rebuild", {
    projectionNames,
  });
  await ask(server.url, "POST", `/operations/${id}/pause`);
  // It does not come far: from its next batch on it waits.
  Deno.removeSync(dir.file("gate"));
  await ask(server.url, "POST", `/operations/${id}/cancel`);
  const tree = await treeOf(receiver, 1);
  const operation = tree.only("opossum.rebuild");
  const held = tree.projection("Held");
  for (const { attributes, status } of [operation, held]) {
    assertEquals(attributes["opossum.rebuild.outcome"], "cancelled");
    assertEquals([status, attributes["error.type"]], [0, undefined]);
  }
  assertEquals(held.events.map(({ name }) => name), ["paused"]);
  const orders = await receiver.spans((spans) =>
    spans.filter(({ name }) => /pause|cancel/.test(name)).length === 2
  );
  const linked = orders.filter(({ name }) => /pause|cancel/.test(name));
  assertEquals(
    new Set(operation.links.map(({ spanId }) => spanId)),
    new Set(linked.map(({ spanId }) => spanId)),
  );
  for (const order of linked) assertEquals(tree.under(order), []);
});
