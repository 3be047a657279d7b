/**
 * What this project relies on in `@std/async`, be it the real package or the stand-in.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { abortable } from "@std/async/abortable";
import { Semaphore } from "@std/async/unstable-semaphore";

Deno.test("Semaphore gives out as many permits as it has, and takes them back", () => {
  const semaphore = new Semaphore(2);
  const first = semaphore.tryAcquire();
  using _second = semaphore.tryAcquire();
  assertEquals(semaphore.tryAcquire(), undefined);
  first?.[Symbol.dispose]();
  assert(semaphore.tryAcquire());
});

Deno.test("Semaphore serves those who wait first come, first served", async () => {
  const semaphore = new Semaphore();
  const order: string[] = [];
  const work = async (name: string) => {
    using _permit = await semaphore.acquire();
    order.push(`${name} begins`);
    await Promise.resolve();
    order.push(`${name} ends`);
  };
  await Promise.all(["a", "b", "c"].map(work));
  assertEquals(
    order,
    ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"],
  );
});

Deno.test("Semaphore.release() hands the permit on, never making more than there were", async () => {
  const semaphore = new Semaphore(1);
  await semaphore.acquire();
  const waiting = semaphore.acquire();
  semaphore.release();
  await waiting;
  assertEquals(semaphore.tryAcquire(), undefined);
  semaphore.release();
  semaphore.release();
  assert(semaphore.tryAcquire());
  assertEquals(semaphore.tryAcquire(), undefined);
});

Deno.test("Semaphore refuses to have no permits", () => {
  assertThrows(() => new Semaphore(0), TypeError, "'max' must be at least 1");
});

Deno.test("abortable() resolves to what it waits for, or rejects with the signal's reason", async () => {
  const never = new Promise<never>(() => {});
  const stop = new AbortController();
  assertEquals(await abortable(Promise.resolve(7), stop.signal), 7);
  const reason = new RangeError("enough");
  const waiting = abortable(never, stop.signal);
  stop.abort(reason);
  await assertRejects(() => waiting, RangeError, "enough");
  await assertRejects(
    () => abortable(never, stop.signal),
    RangeError,
    "enough",
  );
});
