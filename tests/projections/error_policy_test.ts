import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import {
  defineProjection,
  type ErrorPolicy,
  type Logger,
  type ProjectionDefinition,
  RebuilderClosedError,
} from "../../mod.ts";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import {
  type MemoryFixture,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import {
  type Expected,
  expectedOf,
  FAILURES,
  type Noted,
  notesUnder,
  toInput,
} from "./error_policy_events.ts";

const key = fc.constantFrom("a", "b", "c");
const data: fc.Arbitrary<Noted["data"]> = fc.record({
  keys: fc.array(key, { maxLength: 3 }),
  fail: fc.oneof(
    { weight: 2, arbitrary: fc.constant("none" as const) },
    { weight: 1, arbitrary: fc.constantFrom(...FAILURES) },
  ),
  only: key,
  drop: fc.integer({ min: 0, max: 7 }).map((one) => one === 0),
});
const step = fc.oneof(
  { weight: 4, arbitrary: fc.array(data, { minLength: 1, maxLength: 8 }) },
  { weight: 2, arbitrary: fc.constantFrom("rebuild", "restart" as const) },
);

/** Under `"stop"` a document's text and tags are only made when it is stored. */
const SHOWS_LATE: ReadonlySet<string> = new Set(["tags", "json", "notJson"]);

async function orClosed(rebuild: Promise<unknown>): Promise<void> {
  try {
    await rebuild;
  } catch (error) {
    if (!(error instanceof RebuilderClosedError)) throw error;
  }
}

/** Waits until live updates are as far as they can come, and looks at what is there. */
async function assertComesTo(
  { projections }: MemoryFixture,
  { documents, letters, stoppedAt }: Expected,
  head: number,
): Promise<void> {
  const through = stoppedAt === undefined ? head : stoppedAt - 1;
  let info = await projections.info("Notes");
  while (info.fault === null && info.checkpoint < head) {
    await setImmediate();
    info = await projections.info("Notes");
  }
  assertEquals(info.checkpoint, through);
  assertEquals(info.state, stoppedAt === undefined ? "ready" : "faulted");
  assertEquals(info.fault?.position, stoppedAt);
  await assertHolds(projections, { documents, letters, stoppedAt });
}

async function assertHolds(
  projections: MemoryFixture["projections"],
  { documents, letters }: Expected,
): Promise<void> {
  const page = await projections.list("Notes");
  const states = page.documents.map(({ key, state }) => [key, state]);
  assertEquals(Object.fromEntries(states), documents);
  const found = await projections.deadLetters("Notes");
  assertEquals(
    found.map(({ position, key }) => `${position} ${key ?? "*"}`).sort(),
    [...letters].sort(),
  );
  const info = await projections.info("Notes");
  assertEquals(info.deadLetters, letters.length);
  assertEquals(info.documents, page.documents.length);
}

for (const policy of ["stop", "skip", "quarantine"] as const) {
  Deno.test(`rebuilt equals live under the error policy ${policy}, whatever fails where`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 10 }),
        fc.constantFrom(1, 2, 3, 1_000),
        fc.constantFrom(0, 2, 10_000),
        async (steps, batchSize, deadLettersMax) => {
          using dir = new TempDir();
          const log = new MemoryEventStore();
          const notes = notesUnder(policy, deadLettersMax);
          const open = () =>
            openOverMemory(dir.path, [notes], { batchSize }, log);
          let opossum = open();
          await opossum.daemon.start();
          await opossum.daemon.whenStarted();
          const all: Noted["data"][] = [];
          const rebuilds: Promise<unknown>[] = [];
          for (const action of steps) {
            if (Array.isArray(action)) {
              const seen = action.map((data): Noted["data"] =>
                policy === "stop" && SHOWS_LATE.has(data.fail)
                  ? { ...data, fail: "apply" }
                  : data
              );
              all.push(...seen);
              await log.append(seen.map(toInput));
            } else if (action === "restart") {
              await opossum[Symbol.asyncDispose]();
              opossum = open();
              await opossum.daemon.start();
            } else {
              rebuilds.push(orClosed(opossum.rebuilder.rebuild("Notes")));
            }
          }
          await Promise.all(rebuilds);
          await opossum.daemon.whenStarted();
          const expected = expectedOf(all, policy, deadLettersMax);
          await assertComesTo(opossum, expected, all.length);
          const { success, details } = await opossum.rebuilder.rebuild("Notes");
          assertEquals(success, expected.stoppedAt === undefined);
          const failed = success ? null : "ProjectionApplyError";
          assertEquals(details[0]?.error?.name ?? null, failed);
          await assertHolds(opossum.projections, expected);
          await opossum[Symbol.asyncDispose]();
        },
      ),
      { numRuns: Number(Deno.env.get("OPOSSUM_TEST_RUNS") ?? 10) },
    );
  });
}

