/** What the command line says of a projection that an operator rolled back. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { openOpossum, silentLogger } from "@opossum/deno";
import { generateEvents } from "../../examples/course_management/seeder.ts";
import { TempDir } from "../support/temp_dir.ts";
import { runCommand } from "./cli_fixture.ts";
import { RELEASES } from "./processes.ts";

Deno.test("what is rolled back to other code is told of, and why it is not rebuilt", async () => {
  using dir = new TempDir();
  const path = dir.file("data");
  {
    await using store = await openOpossum({
      path,
      startDaemon: false,
      logger: silentLogger,
    });
    await store.events.append([...generateEvents({ events: 50, seed: 5 })]);
  }
  const run = (release: keyof typeof RELEASES, ...args: string[]) =>
    runCommand([
      ...args,
      "--data",
      path,
      "--projections",
      RELEASES[release],
    ]);
  await run("buggy", "projections", "rebuild");
  const all = await run("current", "projections", "rebuild");
  assert(!all.stdout.includes("left alone"));
  await run("current", "projections", "rollback", "CourseDetails");

  const listed = await run("current", "projections", "list");
  assertStringIncludes(
    listed.stdout,
    "CourseDetails is rolled back to generation 1 since 20",
  );
  const rebuilt = await run("current", "projections", "rebuild");
  assertEquals(rebuilt.exitCode, 0);
  assertEquals(
    rebuilt.stdout,
    "There was nothing to rebuild\n" +
      "CourseDetails is left alone, as it was rolled back: name it to rebuild it\n",
  );
  const named = await run(
    "current",
    "projections",
    "rebuild",
    "CourseDetails",
  );
  assert(!named.stdout.includes("left alone"));
  assertStringIncludes(named.stdout, "1 of 1 projections rebuilt");
});
