import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { openFileEventStore } from "../../src/log/file_event_store.ts";
import { LOST_EVENT_TYPE, salvage } from "../../src/maintenance/salvage.ts";
import {
  openOpossum,
  type Opossum,
  silentLogger,
  systemClock,
} from "../../mod.ts";
import { FaultyFileSystem } from "../../src/testing/mod.ts";
import { framesOf } from "../faults/damaged_log.ts";
import { runCommand } from "../cli/cli_fixture.ts";
import { projections } from "../cli/counting_projections.ts";
import { edit, flipBit, range, type TestFolder } from "../log/support.ts";
import { TempDir } from "../support/temp_dir.ts";
import { contentOf, filledStore, say } from "./maintenance_fixture.ts";

type Event = Awaited<ReturnType<typeof eventsOf>>[number];

async function eventsOf(path: string) {
  await using store = await openFileEventStore({ path, logger: silentLogger });
  return await Array.fromAsync(store.read("all"));
}

/** Compares what was salvaged with what was there: at the same positions, or lost. */
function assertSalvaged(
  salvaged: readonly Event[],
  original: readonly Event[],
  lost: readonly number[],
): void {
  assertEquals(
    salvaged.map(({ position }) => position),
    range(1, original.length),
  );
  for (const event of salvaged) {
    if (lost.includes(event.position)) {
      assertEquals(event.type, LOST_EVENT_TYPE);
      assertEquals(event.data, { position: event.position });
    } else {
      assertEquals(event, original[event.position - 1]);
    }
  }
}

/** Ways to damage a store of 24 events, two an append, and what is lost then. */
const DAMAGES: readonly (readonly [
  string,
  (folder: TestFolder) => void,
  readonly number[],
])[] = [
  ["nothing", () => {}, []],
  [
    "the first append",
    (folder) => edit(folder.segment(0), (bytes) => flipBit(bytes, 8 * 300)),
    [1, 2],
  ],
  [
    "the last append",
    (folder) => edit(folder.segment(-1), (bytes) => bytes.subarray(0, -3)),
    [23, 24],
  ],
  [
    "a first line",
    (folder) => edit(folder.segment(1), (bytes) => flipBit(bytes, 80)),
    [],
  ],
  ["store.json", (folder) => Deno.removeSync(`${folder.path}/store.json`), []],
  [
    "a first line and an append",
    (folder) => edit(folder.segment(1), (bytes) => bytes.fill(0, 100, 300)),
    [7, 8],
  ],
  [
    "a whole segment",
    (folder) => Deno.removeSync(folder.segment(1)),
    range(7, 12),
  ],
  [
    "an append that is cut out",
    (folder) =>
      edit(folder.segment(-1), (bytes) => {
        const [cut] = framesOf(bytes);
        return new Uint8Array([
          ...bytes.subarray(0, cut?.offset),
          ...bytes.subarray(cut?.end),
        ]);
      }),
    [19, 20],
  ],
  ["the name of a copied segment", (folder) =>
    Deno.copyFileSync(
      folder.segment(0),
      `${folder.path}/events/00000000000000000002.ndjson`,
    ), []],
  [
    "the last segment",
    (folder) => Deno.removeSync(folder.segment(-1)),
    range(19, 24),
  ],
];

for (const [what, damage, lost] of DAMAGES) {
  Deno.test(`salvage keeps the positions of what is left when ${what} is damaged or missing`, async () => {
    await using folder = await filledStore();
    const original = await eventsOf(folder.path);
    damage(folder);
    using dir = new TempDir();
    const before = contentOf(folder.path);
    const target = dir.file("new");
    const { exitCode, text } = await say(folder, "salvage", target);
    assertEquals(exitCode, lost.length === 0 ? 0 : 1, text);
    assertStringIncludes(text, `Salvaged ${24 - lost.length} of 24 events`);
    if (lost.length > 0) {
      const words = `Lost: ${lost.length} events at positions ${lost[0]} to`;
      assertStringIncludes(text, words);
    }
    assertEquals(contentOf(folder.path), before);
    assertSalvaged(await eventsOf(target), original, lost);

    // The same as text, which can be imported.
    const file = dir.file("new.ndjson");
    await say(folder, "salvage", file);
    const data = ["--data", dir.file("imported")];
    const imported = await runCommand(["import", file, ...data]);
    assertEquals(imported.exitCode, 0, imported.reports.join());
    assertSalvaged(await eventsOf(dir.file("imported")), original, lost);
  });
}

