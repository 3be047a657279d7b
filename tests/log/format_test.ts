import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  encodeEventRest,
  encodeFrame,
  encodeSegmentHeader,
  frameCrcMatches,
  parseFrameHeader,
  parseSegmentHeader,
  parseSegmentName,
  segmentName,
} from "../../src/log/format.ts";
import { flipBit } from "./support.ts";

const position = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - 100 });
const crc = fc.integer({ min: 0, max: 0xffff_ffff });

Deno.test("segmentName() and parseSegmentName() are inverse, and names sort by position", () => {
  fc.assert(fc.property(position, position, (a, b) => {
    assertEquals(parseSegmentName(segmentName(a)), a);
    assertEquals(segmentName(a) < segmentName(b), a < b);
  }));
});

Deno.test("parseSegmentName() knows no other names", () => {
  for (
    const name of [
      "1.ndjson",
      "00000000000000000000.ndjson",
      "99999999999999999999.ndjson",
      "00000000000000000001.ndjson.tmp",
      "x00000000000000000001.ndjson",
      "",
    ]
  ) {
    assertEquals(parseSegmentName(name), undefined, name);
  }
});

Deno.test("parseSegmentHeader() reads what encodeSegmentHeader() wrote", () => {
  const arbitrary = fc.record({
    segment: position,
    store: fc.uuid(),
    created: fc.constant("2026-01-01T00:00:00.000Z"),
    previous: position,
    previousBytes: fc.nat(),
    prev: crc,
  }, { noNullPrototype: true });
  fc.assert(fc.property(arbitrary, (header) => {
    const encoded = encodeSegmentHeader(header);
    const parsed = parseSegmentHeader(encoded.bytes);
    assert(parsed);
    assertEquals(parsed.headerBytes, encoded.bytes.length);
    for (const key of Object.keys(header) as (keyof typeof header)[]) {
      assertEquals(parsed[key], header[key]);
    }
    assertEquals(parsed.crc, encoded.crc);
  }));
});

Deno.test("parseSegmentHeader() refuses a header with any bit flipped or any byte missing", () => {
  const { bytes } = encodeSegmentHeader({
    segment: 1,
    store: "store",
    created: "2026-01-01T00:00:00.000Z",
    previous: 0,
    previousBytes: 0,
    prev: 0,
  });
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    assertEquals(
      parseSegmentHeader(flipBit(bytes, bit)),
      undefined,
      `bit ${bit}`,
    );
  }
  for (let length = 0; length < bytes.length; length++) {
    assertEquals(parseSegmentHeader(bytes.subarray(0, length)), undefined);
  }
});

/** A frame as it stands in a file, somewhere in a buffer. */
function frameIn(
  input: { first: number; prev: number; durable: number },
  rests: string[],
): { bytes: Uint8Array; at: number } {
  const { text, bytes: length } = encodeFrame({ ...input, rests });
  const at = 3;
  const bytes = new Uint8Array(at + length);
  bytes.set(new TextEncoder().encode(text), at);
  return { bytes, at };
}

Deno.test("parseFrameHeader() reads what encodeFrame() wrote", () => {
  const input = fc.record({ first: position, prev: crc, durable: position });
  const data = fc.array(fc.jsonValue(), { minLength: 1, maxLength: 5 });
  fc.assert(fc.property(input, data, (header, values) => {
    const rests = values.map((value) =>
      encodeEventRest({ type: "T", tags: [], data: value }, "id", "now")
    );
    const { bytes, at } = frameIn(header, rests);
    const parsed = parseFrameHeader(bytes, at, bytes.length);
    assert(parsed);
    assertEquals(parsed.first, header.first);
    assertEquals(parsed.prev, header.prev);
    assertEquals(parsed.durable, header.durable);
    assertEquals(parsed.count, values.length);
    assertEquals(at + parsed.headerBytes + parsed.bytes, bytes.length);
    assert(frameCrcMatches(bytes, at, parsed));
    const lines = new TextDecoder().decode(bytes.subarray(at)).split("\n");
    assertEquals(lines.pop(), "");
    for (const line of lines) JSON.parse(line);
  }));
});

Deno.test("frameCrcMatches() is false for a frame with any bit flipped", () => {
  const rest = encodeEventRest(
    { type: "T", tags: [], data: { n: 1 } },
    "id",
    "now",
  );
  const { bytes, at } = frameIn({ first: 7, prev: 1, durable: 6 }, [rest]);
  for (let bit = at * 8; bit < bytes.length * 8; bit++) {
    const flipped = flipBit(bytes, bit);
    const header = parseFrameHeader(flipped, at, flipped.length);
    assert(!header || !frameCrcMatches(flipped, at, header), `bit ${bit}`);
  }
});

Deno.test("encodeEventRest() puts type first and data last, on one line", () => {
  const rest = encodeEventRest(
    { type: "a\nb", tags: ["t"], data: { text: "x\ny\u2028" } },
    "id",
    "now",
  );
  assertEquals(
    rest,
    ',"type":"a\\nb","tags":["t"],"id":"id","timestamp":"now","data":{"text":"x\\ny\u2028"}}\n',
  );
});
