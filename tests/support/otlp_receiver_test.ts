import { assert, assertEquals, assertRejects } from "@std/assert";
import { startOtlpReceiver } from "./otlp_receiver.ts";

const json = { "content-type": "application/json" };
const span = (name: string) => ({
  resourceSpans: [{
    resource: {
      attributes: [{ key: "service.name", value: { stringValue: "test" } }],
    },
    scopeSpans: [{
      scope: { name: "scope" },
      spans: [{
        name,
        traceId: "0af7651916cd43dd8448eb211c80319c",
        spanId: "b7ad6b7169203331",
        startTimeUnixNano: "1700000000000000000",
        endTimeUnixNano: "1700000000001500000",
        attributes: [
          { key: "count", value: { intValue: "3" } },
          {
            key: "names",
            value: { arrayValue: { values: [{ stringValue: "a" }] } },
          },
        ],
        events: [{ name: "batch", timeUnixNano: "1", attributes: [] }],
        links: [{ traceId: "01", spanId: "02" }],
        status: { code: 2, message: "RangeError" },
      }],
    }],
  }],
});

Deno.test("startOtlpReceiver() decodes spans, and holds whoever waits for them until they come", async () => {
  await using receiver = startOtlpReceiver();
  const url = `${receiver.endpoint}/v1/traces`;
  const waiting = receiver.spans((spans) =>
    spans.some(({ name }) => name === "second")
  );
  let hasCome = false;
  waiting.then(() => void (hasCome = true));
  const send = async (name: string) => {
    const body = JSON.stringify(span(name));
    const answer = await fetch(url, { method: "POST", headers: json, body });
    assertEquals([answer.status, await answer.json()], [200, {}]);
  };
  await send("first");
  assertEquals((await receiver.spans()).map(({ name }) => name), ["first"]);
  assert(!hasCome);
  await send("second");
  const [, second] = await waiting;
  assertEquals(second, {
    scope: "scope",
    resource: { "service.name": "test" },
    name: "second",
    kind: 0,
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    parentSpanId: "",
    startMs: 1_700_000_000_000,
    endMs: 1_700_000_000_001.5,
    attributes: { count: 3, names: ["a"] },
    events: [{ name: "batch", attributes: {} }],
    links: [{ traceId: "01", spanId: "02" }],
    status: 2,
    message: "RangeError",
    dropped: 0,
  });
});

Deno.test("startOtlpReceiver() decodes log records, also compressed ones", async () => {
  await using receiver = startOtlpReceiver();
  const text = JSON.stringify({
    resourceLogs: [{
      scopeLogs: [{
        logRecords: [{
          body: { stringValue: "It rains" },
          severityNumber: 13,
          severityText: "WARN",
          attributes: [{ key: "operationId", value: { stringValue: "1" } }],
          traceId: "0af7651916cd43dd8448eb211c80319c",
          spanId: "b7ad6b7169203331",
        }],
      }],
    }],
  });
  const body = new Blob([text]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  const answer = await fetch(`${receiver.endpoint}/v1/logs`, {
    method: "POST",
    headers: { ...json, "content-encoding": "gzip" },
    body: await new Response(body).bytes(),
  });
  await answer.body?.cancel();
  const [record] = await receiver.logs();
  assertEquals(record, {
    scope: "",
    resource: {},
    body: "It rains",
    severity: 13,
    severityText: "WARN",
    attributes: { operationId: "1" },
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
  });
  assert(receiver.texts()[0]?.includes("It rains"));
});

Deno.test("startOtlpReceiver() passes on what a condition throws, and answers to OTLP alone", async () => {
  await using receiver = startOtlpReceiver();
  await assertRejects(
    () =>
      receiver.metrics(() => {
        throw new RangeError("No");
      }),
    RangeError,
    "No",
  );
  const answer = await fetch(receiver.endpoint);
  assertEquals(answer.status, 404);
});
