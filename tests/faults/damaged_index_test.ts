import { assertEquals } from "@std/assert";
import { copyFolder, TestFolder, unsynced } from "../log/support.ts";
import {
  DAMAGE_COUNT,
  damageIndex,
  openIndexFixture,
  wrongDecisions,
} from "./damaged_index.ts";
import { Random, scale } from "./random.ts";

const SEED = scale("OPOSSUM_TEST_SEED", 20_261_125);
const ROUNDS = scale("OPOSSUM_TEST_INDEXES", 2 * DAMAGE_COUNT);
const CONDITIONS = 12;

Deno.test("append() is never misled by an index that is damaged, stale, missing or of another log", async () => {
  await using fixture = await openIndexFixture(new Random(SEED));
  for (let round = 0; round < ROUNDS; round++) {
    const random = new Random(SEED + round);
    await using folder = new TestFolder();
    copyFolder(fixture.folder.path, folder.path);
    const damage = damageIndex(
      round % DAMAGE_COUNT,
      folder,
      fixture,
      random,
    );
    await using store = await folder.open({
      fileSystem: unsynced,
      segmentBytesMax: 16_384,
    });
    // What proves to be of the same store and longer than the log is believed: nothing is appended.
    const wrong = store.readOnlyCause
      ? [`it is read-only: ${store.readOnlyCause.message}`]
      : await wrongDecisions(store, random, CONDITIONS);
    assertEquals(wrong, [], `seed ${SEED + round}: ${damage}`);
  }
});
