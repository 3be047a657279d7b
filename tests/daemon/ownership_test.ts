import { assert, assertEquals } from "@std/assert";
import { Ownership } from "../../src/daemon/ownership.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { FakeClock, MemoryEventStore } from "../../src/testing/mod.ts";
import type { ProjectionFault } from "../../mod.ts";
import { SqliteProjectionStore } from "../../src/projections/sqlite_projection_store.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

const FAULT: ProjectionFault = {
  position: 1,
  eventType: "T",
  message: "",
  at: "2026-01-01T00:00:00.000Z",
  attempts: 1,
  retryAt: "",
};

/** One of several daemons on a folder. */
class Standin implements AsyncDisposable {
  readonly store: SqliteProjectionStore;
  readonly ownership: Ownership;
  movedTo: number | undefined;
  fault: ProjectionFault | null = null;
  isAwaited = false;

  constructor(directory: string, clock: FakeClock) {
    const fileSystem = denoFileSystem;
    this.store = new SqliteProjectionStore({ directory, fileSystem, clock });
    const live = {
      wasMovedHere: (_: string, checkpoint: number) =>
        checkpoint === this.movedTo,
      fault: () => this.fault,
      isAwaited: () => this.isAwaited,
    };
    this.ownership = new Ownership({ store: this.store, live, clock });
  }

  mayApply(checkpoint: number | undefined, head: number): boolean {
    return this.ownership.mayApply("One", checkpoint, head);
  }

  get isOwner(): boolean {
    return this.store.owner("One")?.isSelf ?? false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.ownership[Symbol.dispose]();
    await this.store[Symbol.asyncDispose]();
  }
}

Deno.test("Ownership lets one apply what is behind, and all know who that is", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  await using a = new Standin(dir.path, clock);
  await using b = new Standin(dir.path, clock);
  assertEquals(a.store.owner("One"), null);
  assertEquals(dir.list(), []);
  assertEquals([a.mayApply(0, 1), b.mayApply(0, 1)], [true, false]);
  const { pid } = Deno;
  const since = clock.now().toISOString();
  assertEquals(a.store.owner("One"), { pid, since, isSelf: true });
  assertEquals(b.store.owner("One"), { pid, since, isSelf: false });
  assertEquals(a.ownership.nextLookAtMs(), Infinity);
});

Deno.test("Ownership passes to who stands by when the owner ends, a second later at most", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  await using b = new Standin(dir.path, clock);
  {
    await using a = new Standin(dir.path, clock);
    assertEquals([a.mayApply(1, 1), b.mayApply(1, 1)], [false, false]);
    assert(a.isOwner);
  }
  assertEquals(b.store.owner("One"), null);
  assertEquals(b.ownership.nextLookAtMs() - clock.monotonicMs(), 1_000);
  assert(b.mayApply(1, 2));
  assert(b.isOwner);
});

Deno.test("Ownership lets who stands by do what the owner leaves undone, until somebody does it", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  await using a = new Standin(dir.path, clock);
  await using b = new Standin(dir.path, clock);
  a.mayApply(1, 1);
  assert(!b.mayApply(1, 1));
  // It was up to date for long: patience begins when it is behind.
  await clock.advance(10_000);
  assert(!b.mayApply(1, 2));
  assertEquals(b.ownership.nextLookAtMs() - clock.monotonicMs(), 25);
  await clock.advance(249);
  assert(!b.mayApply(1, 9));
  await clock.advance(1);
  assert(b.mayApply(1, 9));
  // If that does not work out, it is not tried again at once.
  assertEquals(b.ownership.nextLookAtMs() - clock.monotonicMs(), 1_000);
  b.movedTo = 9;
  assert(!b.mayApply(9, 9));
  assert(b.mayApply(9, 10), "goes on at once");
  // The owner is back.
  assert(!b.mayApply(10, 11));
  await clock.advance(200);
  assert(!b.mayApply(11, 12));
  await clock.advance(200);
  assert(!b.mayApply(11, 12));
});

Deno.test("Ownership of what takes no events is given up, but not for a fault", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  await using a = new Standin(dir.path, clock);
  a.mayApply(0, 1);
  a.fault = FAULT;
  assert(!a.mayApply(undefined, 1));
  assert(a.isOwner);
  a.fault = null;
  assert(!a.mayApply(undefined, 1));
  assertEquals(a.store.owner("One"), null);
  assertEquals(a.ownership.nextLookAtMs(), Infinity);
  a.isAwaited = true;
  a.mayApply(undefined, 1);
  assertEquals(a.ownership.nextLookAtMs() - clock.monotonicMs(), 1_000);
});

Deno.test("a second daemon stands by, tells who is at it, and goes on when that one stops", async () => {
  using dir = new TempDir();
  const log = new MemoryEventStore();
  const clock = new FakeClock();
  const definitions = [countingProjection("One")];
  const a = openOverMemory(dir.path, definitions, {}, log);
  await a.daemon.start();
  await a.daemon.whenStarted();
  await log.append(counts(3));
  await a.projections.waitFor(3);
  await using b = openOverMemory(dir.path, definitions, { clock }, log);
  await b.daemon.start();
  await b.daemon.whenStarted();
  await clock.whenSleeping();
  const { owner } = await b.projections.info("One");
  assertEquals([owner?.pid, owner?.isSelf], [Deno.pid, false]);
  await a.daemon.stop();
  await log.append(counts(3));
  const applied = b.projections.waitFor(6);
  await clock.advance(1_000);
  await applied;
  assert((await b.projections.info("One")).owner?.isSelf);
  await a[Symbol.asyncDispose]();
});