Deno.test("salvage leaves out a torn end, and old content behind damage", async () => {
  await using folder = await filledStore();
  const original = await eventsOf(folder.path);
  edit(folder.segment(-1), (bytes) => {
    // A page that was written before: whole frames of earlier positions.
    const first = Deno.readFileSync(folder.segment(0));
    const start = first.indexOf(10) + 1;
    return new Uint8Array([...bytes, ...first.subarray(start), 1, 2, 3]);
  });
  using dir = new TempDir();
  const { exitCode, text } = await say(folder, "salvage", dir.file("new"));
  assertEquals(exitCode, 0, text);
  assertStringIncludes(text, "left out, as nobody was told");
  assertSalvaged(await eventsOf(dir.file("new")), original, []);
});

Deno.test("a salvaged store has an id of its own, and builds its projections anew", async () => {
  await using folder = await filledStore();
  using dir = new TempDir();
  const open = (path: string): Promise<Opossum> =>
    openOpossum({ path, projections, logger: silentLogger });
  const { exitCode, text } = await say(folder, "salvage", dir.file("new"));
  assertEquals(exitCode, 0, text);
  const idOf = (path: string) =>
    JSON.parse(Deno.readTextFileSync(`${path}/store.json`)).storeId;
  assert(idOf(dir.file("new")) !== idOf(folder.path));
  await using opossum = await open(dir.file("new"));
  await opossum.daemon.whenStarted();
  await opossum.projections.waitFor(24);
  await using origin = await open(folder.path);
  await origin.daemon.whenStarted();
  for (const { name } of projections) {
    assertEquals(
      await Array.fromAsync(opossum.projections.documents(name)),
      await Array.fromAsync(origin.projections.documents(name)),
    );
  }
});

Deno.test("salvage overwrites nothing, and writes nothing into the damaged store", async () => {
  await using folder = await filledStore();
  using dir = new TempDir();
  Deno.writeTextFileSync(dir.file("taken.ndjson"), "mine");
  Deno.mkdirSync(dir.file("taken"));
  Deno.writeTextFileSync(dir.file("taken/file"), "mine");
  const before = contentOf(folder.path);
  for (
    const target of [
      dir.file("taken.ndjson"),
      dir.file("taken"),
      folder.path,
      `${folder.path}/salvaged`,
      `${folder.path}/events/salvaged.ndjson`,
    ]
  ) {
    const { exitCode, text } = await say(folder, "salvage", target);
    assertEquals(exitCode, 1, target);
    assertStringIncludes(text, "choose another place");
  }
  assertEquals(contentOf(folder.path), before);
  assertEquals(Deno.readTextFileSync(dir.file("taken.ndjson")), "mine");
  assertEquals(dir.list(), ["taken", "taken.ndjson"]);
});

Deno.test("salvage() fails when the last of what it writes cannot be stored, to a store as to a file", async () => {
  await using folder = await filledStore();
  for (
    const { target, fault } of [
      {
        target: "new",
        fault: { kind: "append", path: "/new/events/", nth: 2 },
      },
      { target: "events.ndjson", fault: { kind: "sync", path: ".ndjson" } },
    ] as const
  ) {
    using dir = new TempDir();
    const fileSystem = new FaultyFileSystem();
    fileSystem.inject({ ...fault, code: "ENOSPC" });
    await assertRejects(() =>
      salvage({
        fileSystem,
        path: folder.path,
        target: dir.file(target),
        clock: systemClock,
        logger: silentLogger,
      })
    );
  }
});
