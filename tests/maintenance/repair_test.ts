import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { openOpossum, silentLogger } from "../../mod.ts";
import { projections } from "../cli/counting_projections.ts";
import { edit, flipBit, type TestFolder } from "../log/support.ts";
import { contentOf, filledStore, say } from "./maintenance_fixture.ts";

const EXCLUSIVE = true;

const TORN = '{"frame":25,"count":1,"by';

function tear(folder: TestFolder): void {
  Deno.writeTextFileSync(folder.segment(-1), TORN, { append: true });
}

/** Starts a server on the folder once; afterwards nothing may be wrong with it. */
async function heal(folder: TestFolder): Promise<void> {
  await using opossum = await openOpossum({
    path: folder.path,
    projections,
    logger: silentLogger,
  });
  await opossum.daemon.whenStarted();
}

Deno.test("repair has nothing to do for a sound store", async () => {
  await using folder = await filledStore();
  const { exitCode, text } = await say(folder, "repair");
  assertEquals(exitCode, 0);
  assertMatch(text, /^Nothing is to be repaired\n/);
});

Deno.test("repair says what it would do, and does it with --apply alone", async () => {
  await using folder = await filledStore();
  tear(folder);
  const [operation] = folder.names("operations");
  const garbage = {
    [`operations/${operation}`]: "operation",
    "projections/Beta/current.json": "current",
    "projections/Alpha/left.tmp": "left",
  };
  for (const [name, text] of Object.entries(garbage)) {
    Deno.writeTextFileSync(`${folder.path}/${name}`, text);
  }
  {
    using database = new DatabaseSync(
      `${folder.path}/projections/Alpha/000001.sqlite`,
    );
    database.exec("DELETE FROM documents WHERE key = 'a'");
  }
  {
    using database = new DatabaseSync(`${folder.path}/index.sqlite`);
    database.exec("DELETE FROM typed");
  }
  const before = contentOf(folder.path);
  const dry = await say(folder, "repair");
  assertEquals(dry.exitCode, 0, dry.text);
  assertEquals(contentOf(folder.path), before);
  assertStringIncludes(dry.text, `Would cut off: events/`);
  assertStringIncludes(dry.text, `${TORN.length} bytes, from position 25 on`);
  for (
    const line of [
      "Would make again: index.sqlite",
      "Would move: projections/Alpha/000001.sqlite",
      "Would move: projections/Beta/current.json",
      `Would move: operations/${operation}`,
      "Would delete: projections/Alpha/left.tmp",
      "Nothing was changed",
    ]
  ) assertStringIncludes(dry.text, line);
  assertEquals(dry.json.steps.length, 6);

  const { exitCode, text } = await say(folder, "repair", "--apply");
  assertEquals(exitCode, 0, text);
  const kept = folder.names("quarantine");
  assertEquals(kept.length, 4, kept.join());
  const contents = kept.map((name) =>
    Deno.readFileSync(`${folder.path}/quarantine/${name}`)
  );
  const texts = contents.map((bytes) => new TextDecoder().decode(bytes));
  for (const text of [TORN, "operation", "current"]) {
    assert(texts.includes(text), text);
  }
  await heal(folder);
  const after = await say(folder, "verify", "--deep");
  assertEquals([after.exitCode, after.json.findings], [0, []], after.text);
});

Deno.test("repair never touches a log whose acknowledged events are damaged, nor its index", async () => {
  const damages: ((folder: TestFolder) => void)[] = [
    (folder) => edit(folder.segment(0), (bytes) => flipBit(bytes, 8 * 300)),
    (folder) => edit(folder.segment(-1), (bytes) => bytes.subarray(0, -5)),
    (folder) => Deno.removeSync(folder.segment(1)),
    (folder) => Deno.removeSync(folder.segment(-1)),
    (folder) => Deno.removeSync(`${folder.path}/store.json`),
  ];
  for (const damage of damages) {
    await using folder = await filledStore();
    damage(folder);
    {
      using database = new DatabaseSync(`${folder.path}/index.sqlite`);
      database.exec("DELETE FROM typed WHERE position = 3");
    }
    const before = contentOf(folder.path);
    for (const args of [["repair"], ["repair", "--apply"]]) {
      const { exitCode, text } = await say(folder, ...args);
      assertEquals(exitCode, 1, text);
      assertStringIncludes(text, "left as it is");
      assertEquals(contentOf(folder.path), before);
    }
  }
});

Deno.test("repair leaves alone what another process is using", async () => {
  await using folder = await filledStore();
  const file = "projections/Beta/current.json";
  Deno.writeTextFileSync(`${folder.path}/${file}`, "?");
  using lock = Deno.openSync(`${folder.path}/projections/Beta/build.lock`, {
    write: true,
  });
  assert(lock.tryLockSync(EXCLUSIVE));
  const { exitCode, text } = await say(folder, "repair", "--apply");
  assertEquals(exitCode, 1);
  assertStringIncludes(text, `Left alone, as it is in use: ${file}`);
  assertEquals(Deno.readTextFileSync(`${folder.path}/${file}`), "?");
});
