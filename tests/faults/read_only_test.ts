import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  LogCorruptionError,
  LogReadError,
  openOpossum,
  type OpossumOptions,
  silentLogger,
  StoreFormatError,
  StoreOpenError,
  StoreReadOnlyError,
} from "../../mod.ts";
import { runCli } from "../../src/cli/run.ts";
import { openFileEventStore } from "../../src/log/file_event_store.ts";
import { FaultyFileSystem } from "../../src/testing/mod.ts";
import { event, positions, TestFolder } from "../log/support.ts";
import { countingProjection, counts } from "../support/course_fixture.ts";

const PROJECTIONS = [countingProjection("One")];

/** A store with a projection, closed. */
async function fill(path: string, options: Partial<OpossumOptions> = {}) {
  await using opossum = await openOpossum({
    path,
    projections: PROJECTIONS,
    logger: silentLogger,
    startDaemon: false,
    ...options,
  });
  await opossum.events.append(counts(6));
  await opossum.rebuilder.rebuildAll();
}

/** Names, sizes and times of everything in a folder. */
function fingerprintOf(path: string): string[] {
  return [...Deno.readDirSync(path)].flatMap(({ name, isDirectory }) => {
    const file = `${path}/${name}`;
    const { size, mtime } = Deno.statSync(file);
    if (isDirectory) return [file, ...fingerprintOf(file)];
    return [`${file} ${size} ${mtime?.getTime()}`];
  }).sort();
}

/** Names alone, where somebody else writes meanwhile. */
function namesIn(path: string): string[] {
  return [...Deno.readDirSync(`${path}/projections/One`)]
    .map(({ name }) => name).sort();
}

Deno.test("openOpossum() with readOnly reads events and documents, verifies, and refuses what writes", async () => {
  await using folder = new TestFolder();
  const { path } = folder;
  await fill(path);
  {
    await using opossum = await openOpossum({
      path,
      projections: PROJECTIONS,
      logger: silentLogger,
      readOnly: true,
    });
    const { events, projections, rebuilder, daemon } = opossum;
    assertEquals(await events.head(), 6);
    const query = { items: [{ types: ["Counted"] }] };
    assertEquals((await Array.fromAsync(events.read(query))).length, 6);
    assertEquals((await events.readLast(query))?.position, 6);
    assertEquals(await projections.get("One", "a"), { sum: 5 });
    assertEquals((await projections.info("One")).state, "ready");
    assertEquals(
      (await Array.fromAsync(projections.documents("One"))).length,
      3,
    );
    assertEquals((await rebuilder.plan(undefined)).length, 1);
    assertEquals((await rebuilder.listOperations()).length, 1);
    assert((await opossum.verify()).ok);
    assertEquals(daemon.state, "stopped");
    assertEquals(opossum.appendHealth.state, "refused");
    for (
      const write of [
        () => events.append(counts(1)),
        () => rebuilder.rebuildAll({ forceRebuild: true }),
        () => daemon.start(),
        () => daemon.retry("One"),
        () => daemon.skip("One", 1),
      ]
    ) await assertRejects(write, StoreReadOnlyError, "'readOnly'");
  }
});

Deno.test("a store opened with readOnly beside a daemon tells who keeps a projection up to date, and leaves builds alone", async () => {
  await using folder = new TestFolder();
  const { path } = folder;
  await fill(path);
  const options = { path, projections: PROJECTIONS, logger: silentLogger };
  await using writing = await openOpossum(options);
  await writing.daemon.whenStarted();
  await writing.events.append(counts(2));
  await writing.projections.waitFor(8);
  // What an interrupted build left behind: planning a rebuild would take it up again.
  Deno.writeTextFileSync(`${path}/projections/One/000009.sqlite`, "");
  await using reading = await openOpossum({ ...options, readOnly: true });
  const before = namesIn(path);
  const { owner, checkpoint } = await reading.projections.info("One");
  assertEquals([owner?.pid, owner?.isSelf, checkpoint], [Deno.pid, false, 8]);
  const [plan] = await reading.rebuilder.plan(undefined);
  assert(plan && !plan.rebuild);
  assertEquals(namesIn(path), before);
});

Deno.test("a store opened with readOnly asks for no write of any file", async () => {
  await using folder = new TestFolder();
  await folder.with((store) => store.append([event("A", ["t:1"])]));
  const before = fingerprintOf(folder.path);
  const fileSystem = new FaultyFileSystem();
  await folder.with(async (store) => {
    assertEquals(await positions(store, { items: [{ tags: ["t:1"] }] }), [1]);
    await assertRejects(() => store.append([event("B")]), StoreReadOnlyError);
  }, { fileSystem, readOnly: true });
  const writes = fileSystem.operations.filter(({ kind }) =>
    ["append", "truncate", "makeDirectory", "rename", "remove", "rewrite"]
      .includes(kind)
  );
  assertEquals(writes, []);
  assertEquals(fingerprintOf(folder.path), before);
});

Deno.test("a store opened with readOnly follows the one that writes, and serves only what is durable", async () => {
  await using folder = new TestFolder();
  await using writer = await folder.open({ segmentBytesMax: 64 });
  await writer.append([event("A", ["t:1"])]);
  const fileSystem = new FaultyFileSystem();
  await using reader = await folder.open({ fileSystem, readOnly: true });
  const heads: number[] = [];
  using _listening = reader.onAppend((head) => heads.push(head));
  const query = { items: [{ tags: ["t:1"] }] };
  assertEquals(await positions(reader, query), [1]);
  await writer.append([event("B", ["t:1"])]);
  await writer.append([event("C")]);
  assertEquals(await positions(reader, query), [1, 2]);
  assertEquals([await reader.head(), heads], [3, [3]]);
  // What it cannot sync by itself counts once a later frame says that it was.
  fileSystem.inject({ kind: "sync", code: "EIO", times: 1_000 });
  await writer.append([event("D")]);
  assertEquals(await reader.head(), 3);
  await writer.append([event("E")]);
  assertEquals(await reader.head(), 4);
});

