import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { StoredEvent } from "../../mod.ts";
import { openOpossum, silentLogger } from "../../mod.ts";
import { TempDir } from "../support/temp_dir.ts";
import {
  type CliRunOptions,
  eventLine,
  eventLines,
  fillStore,
  runCommand,
} from "./cli_fixture.ts";

const ENCODER = new TextEncoder();

class ImportDir extends TempDir {
  readonly data: string = this.file("data");
  readonly source: string = this.file("events.ndjson");

  /** Imports a file of that content. */
  async import(text: string | Uint8Array, ...args: string[]) {
    await Deno.writeFile(
      this.source,
      typeof text === "string" ? ENCODER.encode(text) : text,
    );
    return await runCommand([
      "import",
      this.source,
      "--data",
      this.data,
      ...args,
    ]);
  }

  /** Imports standard input. */
  async importStdin(stdin: CliRunOptions["stdin"], signal?: AbortSignal) {
    return await runCommand(["import", "-", "--data", this.data], {
      ...stdin ? { stdin } : {},
      ...signal ? { signal } : {},
    });
  }

  /** What the store holds. */
  async events(): Promise<StoredEvent[]> {
    await using opossum = await openOpossum({
      path: this.data,
      startDaemon: false,
      logger: silentLogger,
    });
    return await Array.fromAsync(opossum.events.read("all"));
  }
}

Deno.test("import keeps every field of every event, over many batches", async () => {
  using dir = new ImportDir();
  const text = eventLines(1, 2_500);
  const { exitCode, stdout } = await dir.import(text);
  assertEquals(exitCode, 0);
  assertEquals(stdout, "Imported 2500 events at positions 1 to 2500\n");
  const expected = text.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(await dir.events(), expected);
});

Deno.test("import goes on where the store ends, and --json says how far it came", async () => {
  using dir = new ImportDir();
  assertEquals((await dir.import(eventLines(1, 3))).exitCode, 0);
  const { exitCode, stdout } = await dir.import(eventLines(4, 5), "--json");
  assertEquals(exitCode, 0);
  assertEquals(JSON.parse(stdout), { imported: 2, head: 5 });
  assertEquals((await dir.events()).map(({ position }) => position), [
    1,
    2,
    3,
    4,
    5,
  ]);
});

Deno.test("import refuses positions with a gap or not following the store, and imports nothing", async () => {
  using dir = new ImportDir();
  await dir.import(eventLines(1, 3));
  const table: [string, string, string][] = [
    [eventLines(5, 6), "line 1 of", "must be 4: current value is 5"],
    [eventLines(1, 6), "line 1 of", "must be 4: current value is 1"],
    [
      eventLines(4, 1_503) + eventLines(1_505, 1_506),
      "line 1501 of",
      "must be 1504: current value is 1505",
    ],
    [
      eventLines(4, 4) + eventLines(4, 5),
      "line 2 of",
      "must be 5: current value is 4",
    ],
  ];
  for (const [text, where, what] of table) {
    const { exitCode, reports } = await dir.import(text);
    assertEquals(exitCode, 1);
    assertStringIncludes(reports.at(-1) ?? "", where);
    assertStringIncludes(reports.at(-1) ?? "", what);
    assertEquals(reports.at(-2), "Nothing was imported");
    assertEquals((await dir.events()).length, 3);
  }
});

Deno.test("import refuses what is no event of a store, naming the line", async () => {
  using dir = new ImportDir();
  const bad: [string, string][] = [
    ["{", "it is not JSON"],
    [eventLine(2).slice(0, -1), "it is not JSON"],
    ["[]", "not a JSON object"],
    ["null", "not a JSON object"],
    [eventLine(2, { id: undefined }), "'id' is missing"],
    [eventLine(2, { data: undefined }), "'data' is missing"],
    [
      eventLine(2, { source: 1 }),
      'unknown field, which would get lost: "source"',
    ],
    [eventLine(2, { position: "2" }), "'position' must be an integer"],
    [eventLine(2, { position: 2.5 }), "'position' must be an integer"],
    [eventLine(2, { type: "" }), "'type' must"],
    [eventLine(2, { id: "2" }), "'id' must be a UUID"],
    [eventLine(2, { tags: "a:b" }), "'tags' must be an array"],
    [eventLine(2, { tags: ["a:b", "a:b"] }), "'tags[1]' must"],
    [eventLine(2, { timestamp: "yesterday" }), "'timestamp' must"],
    [
      eventLine(2, { data: { long: "x".repeat(1_100_000) } }),
      "bytes",
    ],
    [
      eventLine(2, { data: 7 }).replace('"data":7', '"data":9007199254740993'),
      "rounded: 9007199254740993",
    ],
    [
      eventLine(2, { data: 7 })
        .replace('"data":7', `"data":${"9".repeat(400)}`),
      "rounded: 999",
    ],
    ["\ufeff" + eventLine(2), "it is not JSON"],
    [`{"x":"${"x".repeat(9 * 1_024 * 1_024)}"}`, "it has more than"],
  ];
  for (const [line, what] of bad) {
    const { exitCode, stdout, reports } = await dir.import(
      `${eventLine(1)}\n${line}\n${eventLine(3)}\n`,
      "--json",
    );
    assertEquals(exitCode, 1, what);
    assertStringIncludes(reports.at(-1) ?? "", "Cannot import line 2 of");
    assertStringIncludes(reports.at(-1) ?? "", what);
    const { error } = JSON.parse(stdout);
    assertEquals([error.name, error.line], ["ImportError", 2]);
    assertEquals(await dir.events(), []);
  }
});

