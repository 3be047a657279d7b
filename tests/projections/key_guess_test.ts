import { assertEquals, assertGreater } from "@std/assert";
import fc from "fast-check";
import { readField } from "../../src/projections/key_guess.ts";

Deno.test("readField() reads the field that parsing gives, or nothing", () => {
  const name = fc.constantFrom("id", "x", "data", "__proto__");
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom('"id":"', '{"', "\\", "["),
  );
  const leaf = fc.oneof(text, fc.integer(), fc.constant(null));
  const value = fc.oneof(
    leaf,
    fc.array(leaf),
    fc.array(fc.tuple(name, leaf)).map((entries) =>
      Object.fromEntries(entries)
    ),
  );
  const data = fc.array(fc.tuple(name, value), { maxLength: 4 })
    .chain((entries) =>
      text.map((id) => Object.fromEntries([...entries, ["id", id]]))
    );
  let found = 0;
  fc.assert(
    fc.property(data, fc.array(text), (data, tags) => {
      const event = JSON.stringify({ position: 1, type: "T", tags, data });
      const read = readField(event, "id");
      if (read === undefined) return;
      found++;
      assertEquals(read, JSON.parse(event).data.id);
    }),
    { numRuns: 2_000 },
  );
  assertGreater(found, 50);
});
