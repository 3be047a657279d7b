import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { openOpossum, silentLogger } from "../../mod.ts";
import { countingProjection, counts } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

/** Flips a bit in the middle of the only segment. */
function damageLog(path: string): void {
  const directory = join(path, "events");
  const [segment] = [...Deno.readDirSync(directory)];
  assert(segment);
  const file = join(directory, segment.name);
  const bytes = Deno.readFileSync(file);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  Deno.writeFileSync(file, bytes);
}

Deno.test("nothing is rebuilt from a damaged log: what was made of the whole one goes on serving", async () => {
  using dir = new TempDir();
  const options = {
    path: dir.path,
    projections: [countingProjection("Sums"), countingProjection("Others")],
    logger: silentLogger,
  };
  {
    await using opossum = await openOpossum(options);
    for (let batch = 0; batch < 20; batch++) {
      await opossum.events.append(counts(6));
    }
    await opossum.projections.waitFor(120);
  }
  damageLog(dir.path);

  // The daemon's rebuild at start-up is refused as well.
  await using opossum = await openOpossum(options);
  await opossum.daemon.whenStarted();
  const result = await opossum.rebuilder.rebuildAll({ forceRebuild: true });
  assertEquals(
    result.details.map(({ state, error }) => [state, error?.name]),
    [["failed", "LogCorruptionError"], ["failed", "LogCorruptionError"]],
  );
  const { documents } = await opossum.projections.list("Sums");
  assertEquals(documents.map(({ state }) => state), [
    { sum: 20 * (1 + 4) },
    { sum: 20 * (2 + 5) },
    { sum: 20 * (3 + 6) },
  ]);
});
