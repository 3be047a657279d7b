/**
 * `opossum projections verify`, and how far long commands say they are.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { counts } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { fillStore, modulePath, runCommand } from "./cli_fixture.ts";

const PROJECTIONS = modulePath("counting_projections.ts");

async function built(dir: TempDir) {
  const common = ["--data", dir.file("data"), "--projections", PROJECTIONS];
  await fillStore(dir.file("data"), counts(9));
  await runCommand(["rebuild", ...common]);
  return common;
}

function change(dir: TempDir, name: string, sql: string): void {
  using database = new DatabaseSync(
    dir.file(`data/projections/${name}/000001.sqlite`),
  );
  database.exec(sql);
}

Deno.test("projections verify finds documents right, and says up to where", async () => {
  using dir = new TempDir();
  const common = await built(dir);
  await fillStore(dir.file("data"), counts(3));
  const { exitCode, stdout, reports } = await runCommand([
    "projections",
    "verify",
    "Alpha",
    ...common,
  ]);
  assertEquals(exitCode, 0);
  assertEquals(stdout, "Alpha is what the log says, up to position 9\n");
  assertEquals(reports[0], "Alpha: checking its database, 0 of 1 rows");
  assertStringIncludes(reports.join(), "Comparing: reading the log");
  // Three documents with a tag each.
  assertEquals(reports.at(-1), "Alpha: comparing with the log, 6 of 6 rows");
  const { stdout: json } = await runCommand([
    "projections",
    "verify",
    "Beta",
    "--json",
    ...common,
  ]);
  const { ok, compared, checkpoint } = JSON.parse(json);
  assertEquals([ok, compared, checkpoint], [true, true, 9]);
});

Deno.test("projections verify finds one wrong document, with status 1, and asks of no other projection", async () => {
  using dir = new TempDir();
  const common = await built(dir);
  change(
    dir,
    "Alpha",
    `UPDATE documents SET state = '{"sum":0}' WHERE key = 'a'`,
  );
  const wrong = await runCommand([
    "projections",
    "verify",
    "Alpha",
    "--json",
    ...common,
  ]);
  assertEquals(wrong.exitCode, 1);
  const { ok, findings } = JSON.parse(wrong.stdout);
  assert(!ok);
  assert(findings.length > 0);
  const other = await runCommand(["projections", "verify", "Beta", ...common]);
  assertEquals(other.exitCode, 0);
});

Deno.test("projections verify tells a previous generation that is damaged from documents that are wrong", async () => {
  using dir = new TempDir();
  const common = await built(dir);
  await runCommand(["rebuild", "Alpha", ...common]);
  change(dir, "Alpha", "DELETE FROM documents WHERE key = 'a'");
  const args = ["projections", "verify", "Alpha", ...common];
  const { exitCode, stdout } = await runCommand(args);
  assertEquals(exitCode, 1);
  assertEquals(
    stdout,
    "projections/Alpha/000001.sqlite: it says 3 documents and has 2\n" +
      "Alpha is what the log says, up to position 9; something else is wrong: see above\n",
  );
});

Deno.test("projections verify says when there is nothing to compare, with status 1", async () => {
  using dir = new TempDir();
  await fillStore(dir.file("data"), counts(3));
  const common = ["--data", dir.file("data"), "--projections", PROJECTIONS];
  const { exitCode, stdout } = await runCommand([
    "projections",
    "verify",
    "Alpha",
    ...common,
  ]);
  assertEquals(exitCode, 1);
  assertStringIncludes(stdout, "cannot be compared");
  const unknown = await runCommand(["projections", "verify", "X", ...common]);
  assertEquals(unknown.exitCode, 2);
  assertStringIncludes(unknown.reports[0] ?? "", '"Alpha", "Beta"');
});

Deno.test("verify, export and salvage say how far they are, on standard error", async () => {
  using dir = new TempDir();
  const common = await built(dir);
  const table: [string[], string][] = [
    [["verify"], "Verifying: reading the log, "],
    [["verify", "--deep"], "Verifying: reading the log, "],
    [["export", "Alpha"], "Alpha: reading, 3 of 3 documents"],
    [["digest"], "Beta: reading, 3 of 3 documents"],
    [["repair"], "Looking: reading the log, "],
    [["salvage", dir.file("target")], "Salvaging: reading the log, "],
    [["salvage", dir.file("x.ndjson")], "Salvaging: reading the log, "],
  ];
  for (const [args, words] of table) {
    const { exitCode, stdout, reports } = await runCommand([
      ...args,
      "--json",
      ...common,
    ]);
    assertEquals(exitCode, 0, args.join(" "));
    assertStringIncludes(reports.join("\n"), words);
    JSON.parse(stdout);
  }
});
