import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { defineProjection } from "../../mod.ts";
import {
  assertDeterministic,
  checkDeterminism,
  DeterminismError,
} from "../../src/testing/mod.ts";
import { generateEvents } from "../../examples/course_management/seeder.ts";
import {
  checkOrders,
  FEW_WAYS,
  ORDERS,
  ordersProjection,
  type Placed,
} from "./determinism_fixture.ts";

const counting = ordersProjection<{ orders: number; articles: string[] }>(
  (state, { data: { lines } }) => ({
    orders: (state?.orders ?? 0) + 1,
    articles: [
      ...state?.articles ?? [],
      ...lines.map(({ article }) => article),
    ],
  }),
);

/** Runs an action and returns the temporary folders that it made. */
async function tempDirsOf(action: () => Promise<unknown>): Promise<string[]> {
  const paths: string[] = [];
  const { makeTempDir } = Deno;
  Deno.makeTempDir = async (options) => {
    const path = await makeTempDir(options);
    paths.push(path);
    return path;
  };
  try {
    await action();
  } finally {
    Deno.makeTempDir = makeTempDir;
  }
  return paths;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}

Deno.test("checkDeterminism() finds that a pure projection gives the same documents in every way", async () => {
  const report = await checkDeterminism({
    projections: [counting],
    events: ORDERS,
  });
  assert(report.isDeterministic);
  assertEquals(report.events, 5);
  assertEquals(report.ways, [
    "plain fold",
    "live, batches of 1",
    "live, batches of 7",
    "live, batches of 1000",
    "rebuilt, 1 at a time",
    "rebuilt, 2 at a time",
    "rebuilt, 4 at a time",
    "rebuilt, batches of 1",
    "rebuilt, batches of 7",
    "rebuilt, 1048576 bytes of memory",
    "rebuilt again",
  ]);
  const [orders] = report.projections;
  assertEquals(orders?.name, "Orders");
  assertEquals(orders?.documents, 2);
  assertEquals(orders?.problems, []);
  assertEquals(orders?.differingWays, []);
  assertEquals(orders?.difference, null);
  assertEquals(orders?.outcomes.map(({ way }) => way), report.ways);
  assertEquals(new Set(orders?.outcomes.map(({ digest }) => digest)).size, 1);
  assertEquals(JSON.parse(JSON.stringify(report)), report);
});

Deno.test("checkDeterminism() takes a module, and folds across a restart then", async () => {
  const report = await checkDeterminism({
    projections: import.meta.resolve(
      "../../examples/course_management/projections.ts",
    ),
    events: generateEvents({ events: 60 }),
    ...FEW_WAYS,
  });
  assert(report.isDeterministic);
  assertEquals(report.projections.map(({ name }) => name), [
    "CourseDetails",
    "CourseShortInfo",
    "StudentDetails",
    "StudentShortInfo",
  ]);
  assert(report.ways.includes("rebuilt, definitions as objects"));
  assert(report.ways.includes("stored half-way, then another thread"));
});

Deno.test("checkDeterminism() takes events as they come, and none at all", async () => {
  async function* later() {
    for (const order of ORDERS) yield await Promise.resolve(order);
  }
  const some = await checkOrders(counting, { ...FEW_WAYS, events: later() });
  assertEquals([some.isDeterministic, some.documents], [true, 2]);
  const none = await checkOrders(counting, { ...FEW_WAYS, events: [] });
  assertEquals([none.isDeterministic, none.documents], [true, 0]);
});

Deno.test("checkDeterminism() gives ids and timestamps once, not in every way anew", async () => {
  const stamping = ordersProjection<{ id: string; at: string }>(
    (_state, { id, timestamp }) => ({ id, at: timestamp }),
  );
  const events = ORDERS.map(({ timestamp: _, ...order }) => order);
  const found = await checkOrders(stamping, { ...FEW_WAYS, events });
  assert(found.isDeterministic);
});

