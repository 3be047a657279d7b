import { assertEquals } from "@std/assert";
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
