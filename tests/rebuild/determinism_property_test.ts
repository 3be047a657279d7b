/**
 * Rebuilt = live = folded by hand, through the public API and over real files, whatever the
 * options say.
 *
 * @module
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import fc from "fast-check";
import {
  type EventInput,
  openOpossum,
  type Opossum,
  type OpossumOptions,
  type ProjectionDefinition,
  silentLogger,
} from "../../mod.ts";
import * as sample from "../../examples/course_management/projections.ts";
import { anyLog } from "../examples/campus_events.ts";
import { oracleStates } from "../examples/oracle.ts";
import { TempDir } from "../support/temp_dir.ts";
import {
  type Expected,
  type ExpectedByName,
  hostileOracle,
} from "./determinism_oracle.ts";
import * as hostile from "./determinism_projections.ts";
import type { HostileEvent } from "./determinism_projections.ts";

type Ways = Pick<
  OpossumOptions,
  "batchSize" | "maxConcurrentRebuilds" | "rebuildMemoryBytesMax"
>;

const batchSize = fc.oneof(
  fc.constantFrom(1, 2, 3, 1_000),
  fc.integer({ min: 1, max: 100 }),
);
/** Memory is shared out by places, so that many of them leave each projection next to none. */
const tiny = { maxConcurrentRebuilds: 64, rebuildMemoryBytesMax: 2 ** 20 };
const ways: fc.Arbitrary<Ways> = batchSize.chain((batchSize) =>
  fc.constantFrom<Ways>(
    { batchSize, maxConcurrentRebuilds: 1 },
    { batchSize, maxConcurrentRebuilds: 2 },
    { batchSize, maxConcurrentRebuilds: 4 },
    { batchSize, maxConcurrentRebuilds: 4, rebuildMemoryBytesMax: 2 ** 20 },
  )
);
/** A live one, and three rebuilds. */
const fourWays = fc.tuple(
  ways,
  ways,
  ways,
  fc.integer({ min: 1, max: 10 }).map((batchSize) => ({ batchSize, ...tiny })),
);

/** Texts that have harmed others: prototypes, digits, quotes, order by bytes and by units. */
const NAMES = [
  "a",
  "A",
  "__proto__",
  "constructor",
  "toString",
  "0",
  "00",
  '"\n\\',
  "é",
  "\uffff",
  "😀",
];
const name = fc.constantFrom(...NAMES);
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 2, noUnicodeString: false }),
  // Large, so that little memory is too little.
  fc.integer({ min: 1, max: 40 }).map((hundreds) =>
    "é😀".repeat(hundreds * 25)
  ),
  name.map((name) => ({ [name]: [name] })),
);
const hostileEvent: fc.Arbitrary<EventInput<HostileEvent>> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      keys: fc.array(name, { maxLength: 3 }),
      field: name,
      value,
    }).map((data) => ({
      type: "Put" as const,
      data,
      tags: [...new Set(data.keys)].map((key) => `key:${key}`),
    })),
  },
  name.map((key) => ({
    type: "Dropped" as const,
    data: { key },
    tags: [`key:${key}`],
  })),
  {
    weight: 3,
    arbitrary: fc.record({ from: name, to: name })
      .map((data) => ({ type: "Linked" as const, data })),
  },
  fc.constant({ type: "Ignored" as const, data: null }),
);

/** Opens the store, live or not. */
async function open(
  path: string,
  projections: string | readonly ProjectionDefinition[],
  options: Partial<OpossumOptions>,
): Promise<Opossum> {
  return await openOpossum({
    path,
    projections,
    enableAutoRebuild: false,
    startDaemon: false,
    logger: silentLogger,
    ...options,
  });
}

/** What is there must be what was to be expected, in order, with its digest and its tags. */
async function assertHolds(
  { projections }: Opossum,
  expectedByName: ExpectedByName,
  way: string,
): Promise<void> {
  assertEquals(projections.names, [...expectedByName.keys()]);
  for (const [name, expected] of expectedByName) {
    const found = await Array.fromAsync(projections.documents(name));
    const documents = found.map(({ key, state }) => [key, state] as const);
    const sorted = inOrder(expected.states);
    if (digestOf(documents) !== digestOf(sorted)) {
      // Shows where.
      assertEquals(documents, sorted, `${name}, ${way}`);
      throw new Error(`${name}, ${way}: the texts differ`);
    }
    const info = await projections.info(name);
    assertEquals(info.documents, sorted.length, `${name}, ${way}`);
    await assertTags(projections, name, expected, way);
  }
}

