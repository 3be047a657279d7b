import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { isDeepStrictEqual } from "node:util";
import {
  type LogAttributes,
  type ProjectionDefinition,
  type RebuildComparison,
  systemClock,
} from "../../mod.ts";
import { fingerprintOf } from "../../src/projections/fingerprint.ts";
import { SqliteProjectionStore } from "../../src/projections/sqlite_projection_store.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import { plainFold } from "../../src/testing/determinism/plain_fold.ts";
import {
  type Counted,
  countingProjection,
  counts,
  type MemoryFixture,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { documentsOf, OFF, SUMS } from "./generation_fixture.ts";

const MANUAL = { enableAutoRebuild: false } as const;

async function compared(
  { rebuilder }: MemoryFixture,
): Promise<RebuildComparison | null | undefined> {
  const result = await rebuilder.rebuild("One", { verify: true });
  assert(result.success, result.details[0]?.errorMessage ?? "");
  return result.details[0]?.comparison;
}

/** What a comparison is to say, from two folds of the same events. */
async function bruteForce(
  events: MemoryEventStore,
  [before, after]: readonly ProjectionDefinition<{ sum: number }, Counted>[],
  checkpoint: number,
): Promise<Omit<RebuildComparison, "generation">> {
  const log = (await Array.fromAsync(events.read("all"))).slice(0, checkpoint);
  const [old, young] = [before, after].map((definition) =>
    plainFold(definition as ProjectionDefinition, log)
  );
  const keys = [...new Set([...old?.keys() ?? [], ...young?.keys() ?? []])]
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const counts = { added: 0, removed: 0, changed: 0, unchanged: 0 };
  const samples = [];
  for (const key of keys) {
    const [a = null, b = null] = [old?.get(key), young?.get(key)];
    const change = a === null
      ? "added"
      : b === null
      ? "removed"
      : isDeepStrictEqual(JSON.parse(a), JSON.parse(b))
      ? "unchanged"
      : "changed";
    counts[change]++;
    if (change !== "unchanged") {
      samples.push({ key, change, before: a, after: b });
    }
  }
  return {
    checkpoint,
    ...counts,
    samples: samples.slice(0, 20) as RebuildComparison["samples"],
  };
}

Deno.test("verify: a comparison equals the brute-force difference of two folds, at one position", async () => {
  const key = fc.oneof(
    fc.constantFrom("a", "b", "é", "\u{1F600}", "\uFFFD", "__proto__"),
    fc.string({ minLength: 1, maxLength: 3, unit: "grapheme" }),
  ).filter((text) => text.trim() !== "");
  const events = fc.array(
    fc.record({ key, by: fc.integer({ min: 1, max: 9 }) }),
    { maxLength: 60 },
  );
  const modulus = fc.integer({ min: 2, max: 7 });
  await fc.assert(
    fc.asyncProperty(
      events,
      events,
      modulus,
      fc.boolean(),
      async (first, more, modulus, isStale) => {
        using dir = new TempDir();
        const log = new MemoryEventStore();
        const append = async (list: readonly Counted["data"][]) => {
          if (list.length === 0) return;
          await log.append(
            list.map((data) => ({ type: "Counted" as const, data })),
          );
        };
        const changed = countingProjection("One", {
          version: 2,
          // The order of fields does not count; the rest does.
          apply: (state, { data: { key, by } }) => {
            const sum = (state?.sum ?? 0) + by;
            if (sum % modulus === 0) return null;
            return by === 3 ? { sum: sum + key.length } : { sum };
          },
        });
        await append(first);
        {
          await using opossum = openOverMemory(dir.path, [SUMS], MANUAL, log);
          await opossum.rebuilder.rebuildAll();
          if (!isStale) {
            await append(more);
            await opossum.daemon.start();
            await opossum.projections.waitFor(first.length + more.length);
          }
        }
        if (isStale) await append(more);
        const options = { ...MANUAL, batchSize: 7 };
        await using opossum = openOverMemory(dir.path, [changed], options, log);
        const checkpoint = first.length + (isStale ? 0 : more.length);
        assertEquals(await compared(opossum), {
          generation: 1,
          ...await bruteForce(log, [SUMS, changed], checkpoint),
        });
        // And what serves then is up to the head.
        const all = await Array.fromAsync(log.read("all"));
        const served = Object.entries(await documentsOf(opossum))
          .map(([key, state]) => [key, JSON.stringify(state)] as const);
        const expected = plainFold(changed as ProjectionDefinition, all);
        assertEquals(new Map(served), expected);
      },
    ),
    { numRuns: Number(Deno.env.get("OPOSSUM_TEST_RUNS") ?? 25) },
  );
});

Deno.test("verify: nothing differs when the definition is the same", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [SUMS], MANUAL);
  await opossum.events.append(counts(9));
  await opossum.rebuilder.rebuildAll();
  const { samples, ...rest } = await compared(opossum) ?? { samples: null };
  assertEquals(samples, []);
  assertEquals(rest, {
    checkpoint: 9,
    generation: 1,
    added: 0,
    removed: 0,
    changed: 0,
    unchanged: 3,
  });
});

Deno.test("verify: there is nothing to compare with when nothing serves, or that is damaged", async () => {
  using dir = new TempDir();
  const events = new MemoryEventStore();
  await events.append(counts(9));
  {
    await using opossum = openOverMemory(dir.path, [SUMS], MANUAL, events);
    assertEquals(await compared(opossum), null);
  }
  Deno.writeTextFileSync(dir.file("projections/One/000001.sqlite"), "?");
  await using opossum = openOverMemory(dir.path, [SUMS], MANUAL, events);
  assertEquals(await compared(opossum), null);
  assertEquals((await opossum.projections.info("One")).state, "ready");
});

