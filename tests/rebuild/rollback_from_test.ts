/**
 * Going back only from the generation that whoever asked has seen.
 *
 * @module
 */
import { assertEquals, assertRejects } from "@std/assert";
import { ProjectionRollbackError } from "../../mod.ts";
import { openOverMemory } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { OFF, QUIET, twoVersions } from "./generation_fixture.ts";

Deno.test("rollback() from a generation goes back only while that one serves", async () => {
  using dir = new TempDir();
  const events = await twoVersions(dir.path);
  await using opossum = openOverMemory(dir.path, [OFF], QUIET, events);
  const { rebuilder, projections } = opossum;
  const serving = async () => (await projections.info("One")).generation;
  // Of two who saw generation 2, one goes back, and the other does not go forward again.
  const both = await Promise.allSettled([
    rebuilder.rollback("One", { from: 2 }),
    rebuilder.rollback("One", { from: 2 }),
  ]);
  assertEquals(both.map(({ status }) => status).sort(), [
    "fulfilled",
    "rejected",
  ]);
  assertEquals(await serving(), 1);
  // A rebuild meanwhile counts as well.
  await rebuilder.rebuild("One");
  for (const from of [1, 2, 4]) {
    const { refusal, generation, message } = await assertRejects(
      () => rebuilder.rollback("One", { from }),
      ProjectionRollbackError,
    );
    assertEquals([refusal, generation], ["anotherGeneration", 3]);
    assertEquals(
      message,
      `Cannot roll back projection "One" as generation 3 serves, not ${from}: look again`,
    );
  }
  assertEquals(await serving(), 3);
  await rebuilder.rollback("One", { from: 3 });
  await rebuilder.rollback("One");
  assertEquals(await serving(), 3);
});

Deno.test("rollback() refuses what is no number of a generation", async () => {
  using dir = new TempDir();
  const events = await twoVersions(dir.path);
  await using opossum = openOverMemory(dir.path, [OFF], QUIET, events);
  for (const from of [0, -1, 1.5, NaN, 2 ** 53]) {
    await assertRejects(
      () => opossum.rebuilder.rollback("One", { from }),
      RangeError,
      "'from' must be the number of a generation",
    );
  }
  assertEquals((await opossum.projections.info("One")).generation, 2);
});