Deno.test("checkDeterminism() says which ways differ, and shows the first document", async () => {
  let calls = 0;
  const { isDeterministic, outcomes, differingWays, difference } =
    await checkOrders(
      ordersProjection((state: { calls: number } | undefined) => ({
        calls: (state?.calls ?? 0) + calls++,
      })),
    );
  assert(!isDeterministic);
  assertEquals(
    differingWays,
    outcomes.map(({ way }) => way).filter((way) => way !== "plain fold"),
  );
  assertEquals(difference?.way, "live, batches of 2");
  assertEquals(difference?.key, "ada");
  assertStringIncludes(difference?.expected ?? "", '{"calls":');
  assertStringIncludes(difference?.actual ?? "", '{"calls":');
  assert(difference?.expected !== difference?.actual);
});

Deno.test("checkDeterminism() does not wait for a projection that fails, nor lets it fail others", async () => {
  let calls = 0;
  const failing = defineProjection<{ orders: number }, Placed>({
    name: "Failing",
    version: 1,
    eventTypes: ["Placed"],
    key: ({ data }) => data.customer,
    apply: (state) => {
      // More than the check itself asks for: it fails in the engine.
      if (++calls > 12) throw new Error("Out of calls");
      return { orders: (state?.orders ?? 0) + 1 };
    },
  });
  const { projections: [first, second] } = await checkDeterminism({
    projections: [failing, counting],
    events: ORDERS,
    ...FEW_WAYS,
  });
  assert(first && !first.isDeterministic);
  assertEquals(first?.difference, null);
  const errors = first?.outcomes.map(({ error }) => error) ?? [];
  assertEquals(errors[0], null);
  assertStringIncludes(errors[1] ?? "", "Out of calls");
  assertStringIncludes(errors[2] ?? "", "Out of calls");
  assert(second?.isDeterministic);
});

Deno.test("assertDeterministic() returns the report, or throws it as words", async () => {
  const options = { events: ORDERS, ...FEW_WAYS };
  const report = await assertDeterministic({
    projections: [counting],
    ...options,
  });
  assert(report.isDeterministic);
  let orders = 0;
  const shared = ordersProjection(() => ({ orders: ++orders }));
  const error = await assertRejects(
    () => assertDeterministic({ projections: [shared], ...options }),
    DeterminismError,
  );
  assert(!error.report.isDeterministic);
  const { expected, actual } = error.report.projections[0]?.difference ?? {};
  assertEquals(
    error.message,
    `"Orders" is not deterministic (5 events, 4 ways of folding them):
  sharedState: 'apply' gave two results for the same arguments: it depends on something outside of them, such as a variable that outlives the call (event 1, "Placed", document "ada")
  other documents than by the plain fold: live, batches of 2; rebuilt, 1 at a time; rebuilt again
  the first is "ada":
    plain fold: ${expected}
    live, batches of 2: ${actual}`,
  );
});

Deno.test("checkDeterminism() leaves no folder behind, whatever happens", async () => {
  const options = { projections: [counting], events: ORDERS, ...FEW_WAYS };
  const [usual = ""] = await tempDirsOf(() => checkDeterminism(options));
  assertStringIncludes(usual, "opossum_determinism_");
  assert(!await exists(usual));
  const reason = new Error("Enough");
  const [aborted = ""] = await tempDirsOf(async () => {
    const signal = AbortSignal.abort(reason);
    const error = await assertRejects(() =>
      checkDeterminism({ ...options, signal })
    );
    assertEquals(error, reason);
  });
  assert(!await exists(aborted));
});

Deno.test("checkDeterminism() refuses what openOpossum() refuses, before it makes a folder", async () => {
  const right = { projections: [counting], events: ORDERS };
  const wrong = [
    [{ ...right, batchSizes: [0] }, RangeError, "'batchSize'"],
    [{ ...right, batchSizes: [] }, RangeError, "at least one value"],
    [{ ...right, maxConcurrentRebuilds: [65] }, RangeError, "'maxConcurrent"],
    [{ ...right, rebuildMemoryBytesMax: [1] }, RangeError, "'rebuildMemory"],
    [{ ...right, projections: [counting, counting] }, RangeError, "differ in"],
    [{ ...right, events: [{ type: "", data: 1 }] }, RangeError, "type"],
  ] as const;
  for (const [options, type, words] of wrong) {
    const paths = await tempDirsOf(() =>
      assertRejects(() => checkDeterminism(options), type, words)
    );
    assertEquals(paths, []);
  }
});
