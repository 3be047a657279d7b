import { assertEquals } from "@std/assert";
import { openOpossum, type Opossum, silentLogger } from "../../mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { registerOtel } from "./otel_fixture.ts";

Deno.test("a store reports which projections stand still, and how many events they passed over", async () => {
  using dir = new TempDir();
  await using otel = registerOtel();
  const apply = (
    state: { sum: number } | undefined,
    { data }: { readonly data: { readonly by: number } },
  ) => {
    if (data.by > 2) throw new Error("Too much");
    return { sum: (state?.sum ?? 0) + data.by };
  };
  const definitions = [
    countingProjection("Passing", { apply, errorPolicy: "skip" }),
    countingProjection("Standing", { apply }),
    countingProjection("Well"),
  ];
  await using opossum = openOverMemory(dir.path, definitions);
  await opossum.daemon.start();
  await opossum.daemon.whenStarted();
  const { last } = await opossum.events.append(counts(5));
  await opossum.projections.waitFor(last, { names: ["Passing", "Well"] });
  await opossum.projections.waitFor(2, { names: ["Standing"] });
  const collected = await otel.collect();
  const valuesOf = (name: string) =>
    (collected.get(`opossum.projection.${name}`)?.dataPoints ?? [])
      .map(({ attributes, value }) => [
        attributes["opossum.projection.name"],
        value,
      ]);
  assertEquals(valuesOf("faulted"), [
    ["Passing", 0],
    ["Standing", 1],
    ["Well", 0],
  ]);
  assertEquals(valuesOf("dead_letters"), [
    ["Passing", 3],
    ["Standing", 0],
    ["Well", 0],
  ]);
});

Deno.test("a store reports what other code made as stale, with nothing to apply, until it is rebuilt", async () => {
  using dir = new TempDir();
  await using otel = registerOtel();
  const stale = async () =>
    ((await otel.collect()).get("opossum.projection.stale")?.dataPoints ?? [])
      .map(({ attributes, value }) => [
        attributes["opossum.projection.name"],
        value,
      ]);
  {
    await using opossum = await openFiles(dir.path, 1);
    await opossum.events.append(counts(3));
    await opossum.rebuilder.rebuildAll();
    assertEquals(await stale(), [["Changing", 0], ["Same", 0]]);
  }
  await using opossum = await openFiles(dir.path, 2);
  assertEquals((await opossum.projections.info("Changing")).lag, 0);
  assertEquals(await stale(), [["Changing", 1], ["Same", 0]]);
  await opossum.rebuilder.rebuildAll();
  assertEquals(await stale(), [["Changing", 0], ["Same", 0]]);
});

/** A store whose projection `Changing` is of that version; nothing is rebuilt by itself. */
function openFiles(path: string, version: number): Promise<Opossum> {
  return openOpossum({
    path,
    projections: [
      countingProjection("Changing", { version }),
      countingProjection("Same"),
    ],
    startDaemon: false,
    logger: silentLogger,
  });
}