async function foldOf(
  definition: ProjectionDefinition,
  events: readonly Noted["data"][],
  action: (opossum: MemoryFixture) => Promise<void>,
): Promise<void> {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [definition]);
  await opossum.daemon.start();
  await opossum.daemon.whenStarted();
  await opossum.events.append(events.map(toInput));
  await opossum.projections.waitFor(events.length);
  await action(opossum);
}

const event = (
  only: string,
  fail: Noted["data"]["fail"],
): Noted["data"] => ({ keys: ["a", "b"], fail, only, drop: false });

Deno.test("asynchronous code is a failure like any other, and a rejected promise ends nothing", async () => {
  // deno-lint-ignore no-explicit-any -- the types forbid it
  const refuse: any = () => Promise.reject(new Error("Nobody waits"));
  const tags = refuse;
  const notes = notesUnder("stop");
  const events = [event("a", "none")].map(toInput);
  for (
    const overrides of [
      { key: refuse },
      { apply: refuse },
      { tags },
      { related: { eventTypes: ["Noted"], tags } },
    ]
  ) {
    using dir = new TempDir();
    await using opossum = openOverMemory(dir.path, [{
      ...notes,
      ...overrides,
    }]);
    await opossum.events.append(events);
    const { details: [detail] } = await opossum.rebuilder.rebuild("Notes");
    assertEquals(detail?.error?.name, "ProjectionApplyError");
    assertEquals(detail?.error?.position, 1);
    const method = Object.keys(overrides)[0] ?? "";
    assertStringIncludes(
      detail?.errorMessage ?? "",
      `${method === "related" ? "related.tags" : method}' must be synchronous`,
    );
  }
});

Deno.test("deadLetters() says which event was passed over for which document, why and when", async () => {
  const events = [event("a", "none"), event("b", "half"), event("b", "key")];
  await foldOf(notesUnder("skip"), events, async ({ projections }) => {
    const letters = await projections.deadLetters("Notes");
    for (const { at } of letters) assert(!Number.isNaN(Date.parse(at)));
    const common = { eventType: "Noted", reason: "failed" };
    assertEquals(letters.map(({ at: _, ...rest }) => rest), [
      { position: 2, key: "b", message: "Refused, half done", ...common },
      { position: 3, key: null, message: "No key", ...common },
    ]);
  });
});

Deno.test("live updates tell the log which events they passed over, once they did", async () => {
  const told: unknown[] = [];
  const logger: Logger = {
    log(level, message, { position, reason } = {}) {
      if (level === "warn") told.push([message, position, reason]);
    },
  };
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [notesUnder("skip")], {
    logger,
  });
  await opossum.daemon.start();
  await opossum.daemon.whenStarted();
  await opossum.events.append(
    [event("a", "apply"), event("c", "key")].map(toInput),
  );
  await opossum.projections.waitFor(2);
  const message = "Projection passed over an event";
  assertEquals(told, [[message, 1, "failed"], [message, 2, "failed"]]);
});

Deno.test("a document that was read back is what it was before the event that failed on it", async () => {
  using dir = new TempDir();
  const log = new MemoryEventStore();
  const events = (["none", "half", "none"] as const)
    .map((fail) => event("a", fail));
  // The second process finds nothing in memory.
  for (const [first, last] of [[0, 1], [1, 3]] as const) {
    await using opossum = openOverMemory(
      dir.path,
      [notesUnder("skip")],
      {},
      log,
    );
    await opossum.daemon.start();
    await opossum.daemon.whenStarted();
    await log.append(events.slice(first, last).map(toInput));
    await opossum.projections.waitFor(last);
    const expected = expectedOf(events.slice(0, last), "skip", 9);
    await assertHolds(opossum.projections, expected);
  }
});

