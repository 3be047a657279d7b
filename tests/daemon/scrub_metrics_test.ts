import { assertEquals } from "@std/assert";
import type { OpossumOptions } from "../../mod.ts";
import { silentLogger } from "../../mod.ts";
import { openOpossumOn } from "../../src/opossum.ts";
import { FaultyFileSystem } from "../../src/testing/mod.ts";
import { damageDocuments } from "../rebuild/repair_fixture.ts";
import { countingProjection, counts } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { type OtelFixture, registerOtel } from "../telemetry/otel_fixture.ts";

async function problemsOf(otel: OtelFixture): Promise<unknown[]> {
  const collected = await otel.collect();
  const points = collected.get("opossum.scrub.problems")?.dataPoints ?? [];
  return points.map(({ value }) => value);
}

Deno.test("opossum.scrub.problems is what the last scrub found, also one of an earlier process", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  const options: OpossumOptions = {
    path: dir.path,
    projections: [countingProjection("Sums")],
    logger: silentLogger,
    enableAutoRebuild: false,
    startDaemon: false,
  };
  const fileSystem = new FaultyFileSystem();
  {
    await using opossum = await openOpossumOn(fileSystem, options);
    await opossum.events.append(counts(30));
    await opossum.rebuilder.rebuildAll();
    assertEquals(await problemsOf(otel), []);
    await opossum.scrub();
    assertEquals(await problemsOf(otel), [0]);
    damageDocuments(dir.file("projections/Sums/000001.sqlite"), [
      { kind: "change", at: 2 },
    ]);
    await opossum.scrub();
    assertEquals(await problemsOf(otel), [1]);
  }
  assertEquals(await problemsOf(otel), [0]);
  const readings = () =>
    fileSystem.operations.filter(({ kind, path }) =>
      kind === "open" && path.endsWith("scrub.json")
    ).length;
  await using _reopened = await openOpossumOn(fileSystem, options);
  const before = readings();
  assertEquals(await problemsOf(otel), [1]);
  assertEquals(await problemsOf(otel), [1]);
  // Read once: it is the same report.
  assertEquals(readings(), before + 1);
  await using other = await openOpossumOn(fileSystem, options);
  // Twice: the damaged generation is not even kept then.
  await other.rebuilder.rebuildAll({ forceRebuild: true });
  await other.rebuilder.rebuildAll({ forceRebuild: true });
  await other.scrub();
  // Also who found nothing out by itself knows.
  assertEquals(await problemsOf(otel), [0]);
});
