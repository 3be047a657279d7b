import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  defineProjection,
  isProjectionName,
  openOpossum,
  silentLogger,
} from "../../mod.ts";
import { runCli } from "../../src/cli/run.ts";
import { TempDir } from "../support/temp_dir.ts";
import { HOSTILE_TEXTS } from "./hostile_texts.ts";

type Named = { type: string; data: { key: string; by: number } };

/** A document a key, whatever the key. */
const named = defineProjection<{ key: string; sum: number }, Named>({
  name: "Named",
  version: 1,
  eventTypes: ["Named"],
  key: (event) => event.data.key,
  apply: (state, { data: { key, by } }) => ({
    key,
    sum: (state?.sum ?? 0) + by,
  }),
  tags: ({ key }) => [key],
});

function isRefused(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError;
}

/** Nothing that was stored or read has changed what every object has. */
function assertUnpolluted(): void {
  const plain: Record<string, unknown> = {};
  for (const name of ["admin", "polluted", "key", "by", "sum"]) {
    assertEquals(plain[name], undefined);
  }
}

Deno.test("there are 500 hostile texts", () => {
  assertEquals(HOSTILE_TEXTS.length, 500);
});

Deno.test("every hostile text comes back as itself as a type, a tag and data, or is refused with a typed error", async () => {
  using dir = new TempDir();
  await using opossum = await openOpossum({
    path: dir.path,
    logger: silentLogger,
  });
  const { events } = opossum;
  const taken: string[] = [];
  for (const text of HOSTILE_TEXTS) {
    try {
      const data = { [text]: text, nested: [{ [text]: { [text]: 1 } }] };
      await events.append([{ type: text, tags: [text], data }]);
      taken.push(text);
    } catch (error) {
      assert(isRefused(error), `${JSON.stringify(text)}: ${error}`);
      const isFine = text !== "" && text.isWellFormed() &&
        new TextEncoder().encode(text).length <= 256;
      assert(!isFine, `${JSON.stringify(text)} is refused: ${error}`);
    }
  }
  assert(taken.length > 400, `${taken.length}`);
  for (const [index, text] of taken.entries()) {
    for (
      const item of [{ types: [text] }, { tags: [text] }, {
        types: [text],
        tags: [text],
      }]
    ) {
      const found = await Array.fromAsync(events.read({ items: [item] }));
      assertEquals(found.map(({ position }) => position), [index + 1]);
      const [event] = found;
      assertEquals([event?.type, event?.tags], [text, [text]]);
      const data = event?.data as Record<string, unknown>;
      assert(Object.keys(data).includes(text));
      assertEquals(Object.getOwnPropertyDescriptor(data, text)?.value, text);
    }
    // A condition on it sees it, and only it.
    const failIfEventsMatch = { items: [{ tags: [text] }] };
    await assertRejects(() =>
      events.append([{ type: "X", data: {} }], {
        condition: { failIfEventsMatch },
      })
    );
  }
  assertUnpolluted();
  assert((await opossum.verify()).ok);
});

