import { assert, assertEquals } from "@std/assert";
import { FakeClock } from "../../src/testing/mod.ts";
import { DiskSession } from "./disk_session.ts";

const TEN_YEARS_MS = 315_532_800_000;
const STARTS = [
  "1970-01-01T00:00:00Z",
  "2016-02-29T23:59:59Z",
  "2026-03-29T00:59:59Z",
  "2036-01-01T00:00:00Z",
];

/** The documents after work during which the wall clock is set by so much at each step. */
async function work(
  start: string,
  jumpsMs: readonly number[],
): Promise<string> {
  using session = new DiskSession();
  const clock = new FakeClock(start);
  await using open = await session.open({ clock });
  const { store, assembly: { rebuilder, projections } } = open;
  const jump = (step: number) => {
    const byMs = jumpsMs[step % jumpsMs.length] ?? 0;
    clock.setWallClock(Date.parse(start) + byMs + clock.monotonicMs());
  };
  for (let step = 0; step < 2; step++) {
    for (let n = 0; n < 5; n++) {
      await session.append(store);
      jump(step + n);
    }
    const { id } = await rebuilder.start(undefined, { forceRebuild: true });
    for (;;) {
      const operation = await rebuilder.getOperation(id);
      jump(step);
      assertSensible(operation);
      assertSensible(await rebuilder.getRebuildStatus());
      if (operation?.result) break;
      await clock.advance(50);
    }
    const result = await rebuilder.wait(id);
    assert(result?.success);
    assert(result.duration >= 0);
  }
  assert((await store.verify()).ok);
  const documents: unknown[] = [];
  for (const name of projections.names) {
    const { checkpoint, state } = await projections.info(name);
    documents.push(checkpoint, state);
    for await (const document of projections.documents(name)) {
      documents.push(document);
    }
  }
  const operations = await rebuilder.listOperations();
  assertEquals(operations.length, 2);
  return JSON.stringify(documents);
}

/** No number that is negative or none, and no time that is not one. */
function assertSensible(value: unknown, path = ""): void {
  if (typeof value === "number") {
    assert(Number.isFinite(value) && value >= 0, `${path} is ${value}`);
  }
  if (typeof value === "string" && /At$/.test(path)) {
    assert(!Number.isNaN(Date.parse(value)), `${path} is ${value}`);
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, part] of Object.entries(value)) {
    assertSensible(part, `${path}.${key}`);
  }
}

Deno.test("a wall clock that is set back or ahead while events are appended and rebuilt changes no document", async () => {
  const expected = await work("2026-01-01T00:00:00Z", [0]);
  for (const start of STARTS) {
    for (
      const jumps of [
        [-TEN_YEARS_MS],
        [TEN_YEARS_MS],
        [TEN_YEARS_MS, -2 * TEN_YEARS_MS, 3_600_000, -3_600_000, 1, -1],
      ]
    ) assertEquals(await work(start, jumps), expected);
  }
});
