import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { FakeClock } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { registerOtel } from "../telemetry/otel_fixture.ts";

Deno.test("opossum.live.batch.duration tells of batches that could not be stored by the class of the error", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  const names = ["One", "Two"];
  const definitions = names.map((name) => countingProjection(name));
  const options = { clock: new FakeClock(), enableAutoRebuild: false };
  await using opossum = openOverMemory(dir.path, definitions, options);
  const { events, daemon, projections, rebuilder } = opossum;
  await rebuilder.rebuildAll();
  {
    using database = new DatabaseSync(
      dir.file("projections/One/000001.sqlite"),
    );
    database.exec(
      "CREATE TRIGGER full BEFORE INSERT ON documents BEGIN SELECT RAISE(ABORT, 'full'); END",
    );
  }
  const { last } = await events.append(counts(5));
  await daemon.start();
  // By then the other one was tried as well: they take their turns in order of name.
  await projections.waitFor(last, { names: ["Two"] });
  await daemon.stop();
  const collected = await otel.collect();
  const points = collected.get("opossum.live.batch.duration")?.dataPoints ?? [];
  const failures = points.map(({ attributes }) => [
    attributes["opossum.projection.name"],
    attributes["error.type"] !== undefined,
  ]);
  assertEquals(failures.sort(), [["One", true], ["Two", false]]);
  assert(!JSON.stringify(points).includes("full"));
});
