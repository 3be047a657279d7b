import { assertEquals, assertGreater } from "@std/assert";
import { type Clock, systemClock } from "../../mod.ts";
import { GenerationLook } from "../../src/projections/generation_look.ts";
import { SqliteProjectionStore } from "../../src/projections/sqlite_projection_store.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { FakeClock } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { contentOf, damageDocuments } from "./repair_fixture.ts";
import { assertRefused, change, FILE } from "./sums_fixture.ts";

const tagged = countingProjection("Sums", {
  tags: (state) => [`sum:${state.sum}`],
});

/** The locks of the folder, as another process sees them. */
function othersIn(
  dir: TempDir,
  clock: Clock = systemClock,
): SqliteProjectionStore {
  return new SqliteProjectionStore({
    directory: dir.file("projections"),
    fileSystem: denoFileSystem,
    clock,
  });
}

Deno.test("repair() and rebuildKeys() go through all tags while live updates go on", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [tagged]);
  const { events, rebuilder } = opossum;
  await events.append(counts(9));
  await rebuilder.rebuild("Sums");
  const sound = contentOf(dir.file(FILE));
  await using others = othersIn(dir);
  const { tags } = GenerationLook.prototype;
  const isHeld: boolean[] = [];
  GenerationLook.prototype.tags = function () {
    using lock = others.tryLockLive("Sums");
    isHeld.push(lock === undefined);
    return tags.call(this);
  };
  try {
    for (const damage of [change(0), { kind: "dropTags" } as const]) {
      damageDocuments(dir.file(FILE), [damage]);
      await rebuilder.repair("Sums");
      assertEquals(contentOf(dir.file(FILE)), sound);
      damageDocuments(dir.file(FILE), [damage]);
      await rebuilder.rebuildKeys("Sums", ["a", "b", "c"]);
      assertEquals(contentOf(dir.file(FILE)), sound);
    }
  } finally {
    GenerationLook.prototype.tags = tags;
  }
  assertEquals(isHeld.filter((held) => held), []);
  assertGreater(isHeld.length, 4);
});

Deno.test("rebuildKeys() refuses a document that is damaged while it waits: by which tags it is found is not known", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  await using opossum = openOverMemory(dir.path, [tagged], {
    clock,
    rebuildGoodNeighbour: false,
  });
  await opossum.events.append(counts(9));
  await opossum.rebuilder.rebuild("Sums");
  await using others = othersIn(dir, clock);
  const lock = await others.lockLive("Sums");
  const refused = assertRefused(
    () => opossum.rebuilder.rebuildKeys("Sums", ["a", "b"]),
    "damaged",
  );
  await Promise.race([clock.whenSleeping(1), refused]);
  damageDocuments(dir.file(FILE), [change(0)]);
  const damaged = contentOf(dir.file(FILE));
  lock[Symbol.dispose]();
  await clock.advance(1_000);
  await refused;
  assertEquals(contentOf(dir.file(FILE)).documents, damaged.documents);
  assertEquals((await opossum.projections.info("Sums")).state, "damaged");
});
