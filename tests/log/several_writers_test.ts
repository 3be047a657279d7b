import { assert, assertEquals, assertRejects } from "@std/assert";
import { fileURLToPath } from "node:url";
import { AppendConditionError } from "../../mod.ts";
import type { FileEventStore } from "../../src/log/file_event_store.ts";
import { AppendFailedError } from "../../src/log/errors.ts";
import { encodeSegmentHeader } from "../../src/log/format.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { FileLock } from "../../src/storage/file_lock.ts";
import { FakeClock, FaultyFileSystem } from "../../src/testing/mod.ts";
import { withSync } from "../support/slow_sync.ts";
import { event, positions, range, TestFolder } from "./support.ts";

/** Every append but the first begins a segment. */
const SMALL = { segmentBytesMax: 64 };

Deno.test("append() follows another store on the folder, which begins a segment with every append", async () => {
  await using folder = new TestFolder();
  await using a = await folder.open(SMALL);
  await using b = await folder.open(SMALL);
  // Who only follows, and for how long, must not matter.
  const turns = [a, b, a, b, b, b, a, a, b, a, b, b, a, a, a, b];
  for (const [i, store] of turns.entries()) {
    const { first } = await store.append([event("A", [`n:${i + 1}`])]);
    assertEquals(first, i + 1);
  }
  assertEquals(await positions(a), range(1, turns.length));
  assertEquals(await positions(b), range(1, turns.length));
  assertEquals(folder.segments().length, turns.length);
  assert((await a.verify()).ok);
});

Deno.test("head() and read() see what another store on the folder appended, also in a new segment", async () => {
  await using folder = new TestFolder();
  await using a = await folder.open(SMALL);
  await using b = await folder.open(SMALL);
  for (const n of range(1, 4)) {
    await a.append([event("A", [`n:${n}`])]);
    assertEquals(await b.head(), n);
    const query = { items: [{ tags: [`n:${n}`] }] };
    assertEquals(await positions(b, query), [n]);
  }
});

Deno.test("append() goes on in a segment that another store began and wrote nothing to", async () => {
  await using folder = new TestFolder();
  const fileSystem = new FaultyFileSystem();
  await using a = await folder.open(SMALL);
  await using b = await folder.open({ ...SMALL, fileSystem });
  await a.append([event("A")]);
  const path = "/events/";
  fileSystem.inject({ kind: "append", path, nth: 2, code: "ENOSPC" });
  await assertRejects(() => b.append([event("B")]), AppendFailedError);
  assertEquals(folder.segments().length, 2);
  assertEquals((await a.append([event("C")])).first, 2);
  assertEquals(folder.segments().length, 2);
  assertEquals((await b.append([event("D")])).first, 3);
  assert((await b.verify()).ok);
});

Deno.test("append() goes on where another store could not begin a segment", async () => {
  await using folder = new TestFolder();
  const fileSystem = new FaultyFileSystem();
  await using a = await folder.open(SMALL);
  await using b = await folder.open({ ...SMALL, fileSystem });
  await a.append([event("A")]);
  assertEquals(await b.head(), 1);
  fileSystem.inject({ kind: "open", path: "/events/", code: "EMFILE" });
  await assertRejects(() => b.append([event("B")]), AppendFailedError);
  assertEquals(await a.head(), 1);
  assertEquals((await b.append([event("C")])).first, 2);
  assertEquals(await a.head(), 2);
  assertEquals((await a.append([event("D")])).first, 3);
  assertEquals(await positions(b), range(1, 3));
});

Deno.test("append() takes no segment for the next one that does not follow the last frame", async () => {
  await using folder = new TestFolder();
  {
    await using store = await folder.open();
    await store.append([event("A")]);
    const { bytes } = encodeSegmentHeader({
      segment: 2,
      store: store.storeId,
      created: "2026-01-01T00:00:00.000Z",
      previous: 1,
      previousBytes: Deno.statSync(folder.segment(0)).size,
      prev: 7,
    });
    Deno.writeFileSync(folder.segment(0).replace("1.nd", "2.nd"), bytes);
    assertEquals((await store.append([event("B")])).first, 2);
    assertEquals(folder.names("quarantine").length, 1);
  }
  await using store = await folder.open();
  assertEquals(await positions(store), [1, 2]);
  assert((await store.verify()).ok);
});

