import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import manifest from "../../deno.json" with { type: "json" };
import { TempDir } from "../support/temp_dir.ts";
import { COMMANDS as COMMAND_TABLE } from "../../src/cli/commands.ts";
import { EXIT_CODES } from "../../src/cli/exit_codes.ts";
import { runCommand } from "./cli_fixture.ts";

/** Each command, with what it was called before. */
const COMMANDS = COMMAND_TABLE.flatMap(({ name, formerly }) =>
  formerly === undefined ? [name] : [name, formerly]
);

Deno.test("wrong calls end with status 2, say what is wrong and touch no folder", async () => {
  using dir = new TempDir();
  const data = ["--data", dir.file("data")];
  const table: [string[], string][] = [
    [[], "Command is missing"],
    [["--data"], "'--data"],
    [["frobnicate", ...data], 'Unknown command "frobnicate"'],
    [["help", "frobnicate"], 'Unknown command "frobnicate"'],
    [["verify"], "'--data' is missing"],
    [["verify", "--data", ""], "'--data' is missing"],
    [["verify", ...data, "--dta", "x"], "--dta"],
    [["verify", ...data, "--force"], "'--force' is not one of 'verify'"],
    [["verify", ...data, "more"], "takes no operand"],
    [["verify", ...data, "--apply"], "'--apply' is not one of 'verify'"],
    [["repair", ...data, "--deep"], "'--deep' is not one of 'repair'"],
    [["repair", ...data], "Cannot find a store"],
    [["salvage", ...data], "needs TARGET"],
    [["salvage", ...data, ""], "needs TARGET"],
    [["import", ...data], "needs FILE"],
    [["import", ...data, "a", "b"], 'unexpected is "b"'],
    [["status", ...data], "'--projections' is missing"],
    [["export", ...data, "--projections", "p.ts"], "needs NAME"],
    ...["0", "65", "1.5", "-1", "x", ""].map((
      value,
    ): [string[], string] => [[
      "rebuild",
      ...data,
      "--projections=p.ts",
      `--concurrency=${value}`,
    ], 'from 1 to 64, or "auto"']),
    [
      ["rebuild", ...data, "--projections=p.ts", `--note=${"x".repeat(257)}`],
      "at most 256 characters",
    ],
  ];
  for (const [args, words] of table) {
    const { exitCode, stdout, reports } = await runCommand(args);
    assertEquals(exitCode, 2, args.join(" "));
    assertEquals(stdout, "");
    assertStringIncludes(reports[0] ?? "", words);
    assertStringIncludes(reports[1] ?? "", "--help");
  }
  assertEquals(dir.list(), []);
});

Deno.test("--json prints one JSON value also for a wrong call", async () => {
  const { exitCode, stdout } = await runCommand(["repair", "--json"]);
  assertEquals(exitCode, 2);
  assertEquals(JSON.parse(stdout), {
    error: {
      name: "UsageError",
      message: "Option '--data' is missing: the data folder",
    },
  });
});

Deno.test("--help lists every command", async () => {
  for (const args of [["--help"], ["-h"], ["help"]]) {
    const { exitCode, stdout } = await runCommand(args);
    assertEquals(exitCode, 0);
    for (const { name } of COMMAND_TABLE) assertStringIncludes(stdout, name);
    assertStringIncludes(stdout, "Exit status");
  }
});

Deno.test("--help after a command explains that command, without a data folder", async () => {
  for (const { name, formerly = name, place, examples } of COMMAND_TABLE) {
    const words = name.split(" ");
    const { exitCode, stdout } = await runCommand([...words, "--help"]);
    assertEquals(exitCode, 0);
    assertStringIncludes(stdout, `Usage: opossum ${name}`);
    const isOfFolders = place.works === "anywhere" || place.works === "folder";
    assertEquals(stdout.includes("--data DIR"), isOfFolders, name);
    const isOfServers = place.works === "anywhere" || place.works === "server";
    assertEquals(stdout.includes("--url URL"), isOfServers, name);
    assert(examples.length > 0, name);
    for (const example of examples) {
      assert(example.startsWith(`${name} `) || example === name, example);
    }
    for (const help of [["help", ...words], [...formerly.split(" "), "-h"]]) {
      assertEquals(stdout, (await runCommand(help)).stdout);
    }
  }
  const { stdout } = await runCommand(["rebuild", "--help"]);
  for (const option of ["--force", "--concurrency N", "--dry-run", "--note"]) {
    assertStringIncludes(stdout, option);
  }
});

Deno.test("help fits a terminal of 90 columns", async () => {
  for (const args of [[], ...COMMANDS.map((name) => name.split(" "))]) {
    const { stdout } = await runCommand([...args, "--help"]);
    const long = stdout.split("\n").filter((line) => line.length > 90);
    assertEquals(long, []);
  }
});

