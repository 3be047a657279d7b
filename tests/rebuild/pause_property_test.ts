import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  type MemoryFixture,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

const NAMES = ["One", "Two", "Three"];

type Step =
  | { readonly do: "append"; readonly events: number }
  | { readonly do: "start"; readonly names: readonly string[] }
  | { readonly do: "pause" | "resume" | "cancel"; readonly which: number }
  | { readonly do: "restart" };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant("append" as const),
    events: fc.integer({ min: 1, max: 30 }),
  }),
  fc.record({
    do: fc.constant("start" as const),
    names: fc.subarray(NAMES, { minLength: 1 }),
  }),
  fc.record({
    do: fc.constantFrom("pause" as const, "resume" as const, "cancel" as const),
    which: fc.nat(9),
  }),
  fc.record({ do: fc.constant("restart" as const) }),
);

/** A folder, who has it open, and which operations are ordered to wait. */
class Model {
  readonly #path: string;
  readonly #log = new MemoryEventStore();
  readonly #ids: string[] = [];
  readonly #paused = new Set<string>();
  opossum: MemoryFixture;

  constructor(path: string) {
    this.#path = path;
    this.opossum = this.#open();
  }

  async run(step: Step): Promise<void> {
    const { rebuilder } = this.opossum;
    switch (step.do) {
      case "append":
        await this.#log.append(counts(step.events));
        return;
      case "start":
        this.#ids.push((await rebuilder.start(step.names)).id);
        return;
      case "restart":
        await this.#restart();
        return;
    }
    const id = this.#ids.at(step.which % Math.max(this.#ids.length, 1));
    if (id === undefined) return;
    if (!await rebuilder[step.do](id)) return;
    if (step.do === "pause") this.#paused.add(id);
    else this.#paused.delete(id);
  }

  /** Lets everything go on, and looks at what came of it. */
  async finish(): Promise<void> {
    await this.#restart();
    const { rebuilder, projections } = this.opossum;
    for (const id of this.#paused) await rebuilder.resume(id);
    const { operationIds } = await rebuilder.getRebuildStatus();
    const results = await Promise.all(
      operationIds.map((id) => rebuilder.wait(id)),
    );
    assert(results.every((result) => result?.success));
    for (const operation of await rebuilder.listOperations()) {
      assertEquals(operation.pausedAt, null);
    }
    for (const name of NAMES) {
      const { generation, checkpoint } = await projections.info(name);
      if (generation === null) continue;
      const expected: Record<string, number> = {};
      for await (const event of this.#log.read("all")) {
        if (event.position > checkpoint) break;
        const { key, by } = event.data as { key: string; by: number };
        expected[key] = (expected[key] ?? 0) + by;
      }
      const { documents } = await projections.list<{ sum: number }>(name);
      const found = documents.map(({ key, state }) => [key, state.sum]);
      assertEquals(Object.fromEntries(found), expected);
    }
    await this.opossum[Symbol.asyncDispose]();
  }

  #open(): MemoryFixture {
    const definitions = NAMES.map((name) => countingProjection(name));
    const options = { batchSize: 3, maxConcurrentRebuilds: 2 };
    return openOverMemory(this.#path, definitions, options, this.#log);
  }

  async #restart(): Promise<void> {
    await this.opossum[Symbol.asyncDispose]();
    this.opossum = this.#open();
    const { rebuilder } = this.opossum;
    await Promise.all(await rebuilder.resumeInterrupted());
    for (const id of this.#ids) {
      const operation = await rebuilder.getOperation(id);
      const isPaused = operation?.state === "paused";
      const isOrdered = this.#paused.has(id) && operation?.result === null;
      assertEquals(isPaused, isOrdered, `${id}: ${operation?.state}`);
      assertEquals(operation?.pausedAt !== null, isOrdered);
    }
  }
}

Deno.test("whatever is started, paused, resumed, cancelled and restarted: what is paused stays so, and all is right", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 12 }),
      async (steps) => {
        using dir = new TempDir();
        const model = new Model(dir.path);
        try {
          for (const step of steps) await model.run(step);
          await model.finish();
        } finally {
          await model.opossum[Symbol.asyncDispose]();
        }
      },
    ),
    { numRuns: Number(Deno.env.get("OPOSSUM_TEST_RUNS") ?? 25) },
  );
});
