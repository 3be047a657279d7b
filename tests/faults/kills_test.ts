/**
 * Kills a program that appends, rebuilds and swaps, at calls of its file system port, again and
 * again on the same folder: as often as `OPOSSUM_TEST_KILLS` says; `OPOSSUM_TEST_SEED` repeats a
 * run. For kills at every call of the system, SQLite's among them, there is
 * `deno task test:faults:kills`.
 *
 * @module
 */
import { assert } from "@std/assert";
import { SeededRandom } from "../../examples/course_management/seeding/random.ts";
import { TempDir } from "../support/temp_dir.ts";
import { FolderHistory } from "./kills/folder_history.ts";
import type { FaultKind, FaultPoint } from "./kills/messages.ts";
import { portDisturber, runVictim } from "./kills/victim.ts";

const SEED = Number(
  Deno.env.get("OPOSSUM_TEST_SEED") ?? Math.floor(Math.random() * 2 ** 32),
);
const KILLS = Number(Deno.env.get("OPOSSUM_TEST_KILLS") ?? 12);
/** As many as a run makes at least. */
const CALLS = 120;
/** As many of them write, at least. */
const WRITES = 16;

/** Torn writes are what recovery is for, and few calls are writes: every second one is torn. */
function randomPoint(random: SeededRandom): FaultPoint {
  if (random.fraction() < 0.5) {
    return { at: random.integer(1, WRITES), kind: "half", call: "write" };
  }
  const kind = random.pick<FaultKind>(["before", "half", "after"]);
  return { at: random.integer(1, CALLS), kind };
}

Deno.test("a program that is killed at any call of its file system loses nothing that it was told is stored, and needs nobody to go on", async (t) => {
  await t.step(`${KILLS} kills, seed ${SEED}`, async () => {
    using dir = new TempDir();
    const random = new SeededRandom(SEED);
    const history = new FolderHistory(dir.file("data"));
    for (let run = 0; run < KILLS; run++) {
      const report = await runVictim(portDisturber, {
        path: history.path,
        seed: SEED,
        run,
        phases: [
          "singles",
          "together",
          "conditions",
          "roll",
          "live",
          "rebuild",
          "roll back",
          "promote",
          "repair",
          "rebuild keys",
        ],
        rounds: 1,
        tolerant: false,
      }, randomPoint(random));
      assert(report.wasKilled);
      history.add(report);
      await history.check();
    }
    await history.rebuildAndCheck();
  });
});

/** Programs whose call fails are killed before one of so many of the next ones. */
const KILL_WITHIN = 20;
/** As many syncs as a run makes at least. */
const SYNCS = 14;

Deno.test("a program that is killed soon after one of its syncs failed loses nothing that it was told is stored, and is told nothing after that", async (t) => {
  const runs = Math.ceil(KILLS / 3);
  await t.step(`${runs} failed syncs, seed ${SEED}`, async () => {
    using dir = new TempDir();
    const random = new SeededRandom(SEED);
    const history = new FolderHistory(dir.file("data"));
    for (let run = 0; run < runs; run++) {
      const report = await runVictim(portDisturber, {
        path: history.path,
        seed: SEED,
        run,
        phases: ["singles", "together", "roll"],
        rounds: 2,
        tolerant: true,
      }, {
        at: random.integer(1, SYNCS),
        kind: random.pick<FaultKind>(["EIO", "ENOSPC"]),
        call: "sync",
        killAfter: random.integer(1, KILL_WITHIN),
      });
      assert(report.strike);
      history.add(report);
      await history.check();
    }
    await history.rebuildAndCheck();
  });
});
