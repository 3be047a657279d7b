import { assertEquals, assertRejects } from "@std/assert";
import { EventStreams } from "../../api/event_streams.ts";

/** A stream of events, and what happens to it. */
function stream() {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const cancelled = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel: () => cancelled.resolve(),
  });
  const response = new Response(body, {
    headers: { "content-type": "text/event-stream" },
  });
  return {
    response,
    cancelled: cancelled.promise,
    fail: (error: Error) => controller?.error(error),
  };
}

Deno.test("a stream that fails keeps a server that stops from ending none of the others", async () => {
  const streams = new EventStreams();
  const failing = stream();
  const reading = streams.track(failing.response).text();
  const others = [stream(), stream()];
  const texts = others.map(({ response }) => streams.track(response).text());
  failing.fail(new Error("Broken"));
  await assertRejects(() => reading, Error, "Broken");
  streams.end();
  assertEquals(await Promise.all(texts), ["", ""]);
  await Promise.all(others.map(({ cancelled }) => cancelled));
  // And those that begin later.
  const late = stream();
  assertEquals(await streams.track(late.response).text(), "");
  await late.cancelled;
});
