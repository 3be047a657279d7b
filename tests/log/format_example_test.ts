import { assert, assertEquals } from "@std/assert";
import {
  encodeEventRest,
  encodeFrame,
  encodeSegmentHeader,
  parseSegmentHeader,
} from "../../src/log/format.ts";
import { sourceFiles } from "../support/source_files.ts";
import { TestFolder } from "./support.ts";

/** The lines of the example in the description of the format. */
function exampleLines(): string[] {
  const [file] = sourceFiles("src/log/format.ts");
  assert(file);
  const description = file.text.slice(0, file.text.indexOf("*/"));
  return [...description.matchAll(/^ \* (\{".*\})$/gm)]
    .map(([, line]) => line ?? "");
}

interface ExampleEvent {
  readonly type: string;
  readonly tags: string[];
  readonly id: string;
  readonly timestamp: string;
  readonly data: Record<string, never>;
}

Deno.test("the example in the description of the format is what is written", () => {
  const lines = exampleLines();
  const header = parseSegmentHeader(
    new TextEncoder().encode(`${lines[0]}\n`),
  );
  assert(header);
  const { bytes, crc } = encodeSegmentHeader(header);
  let text = new TextDecoder().decode(bytes);
  let prev = crc;
  for (let at = 1; at < lines.length;) {
    const { frame, count, durable } = JSON.parse(lines[at] ?? "");
    const events = lines.slice(at + 1, at + 1 + count)
      .map((line): ExampleEvent => JSON.parse(line));
    const rests = events.map((event) =>
      encodeEventRest(event, event.id, event.timestamp)
    );
    const encoded = encodeFrame({ first: frame, rests, prev, durable });
    text += encoded.text;
    prev = encoded.crc;
    at += 1 + count;
  }
  assertEquals(text, `${lines.join("\n")}\n`);
  assertEquals(new TextEncoder().encode(text).length, 854);
});

Deno.test("the example in the description of the format is a log that opens", async () => {
  await using folder = new TestFolder();
  const lines = exampleLines();
  Deno.mkdirSync(`${folder.path}/events`);
  const { store, created } = JSON.parse(lines[0] ?? "");
  Deno.writeTextFileSync(
    `${folder.path}/store.json`,
    JSON.stringify({ formatVersion: 1, storeId: store, createdAt: created }),
  );
  Deno.writeTextFileSync(
    `${folder.path}/events/00000000000000000001.ndjson`,
    `${lines.join("\n")}\n`,
  );
  await folder.with(async (opened) => {
    assertEquals(await opened.head(), 3);
    const report = await opened.verify();
    assertEquals([report.ok, report.events, report.bytes > 0], [true, 3, true]);
  });
});
