import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { TimestampWriter } from "../../src/log/timestamp_writer.ts";

Deno.test("TimestampWriter.of() writes what Date.toISOString() does, whatever it wrote before", () => {
  const writer = new TimestampWriter();
  const near = fc.integer({ min: -3_000, max: 3_000 });
  const dates = fc.oneof(
    fc.date({ noInvalidDate: true }),
    near.map((ms) => new Date(ms)),
    near.map((ms) => new Date(1_800_000_000_000 + ms)),
  );
  fc.assert(fc.property(dates, (date) => {
    assertEquals(writer.of(date), date.toISOString());
  }));
});

Deno.test("TimestampWriter.of() refuses a time that is none", () => {
  const writer = new TimestampWriter();
  writer.of(new Date(0));
  assertThrows(() => writer.of(new Date(NaN)), RangeError);
  assertEquals(writer.of(new Date(1)), "1970-01-01T00:00:00.001Z");
});
