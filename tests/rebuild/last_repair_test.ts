import { assertEquals, assertRejects } from "@std/assert";
import { KeyRebuildError, UnknownProjectionError } from "../../mod.ts";
import { FakeClock } from "../../src/testing/mod.ts";
import { counts, openOverMemory } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { damageDocuments } from "./repair_fixture.ts";
import { change, FILE, sums } from "./sums_fixture.ts";

const AT = "2026-01-01T00:00:00.000Z";

Deno.test("lastRepair() tells what came of the last repair of a projection, as its info() does in short", async () => {
  using dir = new TempDir();
  const clock = new FakeClock(Date.parse(AT));
  await using opossum = openOverMemory(dir.path, [sums], { clock });
  const { events, rebuilder, projections } = opossum;
  const infoOf = async () => (await projections.info("Sums")).lastRepair;
  await events.append(counts(6));
  assertEquals(await rebuilder.lastRepair("Sums"), undefined);
  await assertRejects(() => rebuilder.repair("Sums"), KeyRebuildError);
  const failed = await rebuilder.lastRepair("Sums");
  assertEquals(failed, {
    last: {
      scope: "missingOrDamaged",
      startedAt: AT,
      completedAt: AT,
      outcome: "failed",
      keys: 0,
      keysChanged: 0,
      error: {
        name: "KeyRebuildError",
        message: 'Cannot rebuild single documents of projection "Sums" as it ' +
          "was never built: rebuild the projection",
        position: null,
        eventType: null,
      },
    },
    rebuilt: null,
  });
  assertEquals(await infoOf(), failed?.last);
  await rebuilder.rebuild("Sums");
  damageDocuments(dir.file(FILE), [change(0)]);
  await clock.advance(1_000);
  const rebuilt = await rebuilder.rebuildKeys("Sums", ["a", "b"]);
  const last = {
    scope: "givenKeys",
    startedAt: "2026-01-01T00:00:01.000Z",
    completedAt: "2026-01-01T00:00:01.000Z",
    outcome: "succeeded",
    keys: 2,
    keysChanged: 1,
    error: null,
  } as const;
  assertEquals(await rebuilder.lastRepair("Sums"), { last, rebuilt });
  assertEquals(await infoOf(), last);
  await assertRejects(
    () => rebuilder.lastRepair("Nobody"),
    UnknownProjectionError,
  );
});

Deno.test("lastRepair() tells that a repair was given up, and nothing of one that was not begun", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [sums]);
  const { events, rebuilder } = opossum;
  await events.append(counts(6));
  await rebuilder.rebuild("Sums");
  const stop = new AbortController();
  await assertRejects(
    () =>
      rebuilder.repair("Sums", {
        signal: stop.signal,
        onProgress: () => stop.abort(new Error("Enough")),
      }),
    Error,
    "Enough",
  );
  const given = await rebuilder.lastRepair("Sums");
  assertEquals(
    [given?.last.outcome, given?.last.error?.message, given?.rebuilt],
    ["cancelled", "Enough", null],
  );
  const { id } = await rebuilder.start(["Sums"], { promote: "manual" });
  await assertRejects(() => rebuilder.repair("Sums"), Error, "rebuil");
  assertEquals(await rebuilder.lastRepair("Sums"), given);
  await rebuilder.cancel(id);
});