Deno.test("import names the line that is not UTF-8", async () => {
  using dir = new ImportDir();
  const bytes = ENCODER.encode(eventLines(1, 4));
  const inThirdLine = bytes.indexOf(0x0a, bytes.indexOf(0x0a) + 1) + 10;
  bytes[inThirdLine] = 0xff;
  const { exitCode, reports } = await dir.import(bytes);
  assertEquals(exitCode, 1);
  assertStringIncludes(reports.at(-1) ?? "", "line 3 of");
  assertStringIncludes(reports.at(-1) ?? "", "it is not UTF-8");
});

Deno.test("import takes long numbers in texts, other line ends, empty lines and any letter", async () => {
  using dir = new ImportDir();
  const data = { text: "é\u2028\u2029'\u0000😀", digits: "90071992547409931" };
  const exact = { big: 9_007_199_254_740_991, fraction: 0.1234567890123456789 };
  const text = `${eventLine(1, { data })}\r\n\n  \n${
    eventLine(2, { data: exact })
  }`;
  assertEquals((await dir.import(text)).exitCode, 0);
  const events = await dir.events();
  assertEquals(events.map((event) => event.data), [data, exact]);
});

Deno.test("import of an empty file does nothing and succeeds", async () => {
  using dir = new ImportDir();
  const { exitCode, stdout } = await dir.import("");
  assertEquals(exitCode, 0);
  assertStringIncludes(stdout, "Imported no events");
});

Deno.test("import reads standard input in pieces of any size", async () => {
  using dir = new ImportDir();
  const bytes = ENCODER.encode(
    `${eventLine(1, { data: "é😀" })}\n${eventLines(2, 5)}`,
  );
  const pieces = Array.from(
    { length: Math.ceil(bytes.length / 7) },
    (_, i) => bytes.slice(i * 7, i * 7 + 7),
  );
  assertEquals((await dir.importStdin(pieces)).exitCode, 0);
  const events = await dir.events();
  assertEquals(events.length, 5);
  assertEquals(events[0]?.data, "é😀");
});

Deno.test("import of standard input keeps the batches before a refused line, and says so", async () => {
  using dir = new ImportDir();
  const text = eventLines(1, 1_200) + eventLines(1_300, 1_301);
  const { exitCode, reports } = await dir.importStdin([ENCODER.encode(text)]);
  assertEquals(exitCode, 1);
  assertEquals(reports[0], "The events up to position 1000 are imported");
  assertStringIncludes(reports[1] ?? "", 'line 1201 of "-"');
  assertEquals((await dir.events()).length, 1_000);
});

Deno.test("import stops when interrupted, with status 130", async () => {
  using dir = new ImportDir();
  const stop = new AbortController();
  async function* stdin() {
    yield await Promise.resolve(ENCODER.encode(eventLines(1, 1_001)));
    stop.abort();
    yield ENCODER.encode(eventLines(1_002, 5_000));
  }
  const { exitCode, reports } = await dir.importStdin(stdin(), stop.signal);
  assertEquals(exitCode, 130);
  assertEquals(reports, [
    "The events up to position 1000 are imported",
    "Stopped",
  ]);
  assertEquals((await dir.events()).length, 1_000);
});

Deno.test("import stops also while it waits for standard input", async () => {
  using dir = new ImportDir();
  const stop = new AbortController();
  const silence = Promise.withResolvers<Uint8Array>();
  async function* stdin() {
    stop.abort();
    yield await silence.promise;
  }
  const { exitCode } = await dir.importStdin(stdin(), stop.signal);
  silence.resolve(new Uint8Array());
  assertEquals(exitCode, 130);
});

Deno.test("import stops when another process appends meanwhile, instead of shifting positions", async () => {
  using dir = new ImportDir();
  async function* stdin() {
    yield ENCODER.encode(eventLines(1, 1_001));
    await fillStore(dir.data, [{ type: "Foreign", data: {} }]);
    yield ENCODER.encode(eventLines(1_002, 3_000));
  }
  const { exitCode, reports } = await dir.importStdin(stdin());
  assertEquals(exitCode, 1);
  assertStringIncludes(reports.at(-1) ?? "", "position 1001 is taken");
  const events = await dir.events();
  assertEquals(events.length, 1_001);
  assertEquals(events.at(-1)?.type, "Foreign");
});

Deno.test("import says which file it cannot read, and creates no store for it", async () => {
  using dir = new ImportDir();
  const missing = dir.file("missing.ndjson");
  const { exitCode, reports } = await runCommand([
    "import",
    missing,
    "--data",
    dir.data,
  ]);
  assertEquals(exitCode, 1);
  assert(reports.at(-1)?.includes(missing));
  assertStringIncludes(reports.at(-1) ?? "", "does not exist");
  assertEquals(dir.list(), []);
});