Deno.test("every hostile text is a key and a tag of its own, live and rebuilt and exported, or faults its projection", async () => {
  using dir = new TempDir();
  const usable = HOSTILE_TEXTS.filter((text) =>
    text !== "" && text.isWellFormed() && !text.includes("\0")
  );
  {
    await using opossum = await openOpossum({
      path: dir.path,
      projections: [named],
      logger: silentLogger,
    });
    const { events, projections, rebuilder, daemon } = opossum;
    await daemon.whenStarted();
    const append = (keys: readonly string[]) =>
      events.append(keys.map((key, by) => ({
        type: "Named",
        data: { key, by: by + 1 },
      })));
    const { last } = await append(usable);
    await projections.waitFor(last);
    const check = async () => {
      const all = await projections.getMany("Named", usable);
      assertEquals(all.size, usable.length);
      for (const [index, key] of usable.entries()) {
        const expected = { key, sum: index + 1 };
        assertEquals(all.get(key), expected);
        const { documents } = await projections.queryByTag("Named", key);
        assertEquals(documents, [{ key, state: expected }]);
      }
    };
    await check();
    await rebuilder.rebuildAll({ forceRebuild: true });
    await check();
    for (const key of ["a\0b", ""]) {
      await append([key]);
      const { success, details } = await rebuilder.rebuildAll({
        forceRebuild: true,
      });
      assert(!success);
      assertEquals(details[0]?.error?.name, "ProjectionApplyError");
    }
  }
  let text = "";
  const exitCode = await runCli([
    "export",
    "Named",
    "--json",
    "--data",
    dir.path,
    "--projections",
    import.meta.resolve("./hostile_projection.ts"),
  ], {
    write: (part) => Promise.resolve(void (text += part)),
    report: () => {},
    stdin: new ReadableStream(),
    isTerminal: false,
    signal: new AbortController().signal,
  });
  assertEquals(exitCode, 0);
  const exported = JSON.parse(text) as {
    key: string;
    state: { key: string };
  }[];
  const keys = new Set(exported.map(({ key }) => key));
  assertEquals(keys.size, usable.length);
  for (const key of usable) assert(keys.has(key), JSON.stringify(key));
  assertUnpolluted();
});

Deno.test("a tag of a document that would come back as another one fails its projection, and is not told", async () => {
  for (const tag of ["\ud800secret", "secret\0", "", "s".repeat(9_000), 7]) {
    using dir = new TempDir();
    const tagged = { ...named, tags: () => [tag as string] };
    await using opossum = await openOpossum({
      path: dir.path,
      projections: [tagged],
      logger: silentLogger,
      startDaemon: false,
    });
    const data = { key: "a", by: 1 };
    await opossum.events.append([{ type: "Named", data }]);
    const { details } = await opossum.rebuilder.rebuildAll();
    const error = details[0]?.error;
    assertEquals(error?.name, "ProjectionApplyError");
    assert(!error?.message.includes("secret"), error?.message);
  }
});

Deno.test("prototype-polluting data is data: appended, projected, exported and imported", async () => {
  using dir = new TempDir();
  const line = '{"__proto__":{"admin":true},"constructor":' +
    '{"prototype":{"polluted":1}},"key":"a","by":1}';
  {
    await using opossum = await openOpossum({
      path: dir.path,
      projections: [named],
      logger: silentLogger,
    });
    await opossum.daemon.whenStarted();
    const data = JSON.parse(line);
    const { last } = await opossum.events.append([{ type: "Named", data }]);
    await opossum.projections.waitFor(last);
    const read = await opossum.events.readLast("all");
    assertEquals(JSON.stringify(read?.data), line);
    assertUnpolluted();
  }
  const imported = `${
    JSON.stringify({ position: 1, id: crypto.randomUUID(), type: "Named" })
      .slice(0, -1)
  },"tags":["__proto__"],"data":${line},"timestamp":"2026-01-01T00:00:00Z"}\n`;
  const other = dir.file("other");
  const exitCode = await runCli(["import", "-", "--data", other], {
    write: () => Promise.resolve(),
    report: () => {},
    stdin: ReadableStream.from([new TextEncoder().encode(imported)]),
    isTerminal: false,
    signal: new AbortController().signal,
  });
  assertEquals(exitCode, 0);
  await using opossum = await openOpossum({
    path: other,
    logger: silentLogger,
  });
  const read = await opossum.events.readLast("all");
  assertEquals(JSON.stringify(read?.data), line);
  assertEquals(({} as Record<string, unknown>).admin, undefined);
  assertUnpolluted();
});

Deno.test("no hostile text is taken for a projection's name that could leave its folder", () => {
  for (const text of HOSTILE_TEXTS) {
    if (!isProjectionName(text)) continue;
    assert(/^[A-Za-z][A-Za-z0-9_-]*$/.test(text), JSON.stringify(text));
  }
});
