import { assert, assertEquals, assertRejects } from "@std/assert";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { FairLock } from "../../src/storage/fair_lock.ts";
import { LockTimeoutError } from "../../src/storage/file_lock.ts";
import { FakeClock } from "../../src/testing/mod.ts";
import { takeOneAtATime } from "../support/take_one_at_a_time.ts";
import { TempDir } from "../support/temp_dir.ts";

function openLock(path: string, clock = new FakeClock()): FairLock {
  return new FairLock(denoFileSystem, path, clock);
}

Deno.test("FairLock.tryAcquire() gives the lock again and again while nobody waits", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  using lock = openLock(dir.file("lock"), clock);
  for (let i = 0; i < 50; i++) {
    const held = lock.tryAcquire();
    assert(held);
    held[Symbol.dispose]();
    await clock.advance(1);
  }
});

Deno.test("FairLock.tryAcquire() gives way to who waits, but not before its turn is over", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  using a = openLock(dir.file("lock"), clock);
  using b = openLock(dir.file("lock"), new FakeClock());
  const first = a.tryAcquire();
  const waiting = new AbortController();
  const acquiring = assertRejects(() => b.acquire({ signal: waiting.signal }));
  first?.[Symbol.dispose]();
  for (let ms = 0; ms < 5; ms++) {
    const held = a.tryAcquire();
    assert(held, `after ${ms} ms`);
    held[Symbol.dispose]();
    await clock.advance(1);
  }
  assertEquals(a.tryAcquire(), undefined);
  waiting.abort();
  await acquiring;
  assert(a.tryAcquire());
});

Deno.test("FairLock.acquire() lets who waits go first when its turn is over", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  using a = openLock(dir.file("lock"), clock);
  using b = openLock(dir.file("lock"), clock);
  const order: string[] = [];
  const first = await a.acquire();
  const take = async (lock: FairLock, name: string) => {
    using _held = await lock.acquire();
    order.push(name);
  };
  const waiting = take(b, "b");
  await clock.whenSleeping();
  await clock.advance(10);
  first[Symbol.dispose]();
  const again = take(a, "a");
  await clock.advance(10);
  await Promise.all([waiting, again]);
  assertEquals(order, ["b", "a"]);
});

Deno.test("FairLock.acquire() is not kept from a free lock by the sign of a process that is stopped", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  using lock = openLock(dir.file("lock"), clock);
  using stopped = Deno.openSync(dir.file("lock.waiting"), {
    append: true,
    create: true,
  });
  const exclusive = false;
  stopped.tryLockSync(exclusive);
  for (let i = 0; i < 10; i++) {
    await clock.advance(10);
    assertEquals(lock.tryAcquire(), undefined);
    const acquiring = lock.acquire();
    await clock.advance(2);
    (await acquiring)[Symbol.dispose]();
    // Its turn has begun.
    const held = lock.tryAcquire();
    assert(held);
    held[Symbol.dispose]();
  }
});

Deno.test("FairLock.acquire() takes back its sign, whether it got the lock or not", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  using a = openLock(dir.file("lock"), clock);
  using b = openLock(dir.file("lock"), clock);
  using signs = Deno.openSync(dir.file("lock.waiting"), {
    append: true,
    create: true,
  });
  const isFree = () => {
    const exclusive = true;
    const free = signs.tryLockSync(exclusive);
    if (free) signs.unlockSync();
    return free;
  };
  const held = a.tryAcquire();
  const giving = assertRejects(
    () => b.acquire({ timeoutMs: 20 }),
    LockTimeoutError,
    `Cannot take the lock "${dir.file("lock")}"`,
  );
  await clock.whenSleeping();
  assert(!isFree());
  await clock.advance(100);
  await giving;
  assert(isFree());
  const acquiring = b.acquire();
  await clock.whenSleeping();
  held?.[Symbol.dispose]();
  await clock.advance(10);
  using _got = await acquiring;
  assert(isFree());
});

Deno.test("FairLock.acquire() looks every millisecond at first, and less often for a lock that seems stuck", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  using a = openLock(dir.file("lock"));
  using b = openLock(dir.file("lock"), clock);
  using _held = a.tryAcquire();
  const waits: number[] = [];
  const { sleep } = clock;
  clock.sleep = (ms, signal) => {
    waits.push(ms);
    return sleep.call(clock, ms, signal);
  };
  const giving = assertRejects(
    () => b.acquire({ timeoutMs: 1_100 }),
    LockTimeoutError,
  );
  await clock.advance(1_100);
  await giving;
  assertEquals([waits[0], waits[1], waits.at(-1)], [2, 1, 10]);
  assertEquals(waits.filter((ms) => ms === 10).length, 10);
});

Deno.test("FairLock.acquire() serves those who use the same object one at a time", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  using lock = openLock(dir.file("lock"), clock);
  const taking = takeOneAtATime(lock);
  await clock.advance(100);
  await taking;
});

Deno.test("FairLock.tryAcquire() gives way to who waits through the same object", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  using a = openLock(dir.file("lock"), clock);
  using b = openLock(dir.file("lock"), clock);
  const held = b.tryAcquire();
  const acquiring = a.acquire();
  await clock.whenSleeping();
  await clock.advance(10);
  held?.[Symbol.dispose]();
  assertEquals(a.tryAcquire(), undefined);
  await clock.advance(2);
  using _got = await acquiring;
});
