import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../src/events/clock.ts";
import { GroupWriter } from "../../src/log/group_writer.ts";
import { LogFollower } from "../../src/log/log_follower.ts";
import { openLog } from "../../src/log/open_log.ts";
import { FairLock } from "../../src/storage/fair_lock.ts";
import { silentLogger } from "../../src/telemetry/logger.ts";
import { event, TestFolder, unsynced } from "./support.ts";

const A = { items: [{ types: ["A"] }] };

/** A log that is opened for appends, and never appended to from here. */
async function openWriter(path: string, published: (head: number) => void) {
  const lock = new FairLock(unsynced, `${path}/lock`, systemClock);
  const { log, index, repair } = await openLog({
    path,
    lock,
    fileSystem: unsynced,
    clock: systemClock,
    logger: silentLogger,
    segmentBytesMax: 1_000_000,
    allowNetworkFileSystem: false,
  });
  const options = { log, index, lock, clock: systemClock, repair, published };
  return { log, index, lock, writer: new GroupWriter(options) };
}

async function fill(folder: TestFolder, events: number): Promise<void> {
  await folder.with(async (store) => {
    for (let left = events; left > 0; left -= 5_000) {
      await store.append(
        Array.from({ length: Math.min(left, 5_000) }, () => event("A")),
      );
    }
  }, { fileSystem: unsynced });
}

Deno.test("GroupWriter.notice() keeps no more of the index in memory than a transaction takes, however much others append", async () => {
  await using folder = new TestFolder();
  const heads: number[] = [];
  const opened = await openWriter(folder.path, (head) => heads.push(head));
  using _log = opened.log;
  using index = opened.index;
  using _lock = opened.lock;
  await fill(folder, 5_000);
  await opened.writer.notice();
  assertEquals([index.isFull, heads], [false, [5_000]]);
  // What it cannot keep, it makes durable before it reads on.
  await fill(folder, 70_000);
  await opened.writer.notice();
  assertEquals([index.isFull, heads.at(-1)], [false, 75_000]);
  assert(heads.length > 2, `${heads}`);
  assertEquals(await index.firstMatch(A, 74_998, 75_000), 74_999);
  assertEquals(await index.firstMatch(A, 7_000, 75_000), 7_001);
});

Deno.test("LogFollower.notice() keeps nothing for an index that nobody asked for, and little for one that is made", async () => {
  await using folder = new TestFolder();
  await fill(folder, 1);
  using follower = await LogFollower.open({
    path: folder.path,
    fileSystem: unsynced,
    clock: systemClock,
    logger: silentLogger,
  });
  const { index, log } = follower;
  await fill(folder, 5_000);
  await follower.notice();
  assertEquals([index.isFull, log.head], [false, 5_001]);
  assertEquals(await index.firstMatch(A, 2_000, log.head), 2_001);
  await fill(folder, 70_000);
  await follower.notice();
  assertEquals([index.isFull, log.head], [false, 75_001]);
  assertEquals(await index.firstMatch(A, 75_000, log.head), 75_001);
  assertEquals(await index.firstMatch(A, 7_000, log.head), 7_001);
});