Deno.test("a store opened with readOnly serves no more of a segment whose name it could not make durable", async () => {
  await using folder = new TestFolder();
  const fileSystem = new FaultyFileSystem();
  await using reader = await (async () => {
    await using writer = await folder.open({ segmentBytesMax: 64 });
    await writer.append([event("A")]);
    const reader = await folder.open({ fileSystem, readOnly: true });
    fileSystem.inject({ kind: "syncDirectory", code: "EIO", times: 1_000 });
    await writer.append([event("B")]);
    assertEquals(await reader.head(), 1);
    return reader;
  })();
  await using writer = await folder.open();
  await writer.append([event("C")]);
  // As far as the last frame says: the second look can do no more than the first.
  assertEquals(await reader.head(), 2);
});

Deno.test("a store opened with readOnly leaves a torn tail where it is, and tells real damage", async () => {
  await using folder = new TestFolder();
  await folder.with(async (store) => {
    for (const type of ["A", "B", "C"]) await store.append([event(type)]);
  });
  const path = folder.segment(0);
  const whole = Deno.readFileSync(path);
  Deno.writeFileSync(path, whole.subarray(0, whole.length - 5));
  await folder.with(async (store) => {
    assertEquals(await positions(store), [1, 2]);
    assertEquals(store.damage, undefined);
  }, { readOnly: true });
  assertEquals(Deno.statSync(path).size, whole.length - 5);
  const damaged = whole.slice();
  const second = new TextDecoder().decode(whole).indexOf('{"frame":2');
  damaged[second + 120] = (damaged[second + 120] ?? 0) ^ 1;
  Deno.writeFileSync(path, damaged);
  await folder.with((store) => {
    assertEquals(store.readOnlyCause?.name, "LogCorruptionError");
  }, { readOnly: true });
  assertEquals(Deno.readFileSync(path), damaged);
});

Deno.test("a store opened with readOnly tells damage of what was appended meanwhile, and leaves a torn end alone", async () => {
  await using folder = new TestFolder();
  await using writer = await folder.open();
  await writer.append([event("A")]);
  await using reader = await folder.open({ readOnly: true });
  assertEquals(await reader.head(), 1);
  const path = folder.segment(0);
  Deno.writeTextFileSync(path, '{"frame":2,"cou', { append: true });
  assertEquals(await positions(reader), [1]);
  assertEquals(reader.damage, undefined);
  for (const type of ["B", "C"]) await writer.append([event(type)]);
  const whole = Deno.readFileSync(path);
  const second = new TextDecoder().decode(whole).indexOf('{"frame":2');
  whole[second + 120] = (whole[second + 120] ?? 0) ^ 1;
  Deno.writeFileSync(path, whole);
  // The last frame proves that the one before it was acknowledged.
  assertEquals(await positions(reader), [1]);
  const { readOnlyCause } = reader;
  assert(readOnlyCause instanceof LogCorruptionError);
  assertEquals(readOnlyCause.position, 2);
});

Deno.test("opening with readOnly creates no store where there is none", async () => {
  await using folder = new TestFolder();
  for (const path of [folder.path, `${folder.path}/missing`]) {
    await assertRejects(
      () => openFileEventStore({ path, logger: silentLogger, readOnly: true }),
      StoreFormatError,
    );
  }
  assertEquals(fingerprintOf(folder.path), []);
});

Deno.test("opening a folder that cannot be written to says so, names the way to read it, and leaves nothing behind", async () => {
  for (const code of ["EACCES", "EROFS", "EPERM"]) {
    await using folder = new TestFolder();
    const fileSystem = new FaultyFileSystem();
    fileSystem.inject({ kind: "makeDirectory", code });
    const error = await assertRejects(
      () => folder.open({ fileSystem }),
      StoreOpenError,
      "'readOnly'",
    );
    assertEquals(error.code, code);
    assertEquals(fingerprintOf(folder.path), []);
  }
});

Deno.test("the command line inspects a store with --read-only and changes nothing", async () => {
  await using folder = new TestFolder();
  const data = folder.path;
  await fill(data);
  const projections = new URL("./counting_one.ts", import.meta.url).href;
  // What SQLite leaves beside a database that it was let read.
  const files = () =>
    fingerprintOf(data).filter((file) => !/-wal |-shm /.test(file));
  const before = files();
  for (
    const command of [
      ["verify"],
      ["status", "--projections", projections],
      ["checkpoints", "--projections", projections],
      ["digest", "--projections", projections],
      ["export", "One", "--projections", projections],
    ]
  ) {
    let text = "";
    const exitCode = await runCli([...command, "--data", data, "--read-only"], {
      write: (part) => Promise.resolve(void (text += part)),
      report: (line) => void (text += line),
      stdin: new ReadableStream(),
      isTerminal: false,
      signal: new AbortController().signal,
    });
    assertEquals([exitCode, text.length > 0], [0, true], `${command}: ${text}`);
  }
  assertEquals(files(), before);
});

Deno.test("a segment that cannot be opened is told as a failing read, with its file", async () => {
  await using folder = new TestFolder();
  await folder.with((store) => store.append([event("A")]));
  for (const readOnly of [false, true]) {
    const fileSystem = new FaultyFileSystem();
    fileSystem.inject({ kind: "open", path: ".ndjson", code: "EACCES" });
    const error = await assertRejects(
      () => folder.open({ fileSystem, readOnly }),
      LogReadError,
    );
    assertEquals(error.file, `events/${folder.segmentName(0)}`);
  }
});
