import { assertEquals } from "@std/assert";
import { createTelemetry } from "../../src/telemetry/telemetry.ts";
import { type OtelFixture, registerOtel } from "./otel_fixture.ts";

const shared = {
  name: "Shared",
  position: 10,
  lag: 2,
  isFaulted: false,
  isStale: false,
  deadLetters: 0,
  documents: 3,
  bytes: 4_096,
};

/** The values of a metric by projection, or by nothing. */
async function valuesOf(
  otel: OtelFixture,
  name: string,
): Promise<Record<string, unknown>> {
  const points = (await otel.collect()).get(name)?.dataPoints ?? [];
  return Object.fromEntries(
    points.map(({ attributes, value }) => [
      attributes["opossum.projection.name"] ?? "",
      value,
    ]),
  );
}

Deno.test("two stores of a process are added up, also when they have a projection of the same name", async () => {
  await using otel = registerOtel();
  using _one = createTelemetry().observeProjections(
    () => [shared, { ...shared, name: "One" }],
  );
  using _other = createTelemetry().observeProjections(
    () => [{ ...shared, position: 5, lag: 40, isFaulted: true }],
  );
  // More than once: what was exported before must not count again.
  for (let i = 0; i < 2; i++) {
    assertEquals(await valuesOf(otel, "opossum.projection.position"), {
      Shared: 15,
      One: 10,
    });
    assertEquals(await valuesOf(otel, "opossum.projection.lag"), {
      Shared: 42,
      One: 2,
    });
    assertEquals(await valuesOf(otel, "opossum.projection.faulted"), {
      Shared: 1,
      One: 0,
    });
  }
});

Deno.test("rebuilds of two stores are added up", async () => {
  await using otel = registerOtel();
  const build = { name: "Shared", remaining: 7, isStalled: true };
  const observing = [1, 2].map((workers) =>
    createTelemetry().observeRebuilds(
      () => ({ active: 1, queued: 0, workers, builds: [build] }),
    )
  );
  for (let i = 0; i < 2; i++) {
    assertEquals(await valuesOf(otel, "opossum.rebuild.active"), { "": 2 });
    assertEquals(await valuesOf(otel, "opossum.rebuild.workers"), { "": 3 });
    assertEquals(await valuesOf(otel, "opossum.rebuild.remaining"), {
      Shared: 14,
    });
    assertEquals(await valuesOf(otel, "opossum.rebuild.stalled"), {
      Shared: 2,
    });
  }
  for (const each of observing) each[Symbol.dispose]();
});

Deno.test("what a closed store reported is taken back, and it is asked no more", async () => {
  await using otel = registerOtel();
  let asked = 0;
  const closed = createTelemetry().observeProjections(() => {
    asked++;
    return [shared, { ...shared, name: "Closed" }];
  });
  using _open = createTelemetry().observeProjections(() => [shared]);
  assertEquals(await valuesOf(otel, "opossum.projection.bytes"), {
    Shared: 8_192,
    Closed: 4_096,
  });
  closed[Symbol.dispose]();
  assertEquals(await valuesOf(otel, "opossum.projection.bytes"), {
    Shared: 4_096,
    Closed: 0,
  });
  assertEquals(asked, 1);
});

Deno.test("of two stores on two disks the fuller one counts, and no closed one makes it look full", async () => {
  await using otel = registerOtel();
  const log = { bytes: 100, segments: 1, position: 10 };
  const observing = [5_000, 3_000].map((freeBytes) =>
    createTelemetry().observeLog(() => ({ ...log, freeBytes }))
  );
  assertEquals(await valuesOf(otel, "opossum.disk.free"), { "": 3_000 });
  assertEquals(await valuesOf(otel, "opossum.log.size"), { "": 200 });
  assertEquals(await valuesOf(otel, "opossum.log.position"), { "": 20 });
  for (const each of observing) each[Symbol.dispose]();
  assertEquals(await valuesOf(otel, "opossum.log.size"), { "": 0 });
  assertEquals(await valuesOf(otel, "opossum.disk.free"), { "": 3_000 });
});

Deno.test("what the system does not tell is not reported", async () => {
  await using otel = registerOtel();
  const log = { bytes: 100, segments: 1, position: 10, freeBytes: undefined };
  using _log = createTelemetry().observeLog(() => log);
  using _scrubs = createTelemetry().observeScrubs(() => undefined);
  assertEquals(await valuesOf(otel, "opossum.disk.free"), {});
  assertEquals(await valuesOf(otel, "opossum.scrub.problems"), {});
});

Deno.test("a store that fails to say how it stands counts as it said last", async () => {
  await using otel = registerOtel();
  let isFailing = false;
  using _one = createTelemetry().observeProjections(() => {
    if (isFailing) throw new Error("Its disk is gone");
    return [shared];
  });
  using _other = createTelemetry().observeProjections(() => [shared]);
  assertEquals(await valuesOf(otel, "opossum.projection.lag"), { Shared: 4 });
  isFailing = true;
  assertEquals(await valuesOf(otel, "opossum.projection.lag"), { Shared: 4 });
});

Deno.test("another SDK is told nothing of what was gone before it came", async () => {
  {
    await using otel = registerOtel();
    using _gone = createTelemetry().observeProjections(() => [shared]);
    await otel.collect();
  }
  await using otel = registerOtel();
  using _open = createTelemetry().observeProjections(
    () => [{ ...shared, name: "Open" }],
  );
  assertEquals(await valuesOf(otel, "opossum.projection.lag"), { Open: 2 });
});