async function assertTags(
  projections: Opossum["projections"],
  name: string,
  { keysByTag }: Expected,
  way: string,
): Promise<void> {
  for (const [tag, keys] of keysByTag) {
    const { documents } = await projections.queryByTag(name, tag);
    assertEquals(
      documents.map(({ key }) => key),
      keys.sort(compareBytes),
      `${name}, ${tag}, ${way}`,
    );
  }
}

function inOrder(
  states: ReadonlyMap<string, unknown>,
): (readonly [string, unknown])[] {
  return [...states].sort(([a], [b]) => compareBytes(a, b));
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function digestOf(documents: readonly (readonly [string, unknown])[]): string {
  const hash = createHash("sha256");
  for (const document of documents) hash.update(JSON.stringify(document));
  return hash.digest("hex");
}

interface Subject {
  readonly url: string;
  readonly definitions: readonly ProjectionDefinition[];
}

/** Follows the log live, then rebuilds it in each of the ways; all must hold the same. */
async function assertDeterministic(
  { url, definitions }: Subject,
  blocks: readonly (readonly EventInput[])[],
  expected: ExpectedByName,
  [live, ...rebuilds]: readonly Ways[],
): Promise<void> {
  using dir = new TempDir();
  {
    const options = { ...live, enableAutoRebuild: true, startDaemon: true };
    await using opossum = await open(dir.path, url, options);
    await opossum.daemon.whenStarted();
    for (const block of blocks) await opossum.events.append(block);
    await opossum.projections.waitFor(await opossum.events.head());
    await assertHolds(opossum, expected, "live");
  }
  for (const [index, options] of rebuilds.entries()) {
    for (const projections of index === 0 ? [url, definitions] : [url]) {
      await using opossum = await open(dir.path, projections, options);
      const result = await opossum.rebuilder.rebuildAll({ forceRebuild: true });
      assert(result.success, JSON.stringify(result.details));
      await assertHolds(opossum, expected, JSON.stringify(options));
    }
  }
}

function blocksOf<T>(event: fc.Arbitrary<T>): fc.Arbitrary<T[][]> {
  return fc.array(fc.array(event, { minLength: 1, maxLength: 40 }), {
    minLength: 1,
    maxLength: 4,
  });
}

Deno.test("hostile projections hold the same, whatever the options say", async () => {
  const subject = {
    url: import.meta.resolve("./determinism_projections.ts"),
    definitions: Object.values(hostile) as ProjectionDefinition[],
  };
  await fc.assert(
    fc.asyncProperty(
      blocksOf(hostileEvent),
      fourWays,
      async (blocks, ways) => {
        const expected = hostileOracle(blocks.flat());
        await assertDeterministic(subject, blocks, expected, ways);
      },
    ),
    { numRuns: 12 },
  );
});

Deno.test("the sample's projections hold the same, whatever the options say", async () => {
  const subject = {
    url: import.meta.resolve(
      "../../examples/course_management/projections.ts",
    ),
    definitions: Object.values(sample) as ProjectionDefinition[],
  };
  await fc.assert(
    fc.asyncProperty(
      anyLog.filter(({ length }) => length > 0),
      fourWays,
      async (log, ways) => {
        const states = Object.entries(oracleStates(log))
          .map(([name, states]) =>
            [name, { states: new Map(states), keysByTag: new Map() }] as const
          );
        await assertDeterministic(subject, [log], new Map(states), ways);
      },
    ),
    { numRuns: 8 },
  );
});

Deno.test("with next to no memory, one part of the documents is rebuilt after the other", async () => {
  using dir = new TempDir();
  let last = 0;
  let steppedBack = 0;
  const watched: ProjectionDefinition = {
    ...hostile.values as ProjectionDefinition,
    apply(state, event, context) {
      if (event.position < last) steppedBack++;
      last = event.position;
      return hostile.values.apply(
        state as Record<string, unknown> | undefined,
        event as Parameters<typeof hostile.values.apply>[1],
        context as Parameters<typeof hostile.values.apply>[2],
      );
    },
  };
  const events = Array.from({ length: 60 }, (_, index) => ({
    type: "Put" as const,
    data: { keys: NAMES, field: "text", value: `${index}`.repeat(1_000) },
  }));
  const options = { ...tiny, batchSize: 2 };
  await using opossum = await open(dir.path, [watched], options);
  await opossum.events.append(events);
  await opossum.rebuilder.rebuildAll();
  assertGreater(steppedBack, 0);
});
