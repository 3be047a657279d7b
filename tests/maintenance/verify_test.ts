import { sumOfDocument } from "../../src/projections/row_sums.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { openOpossum, silentLogger } from "../../mod.ts";
import { hooks, projections } from "../cli/counting_projections.ts";
import { edit, flipBit, type TestFolder } from "../log/support.ts";
import { contentOf, filledStore, say } from "./maintenance_fixture.ts";

Deno.test("verify --deep finds a sound store sound, and changes nothing", async () => {
  await using folder = await filledStore();
  const before = contentOf(folder.path);
  const { exitCode, text, json } = await say(folder, "verify", "--deep");
  assertEquals([exitCode, json.ok, json.findings], [0, true, []], text);
  assertStringIncludes(text, "sound up to position 24");
  assertEquals(contentOf(folder.path), before);
});

Deno.test("verify --deep finds nothing wrong with a store that was rolled back", async () => {
  await using folder = await filledStore();
  const name = projections[0]?.name ?? "";
  {
    await using opossum = await openOpossum({
      path: folder.path,
      projections,
      startDaemon: false,
      logger: silentLogger,
    });
    await opossum.rebuilder.rebuild(name);
    await opossum.rebuilder.rollback(name);
    assertEquals((await opossum.projections.info(name)).generation, 1);
  }
  const { exitCode, text, json } = await say(folder, "verify", "--deep");
  assertEquals([exitCode, json.ok, json.findings], [0, true, []], text);
});

Deno.test("verify lists damage to the very first frame, and all damage behind it", async () => {
  await using folder = await filledStore();
  const before = folder.segments().length;
  edit(folder.segment(0), (bytes) => flipBit(bytes, 8 * 300));
  edit(folder.segment(2), (bytes) => flipBit(bytes, 8 * (bytes.length - 9)));
  const { exitCode, text, json } = await say(folder, "verify");
  assertEquals([exitCode, json.ok, json.problems.length], [1, false, 2], text);
  assertStringIncludes(text, "events/00000000000000000001.ndjson, byte");
  assertStringIncludes(text, "positions 1 to 2");
  assertEquals(json.lost[0], { first: 1, last: 2 });
  assertEquals(json.events, 20);
  assertEquals(folder.segments().length, before);
});

/** Damage that keeps a store from opening, or from being written to. */
const REFUSED: readonly (readonly [
  string,
  (folder: TestFolder) => void,
  string,
])[] = [
  [
    "without store.json",
    (folder) => Deno.removeSync(`${folder.path}/store.json`),
    "store.json",
  ],
  [
    "with a damaged store.json",
    (folder) => Deno.writeTextFileSync(`${folder.path}/store.json`, "{"),
    "store.json",
  ],
  [
    "without its first segment",
    (folder) => Deno.removeSync(folder.segment(0)),
    "positions 1 to",
  ],
  [
    "without a segment in the middle",
    (folder) => Deno.removeSync(folder.segment(1)),
    "are missing",
  ],
  [
    "without its last segment",
    (folder) => Deno.removeSync(folder.segment(-1)),
    "are missing",
  ],
  [
    "without any segment",
    (folder) => Deno.removeSync(`${folder.path}/events`, { recursive: true }),
    "events",
  ],
  [
    "with a damaged first line",
    (folder) => edit(folder.segment(1), (bytes) => flipBit(bytes, 99)),
    "first line",
  ],
  [
    "with a shortened segment",
    (folder) => edit(folder.segment(1), (bytes) => bytes.subarray(0, -1)),
    "cut off",
  ],
  [
    "with an empty segment",
    (folder) => Deno.truncateSync(folder.segment(1)),
    "first line is damaged",
  ],
];

for (const [name, damage, words] of REFUSED) {
  Deno.test(`verify tells of a store ${name}, with status 1, and changes nothing`, async () => {
    await using folder = await filledStore();
    damage(folder);
    const before = contentOf(folder.path);
    for (const args of [["verify"], ["verify", "--deep"]]) {
      const { exitCode, text, json } = await say(folder, ...args);
      assertEquals([exitCode, json.ok], [1, false], text);
      assertStringIncludes(text, words);
      assert(typeof json.refusal === "string", text);
    }
    assertEquals(contentOf(folder.path), before);
  });
}

