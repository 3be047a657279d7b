import { assertEquals, assertStringIncludes } from "@std/assert";
import { counts } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import {
  type CliRunOptions,
  fillStore,
  modulePath,
  runCommand,
} from "./cli_fixture.ts";

/** Rebuilds a store with some events; returns the levels of what it logged. */
async function levelsOf(
  args: readonly string[],
  env: NonNullable<CliRunOptions["env"]> = {},
): Promise<ReadonlySet<string>> {
  using dir = new TempDir();
  const data = dir.file("data");
  await fillStore(data, counts(4));
  const { exitCode, reports } = await runCommand([
    "projections",
    "rebuild",
    "--data",
    data,
    "--projections",
    modulePath("./counting_projections.ts"),
    ...args,
  ], { env });
  assertEquals(exitCode, 0, reports.join("\n"));
  return new Set(
    reports.filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line).level),
  );
}

Deno.test("the command line logs as --log-level says, else --verbose, else the environment, else warnings", async () => {
  const none = new Set<string>();
  const info = new Set(["info"]);
  const table: [string[], Record<string, string>, ReadonlySet<string>][] = [
    [[], {}, none],
    [[], { OPOSSUM_LOG_LEVEL: "" }, none],
    [[], { OPOSSUM_LOG_LEVEL: "info" }, info],
    [["--log-level", "info"], {}, info],
    [["--verbose"], { OPOSSUM_LOG_LEVEL: "error" }, info],
    [["--log-level", "error", "--verbose"], {}, none],
    [["--log-level", "warn"], { OPOSSUM_LOG_LEVEL: "debug" }, none],
  ];
  for (const [args, env, expected] of table) {
    assertEquals(await levelsOf(args, env), expected, args.join(" "));
  }
});

Deno.test("the command line refuses levels that there are not, before it does anything", async () => {
  using dir = new TempDir();
  const data = dir.file("data");
  await fillStore(data, counts(1));
  const before = dir.list();
  const base = ["events", "stats", "--data", data];
  const wrong = await runCommand([...base, "--log-level", "loud"]);
  assertEquals(wrong.exitCode, 2);
  assertStringIncludes(
    wrong.reports.join("\n"),
    `Option '--log-level' must be "debug", "info", "warn" or "error": current value is "loud"`,
  );
  const set = await runCommand(base, { env: { OPOSSUM_LOG_LEVEL: "INFO" } });
  assertEquals(set.exitCode, 2);
  assertStringIncludes(
    set.reports.join("\n"),
    `Variable 'OPOSSUM_LOG_LEVEL' must be "debug", "info", "warn" or "error": current value is "INFO"`,
  );
  assertEquals(dir.list(), before);
});