Deno.test("--version prints the package's version", async () => {
  const { exitCode, stdout } = await runCommand(["--version"]);
  assertEquals([exitCode, stdout], [0, `${manifest.version}\n`]);
});

Deno.test("commands but import refuse a folder that is no store, and create none", async () => {
  using dir = new TempDir();
  const projections = ["--projections", "never_loaded.ts"];
  for (const { name, operandCount, place } of COMMAND_TABLE) {
    const isOfFolders = place.works === "anywhere" || place.works === "folder";
    if (!isOfFolders || name === "import") continue;
    const operands = ["1", "2"].slice(0, operandCount[0]);
    const { exitCode, stdout, reports } = await runCommand([
      ...name.split(" "),
      ...name === "salvage" ? [dir.file("target")] : operands,
      "--data",
      dir.file("missing"),
      ...projections,
      "--json",
    ]);
    assertEquals(exitCode, 2, name);
    assertStringIncludes(reports[0] ?? "", "Cannot find a store");
    assertStringIncludes(stdout, "Cannot find a store");
  }
  assertEquals(dir.list(), []);
});

Deno.test("help on a word that begins commands lists them, and the word alone is a wrong call", async () => {
  for (const word of ["projections", "operations", "events"]) {
    const { exitCode, stdout } = await runCommand([word, "--help"]);
    assertEquals(exitCode, 0);
    for (const { name } of COMMAND_TABLE) {
      assertEquals(
        stdout.includes(`\n  ${name}`),
        name.startsWith(`${word} `),
        name,
      );
    }
    const alone = await runCommand([word]);
    assertEquals(alone.exitCode, 2);
    assertStringIncludes(
      alone.reports[0] ?? "",
      `'${word}' needs to know what`,
    );
    const wrong = await runCommand([word, "frobnicate"]);
    assertStringIncludes(wrong.reports[0] ?? "", `after '${word}' there are`);
  }
});

Deno.test("commands say where they work, and why nowhere else", async () => {
  const url = ["--url", "http://127.0.0.1:9"];
  const table: [string[], string][] = [
    [["events", "read", ...url], "as the admin API serves no events"],
    [["events", "tail", ...url], "as the admin API serves no events"],
    [["events", "stats", ...url], "as the admin API serves no events"],
    [["export", "X", ...url], "as the admin API serves no documents"],
    [["repair", ...url], "works on a folder ('--data') only"],
    [["verify", ...url, "--deep"], "'--deep' is one for folders"],
    [["schedule", "--data", "x"], "stands in no folder"],
    [["schedule"], "'--url' is missing"],
    [["status", ...url, "--data", "x"], "exclude each other"],
    [["status", ...url, "--read-only"], "one for folders"],
    [["status", "--data", "x", "--token-file", "t"], "one for servers"],
    [["rebuild", "--data", "x", "--projections", "p", "--no-wait"], "'--url'"],
    [["rebuild", ...url, "--priority", "101"], "-100 to 100"],
    [["rebuild", ...url, "--priority=-101"], "-100 to 100"],
    [["rebuild", ...url, "--promote", "never"], '"manual" or "automatic"'],
    [["operations", "list", ...url, "--state", "x"], "one of queued"],
    [["operations", "list", ...url, "--limit", "1001"], "from 1 to 1000"],
    [["events", "read", "--data", "x", "--limit", "0"], "from 1"],
    [["events", "read", "--data", "x", "--after=-1"], "from 0"],
    [["status", "--url", "ftp://x"], "an address like"],
    [["status", "--url", "http://ada:secret@x"], "no password"],
    [["status", "--url", "http://x/?a"], "no password, query"],
    [["status", "--url", ""], "'--data' is missing"],
    [["completions", "tcsh"], "one of bash, zsh, fish"],
  ];
  for (const [args, words] of table) {
    const { exitCode, stdout, reports } = await runCommand(args);
    assertEquals([exitCode, stdout], [2, ""], args.join(" "));
    assertStringIncludes(reports[0] ?? "", words);
    assertStringIncludes(reports[1] ?? "", "--help");
  }
});

Deno.test("README documents the exit statuses that the help does", async () => {
  const readme = await Deno.readTextFile(
    new URL("../../README.md", import.meta.url),
  );
  for (const [code, meaning] of EXIT_CODES) {
    const [first] = meaning.split(/[:.]/);
    assertMatch(
      readme.replace(/\s+/g, " "),
      new RegExp(`\\| ${code} \\| ${RegExp.escape(first ?? "")}`),
    );
  }
});
