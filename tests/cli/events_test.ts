/**
 * `opossum events`: reading, following and counting the events of a folder.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type EventInput, openOpossum, silentLogger } from "@opossum/deno";
import { TempDir } from "../support/temp_dir.ts";
import { type CliRunOptions, fillStore, runCommand } from "./cli_fixture.ts";

function event(type: string, ...tags: string[]): EventInput {
  return { type, tags, data: { of: type } };
}

const SIX = [
  event("A", "x:1"),
  event("B", "x:1", "y:1"),
  event("A", "x:2"),
  event("C", "y:1"),
  event("B", "x:1"),
  event("A"),
];

async function read(dir: TempDir, ...args: string[]): Promise<number[]> {
  const { exitCode, stdout } = await runCommand([
    "events",
    "read",
    "--json",
    "--data",
    dir.file("data"),
    ...args,
  ]);
  assertEquals(exitCode, 0);
  return stdout.split("\n").filter((line) => line !== "")
    .map((line) => JSON.parse(line).position);
}

Deno.test("events read selects by type, tag, position and number", async () => {
  using dir = new TempDir();
  await fillStore(dir.file("data"), SIX);
  const table: [string[], number[]][] = [
    [[], [1, 2, 3, 4, 5, 6]],
    [["--type", "A"], [1, 3, 6]],
    [["--type", "A", "--type", "C"], [1, 3, 4, 6]],
    [["--tag", "x:1"], [1, 2, 5]],
    [["--tag", "x:1", "--tag", "y:1"], [2]],
    [["--type", "B", "--tag", "x:1", "--after", "2"], [5]],
    [["--after", "4"], [5, 6]],
    [["--limit", "2"], [1, 2]],
    [["--after", "1", "--limit", "1", "--type", "A"], [3]],
    [["--after", "6"], []],
    [["--type", "Nope"], []],
  ];
  for (const [args, positions] of table) {
    assertEquals(await read(dir, ...args), positions, args.join(" "));
  }
});

Deno.test("events read --json prints what import takes, event for event", async () => {
  using dir = new TempDir();
  await fillStore(dir.file("data"), SIX);
  const { stdout } = await runCommand([
    "events",
    "read",
    "--json",
    "--data",
    dir.file("data"),
  ]);
  Deno.writeTextFileSync(dir.file("events.ndjson"), stdout);
  const copy = ["--data", dir.file("copy")];
  await runCommand(["import", dir.file("events.ndjson"), ...copy]);
  const again = await runCommand(["events", "read", "--json", ...copy]);
  assertEquals(again.stdout, stdout);
});

Deno.test("events read prints lines that obey no terminal", async () => {
  using dir = new TempDir();
  await fillStore(dir.file("data"), [{
    type: "Typed",
    tags: ["name:\u001b[2J\u202eevil"],
    data: { text: "\u009b31mred\u2028" },
  }]);
  const { stdout } = await runCommand([
    "events",
    "read",
    "--data",
    dir.file("data"),
  ]);
  assertStringIncludes(stdout, "\\u001b[2J\\u202eevil");
  assertStringIncludes(stdout, "\\u009b31mred\\u2028");
  // deno-lint-ignore no-control-regex -- these are what must not be there
  assert(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u202e]/.test(stdout));
});

Deno.test("events read changes nothing in the folder", async () => {
  using dir = new TempDir();
  await fillStore(dir.file("data"), SIX);
  const before = snapshot(dir.file("data"));
  await read(dir, "--type", "A");
  await runCommand(["events", "stats", "--data", dir.file("data")]);
  assertEquals(snapshot(dir.file("data")), before);
});

Deno.test("events tail prints what another process appends, until it is stopped with status 130", async () => {
  using dir = new TempDir();
  await fillStore(dir.file("data"), SIX);
  await using writer = await openOpossum({
    path: dir.file("data"),
    startDaemon: false,
    logger: silentLogger,
  });
  const tail = follow(dir, ["--type", "A"]);
  // What is there when it begins is passed over: it is begun when the first that comes is printed.
  while (tail.printed.length === 0) {
    await writer.events.append([event("B"), event("A")]);
    // Both share this thread, unlike processes: the one that follows gets its turn.
    for (let turn = 0; turn < 100; turn++) await Deno.stat(dir.path);
  }
  const { last } = await writer.events.append([
    event("A", "last:1"),
    event("C"),
  ]);
  await tail.printedWith("last:1");
  tail.stop.abort();
  const { exitCode, stdout } = await tail.run;
  assertEquals(exitCode, 130);
  const events = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(new Set(events.map(({ type }) => type)), new Set(["A"]));
  assert(events.every(({ position }) => position > SIX.length));
  assertEquals(events.at(-1).position, last - 1);
});

Deno.test("events tail goes on after a position, and ends with status 0 after --limit", async () => {
  using dir = new TempDir();
  await fillStore(dir.file("data"), SIX);
  const tail = follow(dir, ["--after", "4", "--limit", "3"]);
  await tail.printedWith('"position":6');
  await fillStore(dir.file("data"), [event("D"), event("E")]);
  const { exitCode, stdout } = await tail.run;
  assertEquals(exitCode, 0);
  assertEquals(
    stdout.trimEnd().split("\n").map((line) => JSON.parse(line).position),
    [5, 6, 7],
  );
});

Deno.test("events tail that is stopped before anything came prints nothing", async () => {
  using dir = new TempDir();
  await fillStore(dir.file("data"), SIX);
  const { exitCode, stdout } = await runCommand([
    "events",
    "tail",
    "--json",
    "--data",
    dir.file("data"),
  ], { signal: AbortSignal.abort() });
  assertEquals([exitCode, stdout], [130, ""]);
});

Deno.test("events stats counts by type, and tells times and sizes", async () => {
  using dir = new TempDir();
  await fillStore(dir.file("data"), SIX);
  const { exitCode, stdout, reports } = await runCommand([
    "events",
    "stats",
    "--json",
    "--data",
    dir.file("data"),
  ]);
  assertEquals(exitCode, 0);
  const stats = JSON.parse(stdout);
  assertEquals([stats.events, stats.segments], [6, 1]);
  assertEquals(stats.types, [
    { type: "A", events: 3, firstPosition: 1, lastPosition: 6 },
    { type: "B", events: 2, firstPosition: 2, lastPosition: 5 },
    { type: "C", events: 1, firstPosition: 4, lastPosition: 4 },
  ]);
  const [segment = ""] = dir.list("data/events");
  assertEquals(
    stats.bytes,
    Deno.statSync(dir.file(`data/events/${segment}`)).size,
  );
  const [first, last] = [1, 6].map((n) => timeOf(dir, n));
  assertEquals([stats.firstAt, stats.lastAt], [first, last]);
  assertEquals(reports, ["Counting: reading, 6 of 6 events"]);
  const text = await runCommand([
    "events",
    "stats",
    "--data",
    dir.file("data"),
  ]);
  assertStringIncludes(text.stdout, "6 events of 3 types");
});

Deno.test("events stats of an empty store is empty", async () => {
  using dir = new TempDir();
  await using _store = await openOpossum({
    path: dir.file("data"),
    startDaemon: false,
    logger: silentLogger,
  });
  const data = ["--data", dir.file("data")];
  const { stdout } = await runCommand(["events", "stats", "--json", ...data]);
  const { events, types, firstAt } = JSON.parse(stdout);
  assertEquals([events, types, firstAt], [0, [], null]);
  assertEquals(await read(dir), []);
});

function timeOf(dir: TempDir, position: number): string {
  const [segment = ""] = dir.list("data/events");
  const line = Deno.readTextFileSync(dir.file(`data/events/${segment}`))
    .split("\n").find((each) => each.startsWith(`{"position":${position},`));
  return JSON.parse(line ?? "").timestamp;
}

function snapshot(folder: string): [string, string][] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory
      ? snapshot(`${folder}/${name}`)
      : [[name, Deno.readTextFileSync(`${folder}/${name}`)] as [string, string]]
  ).sort();
}

/** Follows the events of a folder, in the background. */
function follow(dir: TempDir, args: readonly string[]) {
  const stop = new AbortController();
  const printed: string[] = [];
  let onPrint = () => {};
  const options: CliRunOptions = {
    signal: stop.signal,
    onWrite(text) {
      printed.push(text);
      onPrint();
    },
  };
  const command = ["events", "tail", "--json", "--data", dir.file("data")];
  return {
    stop,
    printed,
    run: runCommand([...command, ...args], options),
    /** Resolves when it has printed that. */
    async printedWith(words: string): Promise<void> {
      while (!printed.join("").includes(words)) {
        const { promise, resolve } = Promise.withResolvers<void>();
        onPrint = resolve;
        await promise;
      }
    },
  };
}
