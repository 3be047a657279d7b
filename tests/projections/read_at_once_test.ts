import { assertEquals } from "@std/assert";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { sumOfDocument } from "../../src/projections/row_sums.ts";
import { SqliteGeneration } from "../../src/projections/sqlite_generation.ts";
import { TempDir } from "../support/temp_dir.ts";

/** Does something right after the next statement of a kind has run, as another process would. */
function afterNext(kind: "all" | "get", action: () => void): Disposable {
  const methods = StatementSync.prototype as unknown as Record<
    string,
    (...args: unknown[]) => unknown
  >;
  const original = methods[kind];
  if (original === undefined) throw new TypeError(`No ${kind}()`);
  const restore = () => {
    methods[kind] = original;
  };
  methods[kind] = function (this: unknown, ...args) {
    const result = original.apply(this, args);
    restore();
    action();
    return result;
  };
  return { [Symbol.dispose]: restore };
}

/** Two documents that change together, read and written through connections of their own. */
async function openBoth(file: string) {
  const identity = {
    projectionName: "One",
    version: 1,
    fingerprint: "f",
    storeId: "s",
  };
  const options = { file, number: 1, displayName: "1.sqlite" };
  const building = SqliteGeneration.create(
    { ...options, use: "building" },
    identity,
  );
  await building.commit({
    documents: ["a", "b"].map((key) => ({
      key,
      text: "1",
      tagsAdded: [],
      tagsRemoved: [],
    })),
    related: [],
    checkpoint: 1,
    documentsDelta: 2,
    eventsDelta: 1,
  });
  building.complete("2026-01-01T00:00:00.000Z");
  const writer = new DatabaseSync(file);
  const reader = SqliteGeneration.open({ ...options, use: "serving" }, "One");
  return {
    reader,
    commit: () =>
      writer.exec(
        `BEGIN; UPDATE documents SET state = '2', sum = CASE key WHEN 'a' THEN ${
          sumOfDocument("a", "2")
        } ELSE ${sumOfDocument("b", "2")} END; ` +
          "UPDATE meta SET value = 2 WHERE name = 'checkpoint'; COMMIT",
      ),
    [Symbol.dispose]() {
      writer.close();
      reader.close();
    },
  };
}

Deno.test("page() tells documents and checkpoint of one moment, whatever another process commits", async () => {
  using dir = new TempDir();
  using both = await openBoth(dir.file("1.sqlite"));
  using _restoring = afterNext("all", both.commit);
  const request = {
    after: undefined,
    limit: 10,
    backwards: false,
    tag: undefined,
  };
  const before = await both.reader.page(request);
  assertEquals(before.checkpoint, 1);
  const after = await both.reader.page(request);
  assertEquals(after.checkpoint, 2);
  assertEquals(after.documents.map(({ text }) => text), ["2", "2"]);
});

Deno.test("getMany() tells documents of one moment, whatever another process commits", async () => {
  using dir = new TempDir();
  using both = await openBoth(dir.file("1.sqlite"));
  using _restoring = afterNext("get", both.commit);
  const before = await both.reader.getMany(["a", "b"]);
  assertEquals([...before.values()], ["1", "1"]);
  const after = await both.reader.getMany(["a", "b"]);
  assertEquals([...after.values()], ["2", "2"]);
});
