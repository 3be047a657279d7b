import { assert, assertEquals } from "@std/assert";
import { FaultyFileSystem } from "../../src/testing/mod.ts";
import { withSync } from "../support/slow_sync.ts";
import { event, positions, range, TestFolder } from "./support.ts";

/** What was asked of the segments: how often written, how often synced. */
function writesAndSyncs({ operations }: FaultyFileSystem): number[] {
  const count = (wanted: string) =>
    operations.filter(({ kind, path }) =>
      kind === wanted && path.includes("/events/")
    ).length;
  return [count("append"), count("sync")];
}

Deno.test("append() called sixteen times at once writes once and syncs once", async () => {
  await using folder = new TestFolder();
  const fileSystem = new FaultyFileSystem();
  await folder.with(async (store) => {
    await store.append([event("First")]);
    fileSystem.forget();
    const results = await Promise.all(
      range(1, 16).map((n) => store.append([event("A", [`n:${n}`], n)])),
    );
    assertEquals(writesAndSyncs(fileSystem), [1, 1]);
    assertEquals(results.map(({ first }) => first), range(2, 17));
    assertEquals(
      await positions(store, { items: [{ tags: ["n:16"] }] }),
      [17],
    );
  }, { fileSystem });
});

Deno.test("append() resolves only after its sync, and what comes meanwhile shares the next one", async () => {
  await using folder = new TestFolder();
  const held: (() => void)[] = [];
  let wasAsked = Promise.withResolvers<void>();
  let holds = false;
  const counting = new FaultyFileSystem(
    withSync("/events/", async (next) => {
      if (holds) {
        const { promise, resolve } = Promise.withResolvers<void>();
        held.push(resolve);
        wasAsked.resolve();
        await promise;
      }
      await next();
    }),
  );
  await folder.with(async (store) => {
    await store.append([event("First")]);
    holds = true;
    counting.forget();
    const settled: number[] = [];
    const append = (n: number) =>
      store.append([event("A", [], n)]).then(({ first }) => {
        settled.push(first);
      });
    const first = append(1);
    await wasAsked.promise;
    const others = range(2, 6).map(append);
    assertEquals(settled, []);
    assertEquals(await store.head(), 1);
    wasAsked = Promise.withResolvers();
    held.pop()?.();
    await first;
    assertEquals(settled, [2]);
    await wasAsked.promise;
    assertEquals(await store.head(), 2);
    held.pop()?.();
    await Promise.all(others);
    assertEquals(settled, range(2, 7));
    assertEquals(writesAndSyncs(counting), [2, 2]);
  }, { fileSystem: counting });
});

Deno.test("append() writes any text in groups of any size, and all of it is whole", async () => {
  await using folder = new TestFolder();
  const texts = ["a", "é", "漢字", "🦝", "x".repeat(90_000), 'é\u2028"\\\n'];
  await folder.with(async (store) => {
    const groups = range(0, 7).map((size) =>
      range(0, size).map((n) => ({
        type: `Type-${texts[n % 4]}`,
        tags: [`tag:${texts[n % 4]}`],
        data: { text: texts[(n + size) % texts.length] ?? "" },
      }))
    );
    for (const group of groups) {
      await Promise.all(group.map((input) => store.append([input])));
    }
    const read = await Array.fromAsync(store.read("all"));
    assertEquals(
      read.map(({ type, tags, data }) => ({ type, tags, data })),
      groups.flat(),
    );
    const { ok, frames } = await store.verify();
    assert(ok);
    assertEquals(frames, groups.flat().length);
  });
});

Deno.test("append() finds its events by type and tag, however many nobody asked for before", async () => {
  await using folder = new TestFolder();
  await folder.with(async (store) => {
    for (const size of [1, 254, 1, 1, 300, 2_500]) {
      const from = await store.head();
      await store.append(
        range(1, size).map((n) => event("A", [`n:${from + n}`])),
      );
    }
    const head = await store.head();
    for (const n of [1, 2, 255, 256, 257, 258, 557, 558, head]) {
      const query = { items: [{ types: ["A"], tags: [`n:${n}`] }] };
      assertEquals(await positions(store, query), [n]);
    }
  });
});
