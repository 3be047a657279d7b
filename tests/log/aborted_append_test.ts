import { assert, assertEquals, assertRejects } from "@std/assert";
import { AppendConditionError } from "../../mod.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { FileLock } from "../../src/storage/file_lock.ts";
import type { FileSystem } from "../../src/storage/file_system.ts";
import { FakeClock } from "../../src/testing/mod.ts";
import { event, positions, TestFolder } from "./support.ts";

Deno.test("append() gives up at once while it waits for its turn, and writes nothing later", async () => {
  await using folder = new TestFolder();
  const clock = new FakeClock();
  await using store = await folder.open({ clock });
  using lock = new FileLock(denoFileSystem, `${folder.path}/lock`, clock);
  const reason = new Error("No longer wanted");
  const controller = new AbortController();
  const { signal } = controller;
  {
    using _held = lock.tryAcquire();
    const given = store.append([event("GivenUp")], { signal });
    const other = store.append([event("Other")]);
    controller.abort(reason);
    // The clock stands still: nobody gets the lock meanwhile.
    assertEquals(await given.catch((error) => error), reason);
    lock[Symbol.dispose]();
    let isOver = false;
    other.finally(() => isOver = true);
    while (!isOver) await clock.advance(1);
  }
  assertEquals(
    await Array.fromAsync(store.read("all"), ({ type }) => type),
    ["Other"],
  );
});

/** A disk that does something with each read of a segment. */
function watching(onRead: () => void): FileSystem {
  return {
    ...denoFileSystem,
    open(path, options) {
      const file = denoFileSystem.open(path, options);
      if (!path.endsWith(".ndjson")) return file;
      const readAt = file.readAt.bind(file);
      file.readAt = (buffer, offset) => {
        onRead();
        return readAt(buffer, offset);
      };
      return file;
    },
  };
}

Deno.test("append() gives up also while the conditions of others before it are judged", async () => {
  await using folder = new TestFolder();
  let onRead = () => {};
  await using store = await folder.open({
    fileSystem: watching(() => onRead()),
  });
  await store.append([event("A", ["t:1"])]);
  const reason = new Error("No longer wanted");
  const controller = new AbortController();
  onRead = () => controller.abort(reason);
  const condition = { failIfEventsMatch: { items: [{ tags: ["t:1"] }] } };
  const judged = store.append([event("B")], { condition });
  const given = store.append([event("GivenUp")], { signal: controller.signal });
  const outcomes = await Promise.allSettled([judged, given]);
  const [conflict, aborted] = outcomes.map((outcome) =>
    outcome.status === "rejected" ? outcome.reason : undefined
  );
  assert(conflict instanceof AppendConditionError);
  assertEquals(aborted, reason);
  assertEquals(await positions(store), [1]);
  await assertRejects(
    () => store.append([event("C")], { condition }),
    AppendConditionError,
  );
});
