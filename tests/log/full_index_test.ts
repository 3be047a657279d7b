import { assertEquals, assertRejects } from "@std/assert";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { AppendConditionError } from "../../src/events/append_condition.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import type { FileSystem } from "../../src/storage/file_system.ts";
import { event, TestFolder } from "./support.ts";

const SQLITE_FULL = 13;

/** A database on a disk that has no room for what a statement writes. */
class FullDatabase extends DatabaseSync {
  override prepare(sql: string): StatementSync {
    const statement = super.prepare(sql);
    if (sql.startsWith("INSERT OR IGNORE INTO typed")) {
      statement.run = () => {
        const errors = { code: "ERR_SQLITE_ERROR", errcode: SQLITE_FULL };
        throw Object.assign(new Error("database or disk is full"), errors);
      };
    }
    return statement;
  }
}

const fullDisk: FileSystem = {
  ...denoFileSystem,
  openDatabase: (path) => new FullDatabase(path, { timeout: 50 }),
};

Deno.test("openFileEventStore() opens a store whose index has no room on the disk, and leaves what there is of it", async () => {
  await using folder = new TestFolder();
  await folder.with((store) => store.append([event("A")]));
  const file = `${folder.path}/index.sqlite`;
  const { ino } = Deno.statSync(file);
  const behind = Deno.readFileSync(file);
  await folder.with((store) => store.append([event("A")]));
  Deno.writeFileSync(file, behind);
  await using store = await folder.open({ fileSystem: fullDisk });
  const query = { items: [{ types: ["A"] }] };
  assertEquals((await store.readLast(query))?.position, 2);
  const condition = { failIfEventsMatch: query };
  await assertRejects(
    () => store.append([event("B")], { condition }),
    AppendConditionError,
  );
  assertEquals(Deno.statSync(file).ino, ino);
  await store.append([event("B")]);
});

Deno.test("append() judges a condition by an index in memory when a damaged one cannot be made again for want of room", async () => {
  await using folder = new TestFolder();
  await folder.with((store) => store.append([event("A"), event("A")]));
  let isFull = false;
  await using store = await folder.open({
    fileSystem: {
      ...denoFileSystem,
      openDatabase: (path) =>
        isFull
          ? new FullDatabase(path, { timeout: 50 })
          : new DatabaseSync(path, { timeout: 50 }),
    },
  });
  isFull = true;
  {
    using database = new DatabaseSync(`${folder.path}/index.sqlite`);
    database.exec("DELETE FROM typed WHERE position = 2");
  }
  const query = { items: [{ types: ["A"] }] };
  for (let i = 0; i < 2; i++) {
    await assertRejects(
      () =>
        store.append([event("B")], {
          condition: { failIfEventsMatch: query, after: 1 },
        }),
      AppendConditionError,
    );
  }
  assertEquals((await store.append([event("B")])).first, 3);
});
