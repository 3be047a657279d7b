import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { defineProjection } from "../../mod.ts";
import { distribute } from "../../src/rebuild/distribute.ts";

function projection(
  name: string,
  eventTypes: readonly string[],
  { looksBack }: { readonly looksBack: boolean } = { looksBack: false },
) {
  return defineProjection({
    name,
    version: 1,
    eventTypes: [...eventTypes],
    key: () => "k",
    apply: () => ({}),
    ...looksBack && { related: { eventTypes: ["R"], tags: () => [] } },
  });
}

const projections = fc.array(
  fc.record({
    types: fc.uniqueArray(fc.constantFrom("A", "B", "C"), { minLength: 1 }),
    looksBack: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
).map((list) =>
  list.map(({ types, looksBack }, i) =>
    projection(`P${i}`, types, { looksBack })
  )
);

Deno.test("every projection goes to one worker, and no worker goes without", () => {
  fc.assert(
    fc.property(projections, fc.integer({ min: 1, max: 9 }), (list, count) => {
      const shares = distribute(list, (definition) => definition, count);
      assertEquals(shares.length, Math.min(count, list.length));
      assert(shares.every(({ length }) => length > 0));
      const names = shares.flat().map(({ name }) => name);
      assertEquals(names.toSorted(), list.map(({ name }) => name).toSorted());
    }),
  );
});

Deno.test("no worker has much more to do than another", () => {
  fc.assert(
    fc.property(projections, fc.integer({ min: 1, max: 9 }), (list, count) => {
      const weights = distribute(list, (definition) => definition, count)
        .map((share) =>
          share.reduce((sum, { related }) => sum + (related ? 2 : 1), 0)
        );
      assert(Math.max(...weights) - Math.min(...weights) <= 2, `${weights}`);
    }),
  );
});

Deno.test("projections of the same events go together, so that they are parsed once", () => {
  const list = [
    projection("CourseDetails", ["A", "B"], { looksBack: true }),
    projection("StudentDetails", ["B", "C"], { looksBack: true }),
    projection("CourseShortInfo", ["B", "A"]),
    projection("StudentShortInfo", ["C", "B"]),
  ];
  const shares = distribute(list, (definition) => definition, 2)
    .map((share) => share.map(({ name }) => name).toSorted());
  assertEquals(shares, [
    ["CourseDetails", "CourseShortInfo"],
    ["StudentDetails", "StudentShortInfo"],
  ]);
});