Deno.test("a failure that does not come three times in a row is none", async () => {
  let calls = 0;
  const flaky = defineProjection<{ seen: number[] }>({
    name: "Notes",
    version: 1,
    errorPolicy: "skip",
    eventTypes: ["Noted"],
    key: () => "a",
    apply(state, { position }) {
      const { seen } = state ?? { seen: [] };
      seen.push(position);
      if (++calls % 3 !== 0) throw new Error("Now and then");
      return { seen };
    },
  }) as ProjectionDefinition;
  const events = [event("a", "none"), event("a", "none")];
  await foldOf(flaky, events, async ({ projections }) => {
    // Not 1, 1, 1, 2, 2, 2: each attempt begins with what was there before.
    assertEquals(await projections.get("Notes", "a"), { seen: [1, 2] });
    assertEquals(await projections.deadLetters("Notes"), []);
  });
});

Deno.test("another error policy makes a generation stale, as it passes over other events", async () => {
  using dir = new TempDir();
  const log = new MemoryEventStore();
  for (const policy of ["stop", "skip", "quarantine"] as ErrorPolicy[]) {
    await using opossum = openOverMemory(
      dir.path,
      [notesUnder(policy)],
      { enableAutoRebuild: false },
      log,
    );
    const { state } = await opossum.projections.info("Notes");
    assertEquals(state, policy === "stop" ? "absent" : "stale");
    assert((await opossum.rebuilder.rebuild("Notes")).success);
  }
});

/** Makes a step of the next commit fail, in the file itself, as a crash there would. */
function breakCommits(path: string, step: "dead letter" | "checkpoint"): void {
  const file = `${path}/projections/Notes/000001.sqlite`;
  using database = new DatabaseSync(file);
  const when = step === "dead letter"
    ? "INSERT ON dead_letters"
    : "INSERT ON meta WHEN NEW.name = 'checkpoint'";
  database.exec(
    `CREATE TRIGGER broken BEFORE ${when} BEGIN SELECT RAISE(ABORT, 'Cut'); END`,
  );
}

function mendCommits(path: string): void {
  using database = new DatabaseSync(
    `${path}/projections/Notes/000001.sqlite`,
  );
  database.exec("DROP TRIGGER broken");
}

for (const step of ["dead letter", "checkpoint"] as const) {
  Deno.test(`an event is passed over and recorded in one transaction: a commit cut at its ${step} leaves neither`, async () => {
    using dir = new TempDir();
    const log = new MemoryEventStore();
    const definitions = [notesUnder("skip")];
    let told = () => {};
    const logger: Logger = {
      log: (_level, message) => {
        if (message === "Live update failed") told();
      },
    };
    const open = () => openOverMemory(dir.path, definitions, { logger }, log);
    const events = [event("a", "apply"), event("b", "apply")];
    const stateOf = async ({ projections }: MemoryFixture) => ({
      checkpoint: (await projections.info("Notes")).checkpoint,
      letters: (await projections.deadLetters("Notes")).length,
      a: await projections.get("Notes", "a"),
    });
    {
      await using opossum = open();
      await log.append(events.slice(0, 1).map(toInput));
      await opossum.rebuilder.rebuild("Notes");
    }
    breakCommits(dir.path, step);
    {
      await using opossum = open();
      const before = await stateOf(opossum);
      assertEquals(before, { checkpoint: 1, letters: 1, a: undefined });
      await log.append(events.slice(1).map(toInput));
      const failed = Promise.withResolvers<void>();
      told = () => failed.resolve();
      await opossum.daemon.start();
      await failed.promise;
      await opossum.daemon.stop();
      assertEquals(await stateOf(opossum), before);
    }
    mendCommits(dir.path);
    await using opossum = open();
    await opossum.daemon.start();
    await opossum.projections.waitFor(2);
    assertEquals(await stateOf(opossum), {
      checkpoint: 2,
      letters: 2,
      a: { seen: [2], back: 1 },
    });
  });
}
