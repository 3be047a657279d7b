import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { EventInput } from "../../mod.ts";
import { generateEvents } from "../../examples/course_management/seeder.ts";
import { exportLines, oracleDigest, oracleStates } from "../examples/oracle.ts";
import { TempDir } from "../support/temp_dir.ts";
import { fillStore, modulePath, runCommand } from "./cli_fixture.ts";

const PROJECTIONS = modulePath(
  "../../examples/course_management/projections.ts",
);

class SampleDir extends TempDir {
  readonly data: string = this.file("data");
  readonly events: readonly EventInput[] = [...generateEvents({ events: 800 })];

  /** Imports the sample's events through a file, as users do. */
  async import(): Promise<void> {
    const lines = this.events.map((event, index) =>
      `${JSON.stringify({ position: index + 1, ...event })}\n`
    );
    await Deno.writeTextFile(this.file("events.ndjson"), lines.join(""));
    const { exitCode } = await this.run("import", this.file("events.ndjson"));
    assertEquals(exitCode, 0);
  }

  /** Runs a command with the sample's projections. */
  async run(...args: string[]) {
    return await runCommand(
      [...args, "--data", this.data, "--projections", PROJECTIONS],
    );
  }
}

Deno.test("import, rebuild, export and digest give the states that a plain fold gives", async () => {
  using dir = new SampleDir();
  await dir.import();
  const { exitCode } = await dir.run("rebuild", "--concurrency", "4");
  assertEquals(exitCode, 0);
  const expected = oracleStates(dir.events);
  for (const [name, states] of Object.entries(expected)) {
    const { exitCode, stdout } = await dir.run("export", name);
    assertEquals(exitCode, 0);
    const lines = exportLines(states);
    assertEquals(stdout, lines.map((line) => `${line}\n`).join(""));
    const json = await dir.run("export", name, "--json");
    assertEquals(
      JSON.parse(json.stdout),
      lines.map((line) => JSON.parse(line)),
    );
  }
  const digest = await dir.run("digest");
  assertEquals(digest.stdout, `${oracleDigest(expected)}\n`);
  assert(digest.reports.every((line) => !line.includes("behind")));
  assertEquals(JSON.parse((await dir.run("digest", "--json")).stdout), {
    digest: oracleDigest(expected),
    projections: Object.keys(expected),
  });
});

Deno.test("export and digest of empty projections are empty, not absent", async () => {
  using dir = new SampleDir();
  await fillStore(dir.data, [{ type: "Unrelated", data: null }]);
  await dir.run("rebuild");
  assertEquals((await dir.run("export", "CourseDetails")).stdout, "");
  assertEquals(
    (await dir.run("export", "CourseDetails", "--json")).stdout,
    "[]\n",
  );
  const digest = await dir.run("digest");
  assertEquals(digest.stdout, `${oracleDigest(oracleStates([]))}\n`);
});

Deno.test("export and digest refuse projections that were never built", async () => {
  using dir = new SampleDir();
  await dir.import();
  for (const args of [["export", "CourseDetails"], ["digest"]]) {
    const { exitCode, stdout, reports } = await dir.run(...args);
    assertEquals([exitCode, stdout], [1, ""]);
    assertStringIncludes(reports.at(-1) ?? "", "never built");
    const json = await dir.run(...args, "--json");
    assertEquals(
      JSON.parse(json.stdout).error.name,
      "ProjectionNotBuiltError",
    );
  }
});

Deno.test("export of an unknown projection is a wrong call", async () => {
  using dir = new SampleDir();
  await dir.import();
  const { exitCode, reports } = await dir.run("export", "CourseDetail");
  assertEquals(exitCode, 2);
  assertStringIncludes(reports[0] ?? "", '"CourseDetail"');
});

Deno.test("status and checkpoints tell absent from built", async () => {
  using dir = new SampleDir();
  await dir.import();
  const before = await dir.run("status");
  assertStringIncludes(before.stdout, "Last position: 800");
  assertStringIncludes(before.stdout, "No rebuild was ever asked for");
  await dir.run("rebuild", "CourseDetails");
  const { stdout } = await dir.run("status");
  const rows = stdout.split("\n").filter((line) =>
    /^(Course|Student)/.test(line)
  )
    .map((line) => line.split(/ {2,}/).slice(0, 6));
  assertEquals(rows.map((cells) => cells.map((cell) => cell.trim())), [
    ["CourseDetails", "ready", "1", "1", "800", "0"],
    ["CourseShortInfo", "absent", "none", "1", "0", "800"],
    ["StudentDetails", "absent", "none", "1", "0", "800"],
    ["StudentShortInfo", "absent", "none", "1", "0", "800"],
  ]);
  assertStringIncludes(stdout, "succeeded, 1 of 1 projections");
  const checkpoints = await dir.run("checkpoints", "--json");
  assertEquals(JSON.parse(checkpoints.stdout), {
    CourseDetails: 800,
    CourseShortInfo: 0,
    StudentDetails: 0,
    StudentShortInfo: 0,
  });
  const table = (await dir.run("checkpoints")).stdout.split("\n");
  assertEquals(table[1], "CourseDetails            800");
});

Deno.test("verify finds a sound log sound", async () => {
  using dir = new SampleDir();
  await dir.import();
  const { exitCode, stdout } = await dir.run("verify");
  assertEquals(exitCode, 0);
  assertStringIncludes(stdout, "sound up to position 800: 800 events");
  const report = JSON.parse((await dir.run("verify", "--json")).stdout);
  assertEquals([report.ok, report.events], [true, 800]);
});

Deno.test("verify names file and positions of what is damaged, with status 1", async () => {
  using dir = new SampleDir();
  await fillStore(dir.data, dir.events.slice(0, 3));
  await fillStore(dir.data, dir.events.slice(3, 6));
  await fillStore(dir.data, dir.events.slice(6, 9));
  const file = `${dir.data}/events/00000000000000000001.ndjson`;
  const text = await Deno.readTextFile(file);
  const inSecondAppend = text.indexOf(
    `"${dir.events[4]?.type}"`,
    text.indexOf('"position":5'),
  );
  await Deno.writeTextFile(
    file,
    `${text.slice(0, inSecondAppend)}?${text.slice(inSecondAppend + 1)}`,
  );
  const { exitCode, stdout } = await dir.run("verify");
  assertEquals(exitCode, 1);
  assertStringIncludes(stdout, "events/00000000000000000001.ndjson, byte");
  assertStringIncludes(stdout, "positions 4 to 6");
  assertStringIncludes(stdout, "The log is damaged in 1 place:");
  assertStringIncludes(stdout, "opossum salvage TARGET");
  const report = JSON.parse((await dir.run("verify", "--json")).stdout);
  assertEquals([report.ok, report.problems.length], [false, 1]);
});