Deno.test("verify: samples are the first in order of key, at most 20, their texts cut", async () => {
  using dir = new TempDir();
  const log = new MemoryEventStore();
  await log.append(
    Array.from({ length: 30 }, (_, i) => ({
      type: "Counted" as const,
      data: { key: `k${String(i).padStart(2, "0")}`, by: 1 },
    })),
  );
  const long = countingProjection("One", {
    version: 2,
    apply: () => ({ sum: 0, text: `x${"\u{1F600}".repeat(3_000)}` }),
  });
  {
    await using opossum = openOverMemory(dir.path, [SUMS], MANUAL, log);
    await opossum.rebuilder.rebuildAll();
  }
  await using opossum = openOverMemory(dir.path, [long], MANUAL, log);
  const { changed, samples } = await compared(opossum) ?? {};
  assertEquals([changed, samples?.length], [30, 20]);
  assertEquals(samples?.map(({ key }) => key).slice(0, 2), ["k00", "k01"]);
  assertEquals(samples?.[0]?.before, '{"sum":1}');
  const after = samples?.[0]?.after ?? "";
  assert(after.length <= 1_000 && after.length > 990 && after.isWellFormed());
});

Deno.test("verify: live updates go on meanwhile, and both are compared at one position", async () => {
  using dir = new TempDir();
  const log = new MemoryEventStore();
  await log.append(counts(60));
  {
    await using opossum = openOverMemory(dir.path, [SUMS], MANUAL, log);
    await opossum.rebuilder.rebuildAll();
  }
  // Each event that the build applies brings another one, also while it catches up.
  let left = 40;
  const growing = countingProjection("One", {
    fingerprint: "growing",
    apply: (state, { data: { by } }) => {
      if (left-- > 0) void log.append(counts(1));
      return { sum: (state?.sum ?? 0) + by };
    },
  });
  const same = countingProjection("One", { fingerprint: "growing" });
  {
    await using opossum = openOverMemory(dir.path, [same], MANUAL, log);
    await opossum.rebuilder.rebuildAll();
  }
  const options = { ...MANUAL, batchSize: 5 };
  await using opossum = openOverMemory(dir.path, [growing], options, log);
  await opossum.daemon.start();
  const found = await compared(opossum);
  assert(found && found.checkpoint >= 60, `compared at ${found?.checkpoint}`);
  assertEquals([found.added, found.removed, found.changed, found.unchanged], [
    0,
    0,
    0,
    3,
  ]);
  await opossum.projections.waitFor(await log.head());
  const { sum } = await opossum.projections.get("One", "a") as { sum: number };
  const all = await Array.fromAsync(log.read("all"));
  assertEquals(
    JSON.stringify({ sum }),
    plainFold(same as ProjectionDefinition, all).get("a"),
  );
});

Deno.test("verify: what was found is in no log message", async () => {
  using dir = new TempDir();
  const log = new MemoryEventStore();
  const said: (string | LogAttributes | undefined)[] = [];
  const logger = {
    log: (_: unknown, message: string, attributes?: LogAttributes) =>
      void said.push(message, attributes),
  };
  await log.append([{
    type: "Counted" as const,
    data: { key: "secret-key", by: 987_654 },
  }]);
  for (const definition of [SUMS, OFF]) {
    const options = { ...MANUAL, logger };
    await using opossum = openOverMemory(dir.path, [definition], options, log);
    await opossum.daemon.start();
    const comparison = await compared(opossum);
    assertEquals(
      comparison?.samples[0]?.key,
      definition === OFF ? "secret-key" : undefined,
    );
  }
  const text = JSON.stringify(said);
  assert(said.length > 0 && !/secret|987654|988654/.test(text), text);
});

Deno.test("a rebuild that is to compare does not join one that does not", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [SUMS], MANUAL);
  await opossum.events.append(counts(9));
  const { rebuilder } = opossum;
  const plain = await rebuilder.start(["One"]);
  const { success, details } = await rebuilder.rebuild("One", { verify: true });
  assertEquals([success, details[0]?.error?.name], [
    false,
    "RebuildConflictError",
  ]);
  assert((await rebuilder.wait(plain.id))?.success);
  const verifying = await rebuilder.start(["One"], { verify: true });
  const joined = await rebuilder.rebuild("One");
  assert(joined.success);
  assertEquals(joined.details[0]?.comparison?.unchanged, 3);
  await rebuilder.wait(verifying.id);
});

Deno.test("verify: an interrupted build that is past what serves is begun anew, to be compared", async () => {
  using dir = new TempDir();
  const log = new MemoryEventStore();
  await log.append(counts(6));
  {
    await using opossum = openOverMemory(dir.path, [SUMS], MANUAL, log);
    await opossum.rebuilder.rebuildAll();
  }
  await log.append(counts(3));
  {
    await using store = new SqliteProjectionStore({
      directory: dir.file("projections"),
      fileSystem: denoFileSystem,
      clock: systemClock,
    });
    await using build = await store.begin({
      projectionName: "One",
      version: 2,
      fingerprint: fingerprintOf(OFF),
      storeId: "11111111-2222-4333-8444-555555555555",
    }, { resume: false });
    await build.generation.commit({
      documents: [],
      related: [],
      checkpoint: 9,
      documentsDelta: 0,
      eventsDelta: 9,
    });
  }
  await using opossum = openOverMemory(dir.path, [OFF], MANUAL, log);
  const [plan] = await opossum.rebuilder.plan(undefined);
  assertEquals(plan?.reason, "interrupted");
  assertEquals(await compared(opossum), {
    generation: 1,
    ...await bruteForce(log, [SUMS, OFF], 6),
  });
  assertEquals(Object.keys(await documentsOf(opossum)), ["a", "b"]);
});
