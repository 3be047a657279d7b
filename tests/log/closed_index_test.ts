import { assertEquals, assertRejects } from "@std/assert";
import { systemClock } from "../../src/events/clock.ts";
import { StoreClosedError } from "../../src/log/errors.ts";
import { IndexMismatchError } from "../../src/log/index_mismatch.ts";
import { openLog } from "../../src/log/open_log.ts";
import { FairLock } from "../../src/storage/fair_lock.ts";
import { denoFileSystem as fileSystem } from "../../src/storage/deno_file_system.ts";
import { silentLogger } from "../../src/telemetry/logger.ts";
import { event, TestFolder } from "./support.ts";

const A = { items: [{ types: ["A"] }] };
const RANGE = { after: 0, upTo: 1, limit: 10, backwards: false };

Deno.test("a read that goes on while its store is closed is told so, instead of finding nothing", async () => {
  await using folder = new TestFolder();
  await folder.with((store) => store.append([event("A")]));
  const { path } = folder;
  using lock = new FairLock(fileSystem, `${path}/lock`, systemClock);
  const { log, index } = await openLog({
    path,
    lock,
    fileSystem,
    clock: systemClock,
    logger: silentLogger,
    segmentBytesMax: 1_000_000,
    allowNetworkFileSystem: false,
  });
  using _log = log;
  assertEquals((await index.find(A, RANGE)).positions, [1]);
  index[Symbol.dispose]();
  await assertRejects(() => index.find(A, RANGE), StoreClosedError);
  await assertRejects(() => index.firstMatch(A, 0, 1), StoreClosedError);
  // Nor is the file made again, which nobody would close.
  const { ino } = Deno.statSync(`${path}/index.sqlite`);
  index.distrust(new IndexMismatchError("It is wrong"));
  await assertRejects(() => index.find(A, RANGE), StoreClosedError);
  assertEquals(Deno.statSync(`${path}/index.sqlite`).ino, ino);
});
