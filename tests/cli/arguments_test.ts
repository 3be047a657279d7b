import { assertEquals, assertStringIncludes } from "@std/assert";
import manifest from "../../deno.json" with { type: "json" };
import { TempDir } from "../support/temp_dir.ts";
import { runCommand } from "./cli_fixture.ts";

const COMMANDS = [
  "import",
  "rebuild",
  "status",
  "checkpoints",
  "export",
  "digest",
  "verify",
  "repair",
  "salvage",
];

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
  const { exitCode, stdout } = await runCommand(["verify", "--json"]);
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
    for (const command of COMMANDS) assertStringIncludes(stdout, command);
    assertStringIncludes(stdout, "Exit status");
  }
});

Deno.test("--help after a command explains that command, without a data folder", async () => {
  for (const command of COMMANDS) {
    const { exitCode, stdout } = await runCommand([command, "--help"]);
    assertEquals(exitCode, 0);
    assertStringIncludes(stdout, `Usage: opossum ${command}`);
    assertStringIncludes(stdout, "--data DIR");
    assertEquals(stdout, (await runCommand(["help", command])).stdout);
  }
  const { stdout } = await runCommand(["rebuild", "--help"]);
  for (const option of ["--force", "--concurrency N", "--dry-run", "--note"]) {
    assertStringIncludes(stdout, option);
  }
});

Deno.test("help fits a terminal of 90 columns", async () => {
  for (const args of [[], ...COMMANDS.map((command) => [command])]) {
    const { stdout } = await runCommand([...args, "--help"]);
    const long = stdout.split("\n").filter((line) =>
      line.length > 90 && !line.startsWith("Usage:")
    );
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
  for (const command of COMMANDS.filter((name) => name !== "import")) {
    const { exitCode, stdout, reports } = await runCommand([
      command,
      ...command === "export" ? ["Alpha"] : [],
      ...command === "salvage" ? [dir.file("target")] : [],
      "--data",
      dir.file("missing"),
      ...projections,
      "--json",
    ]);
    assertEquals(exitCode, 2, command);
    assertStringIncludes(reports[0] ?? "", "Cannot find a store");
    assertStringIncludes(stdout, "Cannot find a store");
  }
  assertEquals(dir.list(), []);
});
