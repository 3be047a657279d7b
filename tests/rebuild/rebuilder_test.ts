import { assert, assertEquals, assertRejects } from "@std/assert";
import { RebuildConflictError, UnknownProjectionError } from "../../mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

const EXPECTED = { a: 1 + 4 + 7 + 10, b: 2 + 5 + 8, c: 3 + 6 + 9 };

Deno.test("rebuildAll() builds every missing projection and says so", async () => {
  using dir = new TempDir();
  const definitions = ["One", "Two", "Three", "Four"].map((name) =>
    countingProjection(name)
  );
  await using opossum = openOverMemory(dir.path, definitions);
  await opossum.events.append(counts(10));
  const result = await opossum.rebuilder.rebuildAll();
  assertEquals(result.totalRebuilt, 4);
  assert(result.success && !result.nothingToDo);
  assertEquals(result.failedProjections, []);
  assertEquals(result.details.map((detail) => detail.projectionName), [
    "Four",
    "One",
    "Three",
    "Two",
  ]);
  for (const detail of result.details) {
    assertEquals(
      [detail.eventsProcessed, detail.documents, detail.checkpoint],
      [10, 3, 10],
    );
    assertEquals(detail.reason, "absent");
  }
  const page = await opossum.projections.list<{ sum: number }>("Two");
  assertEquals(
    Object.fromEntries(
      page.documents.map(({ key, state }) => [key, state.sum]),
    ),
    EXPECTED,
  );
});
