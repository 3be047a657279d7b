import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { silentLogger, systemClock } from "../../mod.ts";
import { repairFolder } from "../../src/maintenance/repair.ts";
import { openForReading } from "../../src/storage/sqlite_reading.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { isUnreadable } from "../../src/storage/unreadable.ts";
import { type Fault, FaultyFileSystem } from "../../src/testing/mod.ts";
import { hooks } from "../cli/counting_projections.ts";
import type { TestFolder } from "../log/support.ts";
import { TempDir } from "../support/temp_dir.ts";
import { contentOf, filledStore, say } from "./maintenance_fixture.ts";

/** Repairs with a disk that fails, and returns what would be put away. */
async function repaired(
  folder: TestFolder,
  fault: Fault,
): Promise<{ readonly steps: string[]; readonly unread: string[] }> {
  const fileSystem = new FaultyFileSystem();
  fileSystem.inject({ times: Infinity, ...fault });
  const { before, steps } = await repairFolder({
    fileSystem,
    path: folder.path,
    clock: systemClock,
    logger: silentLogger,
    apply: true,
  });
  return {
    steps: steps.map(({ file }) => file),
    unread: before.findings
      .filter(({ what }) => what.startsWith("it cannot be read just now"))
      .map(({ file }) => file),
  };
}

Deno.test("repair puts nothing away that the disk does not let it read just now", async () => {
  await using folder = await filledStore();
  const [operation = ""] = folder.names("operations");
  const file = "projections/Alpha/current.json";
  const before = contentOf(folder.path);
  for (const code of ["EIO", "EMFILE", "EACCES"]) {
    for (const path of [file, `operations/${operation}`]) {
      const found = await repaired(folder, { kind: "read", path, code });
      assertEquals(found, { steps: [], unread: [path] }, code);
      assertEquals(contentOf(folder.path), before);
    }
  }
});

Deno.test("repair puts no database away that cannot be opened, and verify says why", async () => {
  await using folder = await filledStore();
  const path = `${folder.path}/projections/Alpha/000001.sqlite`;
  Deno.renameSync(path, `${path}.kept`);
  // As far as SQLite says, that is the same as a process that may open no more files.
  Deno.mkdirSync(path);
  const verified = await say(folder, "verify", "--deep");
  assertEquals(verified.exitCode, 1);
  assertStringIncludes(
    verified.text,
    "projections/Alpha/000001.sqlite: it cannot be read just now: ",
  );
  const { exitCode, text } = await say(folder, "repair", "--apply");
  assertEquals(exitCode, 1, text);
  Deno.removeSync(path);
  Deno.renameSync(`${path}.kept`, path);
  const after = await say(folder, "verify", "--deep");
  assertEquals([after.exitCode, after.json.findings], [0, []], after.text);
});

Deno.test("repair leaves what serves where it is when the projection's code fails", async () => {
  await using folder = await filledStore();
  const before = contentOf(folder.path);
  hooks.onApply = () => {
    throw new Error("Broken");
  };
  try {
    const { exitCode, text } = await say(folder, "repair", "--apply");
    assertEquals(exitCode, 1, text);
    assertEquals(contentOf(folder.path), before);
    const verified = await say(folder, "projections", "verify", "Beta");
    assertEquals(verified.exitCode, 1);
    assert(!verified.json.compared);
    assertStringIncludes(verified.text, "it cannot be compared with the log");
  } finally {
    hooks.onApply = undefined;
  }
});

Deno.test("looking at a database that is deleted meanwhile leaves none behind", () => {
  using dir = new TempDir();
  const file = dir.file("000001.sqlite");
  {
    using database = new DatabaseSync(file);
    database.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (a)");
  }
  {
    using _database = openForReading(denoFileSystem, file);
    Deno.removeSync(file);
  }
  assertEquals(dir.list().filter((name) => name.endsWith(".sqlite")), []);
});

Deno.test("isUnreadable() tells what passes from what is in a file", () => {
  const sqlite = (errcode: number) =>
    Object.assign(new Error("?"), { code: "ERR_SQLITE_ERROR", errcode });
  const system = (code: string) => Object.assign(new Error("?"), { code });
  const passing = [
    ...[5, 8, 10, 522, 13, 14, 778].map(sqlite),
    ...["EIO", "EMFILE", "EACCES", "ENOSPC"].map(system),
    new Error("Disk quota exceeded (os error 122)"),
  ];
  for (const error of passing) assert(isUnreadable(error));
  const lasting = [
    ...[1, 11, 26].map(sqlite),
    ...["ENOENT", "EISDIR", "ELOOP", "ERR_INVALID_STATE"].map(system),
    new SyntaxError("No JSON"),
    "?",
  ];
  for (const error of lasting) assert(!isUnreadable(error));
});
