/**
 * Taking a lock in several places at once.
 *
 * @module
 */
import { assertEquals } from "@std/assert";

/** Takes a lock three times at once, and sees that nobody else has it meanwhile. */
export async function takeOneAtATime(
  lock: { acquire(): Promise<Disposable> },
): Promise<void> {
  let inside = 0;
  const take = async () => {
    using _held = await lock.acquire();
    assertEquals(++inside, 1);
    await Promise.resolve();
    inside--;
  };
  await Promise.all([take(), take(), take()]);
}