/** Damage to what is derived: which file, how, and in which words it is told. */
const DERIVED: readonly (readonly [string, string, string, boolean])[] = [
  [
    "index.sqlite",
    "UPDATE typed SET position = 99 WHERE position = 5",
    "its positions are wrong",
    false,
  ],
  [
    "index.sqlite",
    "DELETE FROM typed WHERE position = 7",
    "its positions are wrong",
    false,
  ],
  ["index.sqlite", "UPDATE meta SET store = 'x'", "store x", false],
  [
    "projections/Alpha/000001.sqlite",
    "UPDATE documents SET state = '{\"sum\":0}' WHERE key = 'a'",
    "checksum",
    false,
  ],
  [
    "projections/Alpha/000001.sqlite",
    `UPDATE documents SET state = '{"sum":0}', sum = ${
      sumOfDocument("a", '{"sum":0}')
    } WHERE key = 'a'`,
    "1 of 2 documents",
    false,
  ],
  [
    "projections/Alpha/000001.sqlite",
    "DELETE FROM documents WHERE key = 'a'",
    "documents",
    false,
  ],
  [
    "projections/Alpha/000001.sqlite",
    "DELETE FROM document_tags",
    "tags are not what",
    false,
  ],
  [
    "projections/Alpha/000001.sqlite",
    "UPDATE meta SET value = 20 WHERE name = 'checkpoint'",
    "damaged",
    false,
  ],
  [
    "projections/Alpha/000001.sqlite",
    "UPDATE meta SET value = 9 WHERE name = 'documents'",
    "it says 9 documents",
    false,
  ],
];

for (const [file, sql, words, ok] of DERIVED) {
  Deno.test(`verify --deep finds what is wrong with ${file}: ${sql}`, async () => {
    await using folder = await filledStore();
    {
      using database = new DatabaseSync(`${folder.path}/${file}`);
      database.exec(sql);
    }
    assertEquals((await say(folder, "verify")).exitCode, 0);
    const { exitCode, text, json } = await say(folder, "verify", "--deep");
    assertEquals([exitCode, json.ok], [ok ? 0 : 1, ok], text);
    assertEquals(json.findings.length, 1, text);
    assertEquals(json.findings[0].file, file);
    assertStringIncludes(text, words);
  });
}

Deno.test("verify --deep finds damaged current.json, records of operations, foreign and left files", async () => {
  await using folder = await filledStore();
  const [operation] = folder.names("operations");
  for (
    const name of [
      "projections/Beta/current.json",
      `operations/${operation}`,
      "notes.txt",
      "store.json.1.tmp",
    ]
  ) Deno.writeTextFileSync(`${folder.path}/${name}`, "?");
  const { exitCode, json } = await say(folder, "verify", "--deep");
  assertEquals(exitCode, 1);
  const found = json.findings.map((
    { file, remedy, harmless }: Record<string, unknown>,
  ) => [file, remedy, harmless]).sort();
  assertEquals(found, [
    ["notes.txt", "none", true],
    [`operations/${operation}`, "move", false],
    ["projections/Beta/000001.sqlite", "none", true],
    ["projections/Beta/current.json", "move", false],
    ["store.json.1.tmp", "delete", true],
  ]);
});

Deno.test("verify tells of a torn end, which is no damage, and leaves it", async () => {
  await using folder = await filledStore();
  edit(folder.segment(-1), (bytes) => {
    const torn = new TextEncoder().encode('{"frame":25,"count":1,"by');
    return new Uint8Array([...bytes, ...torn]);
  });
  const before = contentOf(folder.path);
  const { exitCode, text, json } = await say(folder, "verify");
  assertEquals([exitCode, json.head, json.problems], [0, 24, []], text);
  const [{ remedy, first, bytes }] = json.findings;
  assertEquals([remedy, first, bytes], ["cut", 25, 25]);
  assertEquals(contentOf(folder.path), before);
});

Deno.test("verify reads beside a store that is open and appended to", async () => {
  await using folder = await filledStore();
  await folder.with(async (store) => {
    await store.append([{ type: "Counted", data: { key: "a", by: 1 } }]);
    const { exitCode, json, text } = await say(folder, "verify", "--deep");
    assertEquals([exitCode, json.head], [0, 25], text);
  });
});

Deno.test("verify --deep finds a projection sound that passed an event over by order", async () => {
  await using folder = await filledStore();
  hooks.onApply = (by) => {
    if (by === 13) throw new Error("Unlucky");
  };
  try {
    {
      await using opossum = await openOpossum({
        path: folder.path,
        projections,
        logger: silentLogger,
      });
      await opossum.daemon.whenStarted();
      const data = { key: "a", by: 13 };
      const { last } = await opossum.events.append([{ type: "Counted", data }]);
      while (!(await opossum.projections.info("Beta")).fault) {
        await setImmediate();
      }
      await opossum.daemon.skip("Beta", last);
      await opossum.projections.waitFor(last);
    }
    const { exitCode, json, text } = await say(folder, "verify", "--deep");
    assertEquals([exitCode, json.ok, json.findings], [0, true, []], text);
  } finally {
    hooks.onApply = undefined;
  }
});
