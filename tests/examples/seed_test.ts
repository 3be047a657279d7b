import {
  assertEquals,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { openOpossum, silentLogger } from "@opossum/deno";
import { runSeed } from "../../examples/course_management/seed.ts";
import { TempDir } from "../support/temp_dir.ts";
import { recordTerminal } from "./terminal.ts";

async function headOf(path: string): Promise<number> {
  await using opossum = await openOpossum({
    path,
    startDaemon: false,
    logger: silentLogger,
  });
  return await opossum.events.head();
}

Deno.test("seed fills an empty folder, telling how far it is", async () => {
  using dir = new TempDir();
  const terminal = recordTerminal();
  const args = ["--data", dir.file("data"), "--events", "2500"];
  assertEquals(await runSeed(args, terminal), 0);
  assertStringIncludes(terminal.printed.join(), "Seeded 2500 events");
  assertEquals(terminal.reported, [
    "Seeded 1000 of 2500 events",
    "Seeded 2000 of 2500 events",
    "Seeded 2500 of 2500 events",
  ]);
  assertEquals(await headOf(dir.file("data")), 2_500);
});

Deno.test("seed gives the same log for the same seed", async () => {
  using dir = new TempDir();
  const texts: string[] = [];
  for (const [name, seed] of [["a", "7"], ["b", "7"], ["c", "8"]] as const) {
    const data = dir.file(name);
    const args = ["--data", data, "--events", "50", "--seed", seed];
    assertEquals(await runSeed(args, recordTerminal()), 0);
    await using opossum = await openOpossum({
      path: data,
      startDaemon: false,
      logger: silentLogger,
    });
    const events = await Array.fromAsync(opossum.events.read("all"));
    texts.push(JSON.stringify(events));
  }
  assertEquals(texts[0], texts[1]);
  assertNotEquals(texts[0], texts[2]);
});

Deno.test("seed refuses a folder that holds events, and changes nothing", async () => {
  using dir = new TempDir();
  const args = ["--data", dir.file("data"), "--events", "10"];
  assertEquals(await runSeed(args, recordTerminal()), 0);
  const terminal = recordTerminal();
  assertEquals(await runSeed(args, terminal), 1);
  assertStringIncludes(terminal.reported.join(), "holds events already");
  assertEquals(await headOf(dir.file("data")), 10);
});

Deno.test("seed stops when interrupted, with status 130", async () => {
  using dir = new TempDir();
  const terminal = recordTerminal({
    onReport: (line) => line.includes("1000 of") && terminal.interrupt(),
  });
  const args = ["--data", dir.file("data"), "--events", "5000"];
  assertEquals(await runSeed(args, terminal), 130);
  assertStringIncludes(terminal.reported.at(-1) ?? "", "Stopped");
  assertEquals(await headOf(dir.file("data")), 1_000);
});

Deno.test("seed answers wrong calls with status 2 before it touches a folder", async () => {
  using dir = new TempDir();
  const data = dir.file("data");
  const table: [string[], string][] = [
    [[], "'--data' is missing"],
    [["--data", data], "'--events' is missing"],
    [["--data", data, "--events", "0"], "from 1 to"],
    [["--data", data, "--events", "1e3"], "from 1 to"],
    [["--data", data, "--events", "5", "--seed", "-1"], "--seed"],
    [["--data", data, "--events", "5", "--seed", "4294967296"], "'--seed'"],
    [["--data", data, "--events", "5", "--sede", "1"], "--sede"],
    [["--data", data, "--events", "5", "more"], "more"],
  ];
  for (const [args, words] of table) {
    const terminal = recordTerminal();
    assertEquals(await runSeed(args, terminal), 2, args.join(" "));
    const [message = "", hint = ""] = terminal.reported;
    assertStringIncludes(message, words);
    assertStringIncludes(hint, "--help");
  }
  assertEquals(dir.list(), []);
});

Deno.test("seed --help explains every option", async () => {
  const terminal = recordTerminal();
  assertEquals(await runSeed(["--help"], terminal), 0);
  for (const option of ["--data", "--events", "--seed", "--help"]) {
    assertStringIncludes(terminal.printed.join("\n"), option);
  }
});
