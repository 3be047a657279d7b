import { assertEquals, assertRejects } from "@std/assert";
import { AppendConditionError, openOpossum, silentLogger } from "../../mod.ts";
import { registerOtel } from "../telemetry/otel_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

Deno.test("appends and reads are measured, and conflicts counted", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  await using opossum = await openOpossum({
    path: dir.file("data"),
    logger: silentLogger,
    startDaemon: false,
  });
  await opossum.events.append([{ type: "A", data: 1 }, { type: "A", data: 2 }]);
  for await (const _ of opossum.events.read("all")) {
    /* counted by the span */
  }
  await assertRejects(
    () =>
      opossum.events.append([{ type: "A", data: 3 }], {
        condition: { failIfEventsMatch: "all", after: 1 },
      }),
    AppendConditionError,
  );
  const spans = otel.spans().map(({ name, attributes }) => [
    name,
    attributes["opossum.event.count"],
    attributes["opossum.position.last"],
  ]);
  assertEquals(spans, [
    ["opossum.append", 2, 2],
    ["opossum.read", 2, undefined],
    ["opossum.append", undefined, undefined],
  ]);
  const metrics = await otel.collect();
  const sum = (name: string) => metrics.get(name)?.dataPoints[0]?.value;
  assertEquals(sum("opossum.append.events"), 2);
  assertEquals(sum("opossum.append.conflicts"), 1);
});