Deno.test("head() sees what another store appends to a segment that was not there when it looked", async () => {
  await using folder = new TestFolder();
  await using a = await folder.open(SMALL);
  const looks: Promise<number>[] = [];
  await using b = await folder.open({
    ...SMALL,
    fileSystem: {
      ...denoFileSystem,
      open(path, options) {
        if (options.mode === "createNew") looks.push(a.head());
        return denoFileSystem.open(path, options);
      },
    },
  });
  for (const n of range(1, 3)) {
    await b.append([event("A")]);
    assertEquals(await a.head(), n);
  }
  assertEquals(looks.length, 3);
  await Promise.all(looks);
});

Deno.test("append() and head() wait for a reader that is making another store's events durable", async () => {
  await using folder = new TestFolder();
  const asked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let holds = false;
  await using a = await folder.open({
    // Time stands still: whoever waits by polling waits for good.
    clock: new FakeClock(),
    fileSystem: withSync("/events/", async (next) => {
      if (holds) {
        asked.resolve();
        await released.promise;
      }
      await next();
    }),
  });
  await using b = await folder.open();
  await a.append([event("A")]);
  await b.append([event("B")]);
  holds = true;
  const settled: string[] = [];
  const note = (what: string, of: Promise<unknown>) =>
    of.then((value) => settled.push(`${what} ${JSON.stringify(value)}`));
  const reading = note("head", a.head());
  await asked.promise;
  const others = [
    note("append", a.append([event("C")])),
    note("head", a.head()),
  ];
  assertEquals(settled, []);
  released.resolve();
  await Promise.all([reading, ...others]);
  assertEquals(settled.toSorted(), [
    'append {"first":3,"last":3}',
    "head 2",
    "head 2",
  ]);
});

Deno.test("head() waits its own time for the lock, also when a reader before it gives up", async () => {
  await using folder = new TestFolder();
  const clock = new FakeClock();
  await using a = await folder.open({ clock });
  await folder.with((b) => b.append([event("A")]));
  using lock = new FileLock(denoFileSystem, `${folder.path}/lock`, clock);
  const held = lock.tryAcquire();
  const first = a.head();
  await clock.advance(95);
  const second = a.head();
  await clock.advance(10);
  // Another process may be stopped for long: what is known is told.
  assertEquals(await first, 0);
  held?.[Symbol.dispose]();
  await clock.advance(10);
  assertEquals(await second, 1);
});

Deno.test("append() judges conditions on what another store appended just before", async () => {
  await using folder = new TestFolder();
  await using a = await folder.open();
  await using b = await folder.open();
  await a.append([event("Other"), event("Other")]);
  await b.append([event("SeatTaken", ["seat:1"])]);
  const failIfEventsMatch = { items: [{ tags: ["seat:1"] }] };
  for (const after of [0, 1, 2]) {
    const error = await assertRejects(
      () => a.append([event("B")], { condition: { failIfEventsMatch, after } }),
      AppendConditionError,
    );
    assertEquals(error.conflict, { after, foundAt: 3 });
  }
  const condition = { failIfEventsMatch, after: 3 };
  assertEquals((await a.append([event("B")], { condition })).first, 4);
});

Deno.test("append() lets each of two stores have its share, however fast both append", async () => {
  await using folder = new TestFolder();
  await using a = await folder.open();
  await using b = await folder.open();
  let left = 300;
  const appendAll = async (store: FileEventStore) => {
    let appended = 0;
    for (; left > 0; left--, appended++) await store.append([event("A")]);
    return appended;
  };
  const shares = await Promise.all([a, b].map(appendAll));
  // Whose lock nobody hands over gets one or two.
  assert(Math.min(...shares) >= 30, shares.join());
});

Deno.test("append() gives each seat once, whichever of several processes asks", async () => {
  await using folder = new TestFolder();
  const program = fileURLToPath(
    new URL("./append_program.ts", import.meta.url),
  );
  const processes = ["ada", "grace", "edsger"].map((name) =>
    new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--allow-read",
        "--allow-write",
        "--allow-env",
        "--allow-sys",
        program,
        folder.path,
        name,
        "20",
      ],
    }).output()
  );
  for (const { success, stderr } of await Promise.all(processes)) {
    assert(success, new TextDecoder().decode(stderr));
  }
  await folder.with(async (store) => {
    const events = await Array.fromAsync(store.read("all"));
    assertEquals(events.map(({ position }) => position), range(1, 60));
    assertEquals(
      events.flatMap(({ tags }) => tags),
      range(1, 60).map((seat) => `seat:${seat}`),
    );
    assert((await store.verify()).ok);
  });
});
