import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { silentLogger } from "../../mod.ts";
import { createErrorHandler, strictJson } from "../../api/mod.ts";
import { assertProblem } from "./requests.ts";

const app = new Hono();
app.onError(createErrorHandler({ logger: silentLogger }));
app.post(
  "/",
  strictJson({ bytesMax: 1_000 }),
  async (c) => c.json({ body: await c.req.text() }),
);

async function post(
  body: BodyInit | null,
  headers: Record<string, string> = { "content-type": "application/json" },
): Promise<Response> {
  return await app.request("/", { method: "POST", body, headers });
}

Deno.test("strictJson() lets JSON in UTF-8 pass, and no body at all", async () => {
  const bodies = [
    "{}",
    "null",
    '{"a":{"a":[{"a":1},{"a":2}]},"b":"a"}',
    '["a","a","{\\"a\\":1,\\"a\\":2}"]',
    '{"\\\\":1,"\\"":2}',
    "[".repeat(64) + "]".repeat(64),
  ];
  for (const body of bodies) {
    const response = await post(body);
    assertEquals(response.status, 200, body);
    assertEquals((await response.json()).body, body);
  }
  for (const charset of ["utf-8", '"UTF-8"']) {
    const contentType = `application/json; charset=${charset}`;
    const response = await post("{}", { "content-type": contentType });
    assertEquals(response.status, 200);
  }
  assertEquals((await post(null, {})).status, 200);
  assertEquals((await post("", {})).status, 200);
});

Deno.test("strictJson() answers 415 to what is not declared as plain JSON", async () => {
  const refused: Record<string, string>[] = [
    { "content-type": "text/plain" },
    { "content-type": "application/json; charset=utf-16" },
    { "content-type": "application/x-www-form-urlencoded" },
    { "content-type": "application/json", "content-encoding": "gzip" },
  ];
  for (const headers of refused) {
    await assertProblem(
      await post("{}", headers),
      415,
      "unsupported-media-type",
    );
  }
  const bytes = new TextEncoder().encode("{}");
  await assertProblem(await post(bytes, {}), 415, "unsupported-media-type");
});

Deno.test("strictJson() answers 400 to JSON that is malformed or ambiguous", async () => {
  const malformed: BodyInit[] = [
    "{",
    "{} {}",
    "{'a':1}",
    "\uFEFF{}",
    new Uint8Array([0x22, 0xff, 0x22]),
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '{"a":{"b":1,"b":2}}',
    `{"a"${" ".repeat(200)}:1,"a":2}`,
    "[".repeat(65) + "]".repeat(65),
  ];
  for (const body of malformed) {
    await assertProblem(await post(body), 400, "malformed-json");
  }
});

Deno.test("strictJson() answers 413 to large bodies, declared or streamed", async () => {
  const large = `"${"x".repeat(1_000)}"`;
  await assertProblem(await post(large), 413, "content-too-large");
  const declared = await post("{}", {
    "content-type": "application/json",
    "content-length": "1001",
  });
  await assertProblem(declared, 413, "content-too-large");
  const stream = ReadableStream.from([large.slice(0, 600), large.slice(600)])
    .pipeThrough(new TextEncoderStream());
  await assertProblem(await post(stream), 413, "content-too-large");
});
