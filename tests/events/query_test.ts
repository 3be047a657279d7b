import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { matchesQuery, type Query } from "../../mod.ts";
import {
  eventArbitrary,
  isAskedFor,
  queryArbitrary,
} from "./contract/support.ts";

const EVENT = { type: "CourseCreated", tags: ["course:1", "room:2"] };

Deno.test("matchesQuery() asks for any type, all tags, any item", () => {
  const cases: [Query, boolean][] = [
    ["all", true],
    [{ items: [] }, false],
    [{ items: [{}] }, true],
    [{ items: [{ types: [], tags: [] }] }, true],
    [{ items: [{ types: ["Other", "CourseCreated"] }] }, true],
    [{ items: [{ types: ["Other"] }] }, false],
    [{ items: [{ types: ["coursecreated"] }] }, false],
    [{ items: [{ tags: ["room:2", "course:1"] }] }, true],
    [{ items: [{ tags: ["course:1", "course:2"] }] }, false],
    [{ items: [{ types: ["Other"], tags: ["course:1"] }] }, false],
    [{ items: [{ types: ["Other"] }, { tags: ["course:1"] }] }, true],
  ];
  for (const [query, expected] of cases) {
    assertEquals(matchesQuery(query, EVENT), expected, JSON.stringify(query));
  }
});

Deno.test("matchesQuery() agrees with the definition, for any event and query", () => {
  fc.assert(
    fc.property(
      queryArbitrary,
      eventArbitrary,
      (query, { type, tags = [] }) => {
        const event = { type, tags };
        assertEquals(matchesQuery(query, event), isAskedFor(query, event));
      },
    ),
    { numRuns: 500 },
  );
});
