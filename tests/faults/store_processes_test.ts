/**
 * Several daemons, rebuilds and the command line on one folder: a few rounds here, and many with
 * `deno task test:faults:processes`. `OPOSSUM_TEST_SEED` repeats what a failure names.
 *
 * @module
 */
import { assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { runCommand } from "../cli/cli_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { checkFolder } from "./invariants.ts";
import { LineProcess } from "./processes/line_process.ts";
import { counted, projections } from "./processes/projections.ts";
import type { StoreAnswer, StoreCommand } from "./processes/store_program.ts";
import { disturbDaemons, raceRebuilds } from "./processes/store_rounds.ts";

const SEED = Number(
  Deno.env.get("OPOSSUM_TEST_SEED") ?? Math.floor(Math.random() * 2 ** 31),
);
const PROGRAM = "tests/faults/processes/store_program.ts";
const PROJECTIONS = fileURLToPath(
  new URL("./processes/projections.ts", import.meta.url),
);

Deno.test("daemons that are stopped and killed leave each projection to one of them, and as the log says", async (t) => {
  await t.step(`seed ${SEED}`, async () => {
    using dir = new TempDir();
    const path = dir.file("data");
    const report = await disturbDaemons({ path, seed: SEED, times: 2 });
    assertEquals(report.violations, []);
  });
});

Deno.test("of two processes that rebuild the same, one is told who is at it, and readers see whole generations", async () => {
  using dir = new TempDir();
  const path = dir.file("data");
  const options = { path, seed: SEED, times: 1, reads: 200 };
  const report = await raceRebuilds(options);
  assertEquals(report.violations, []);
  assertGreater(report.both + report.refused, 0);
});

Deno.test("the command line works beside a running server", async () => {
  using dir = new TempDir();
  const path = dir.file("data");
  const failures: string[] = [];
  const server = new LineProcess<StoreCommand, StoreAnswer>(
    PROGRAM,
    [path],
    failures,
  );
  const ids: string[] = [];
  const append = async (count: number) => {
    const events = Array.from({ length: count }, (_, n) => counted(n));
    ids.push(...events.map(({ id }) => id));
    return await server.call({ do: "append", events });
  };
  const run = async (...args: string[]) => {
    const options = ["--json", "--data", path, "--projections", PROJECTIONS];
    const [name = "", ...rest] = args;
    const ofProjections = ["status", "rebuild", "digest"].includes(name);
    const { exitCode, stdout } = await runCommand([
      name,
      ...rest,
      ...ofProjections ? options : options.slice(0, 3),
    ]);
    return { exitCode, output: JSON.parse(stdout) };
  };
  assertEquals(await append(50), { is: "appended", first: 1 });
  await server.call({ do: "wait", position: 50 });

  const status = await run("status");
  for (const { state, owner } of status.output.projections) {
    assertEquals([state, owner.pid], ["ready", server.pid]);
  }

  const lines = Array.from({ length: 10 }, (_, n) => {
    const position = 51 + n;
    const timestamp = "2026-01-01T00:00:00.000Z";
    return JSON.stringify({ position, tags: [], timestamp, ...counted(n) });
  });
  ids.push(...lines.map((line) => JSON.parse(line).id));
  Deno.writeTextFileSync(dir.file("events.ndjson"), lines.join("\n") + "\n");
  const file = dir.file("events.ndjson");
  assertEquals((await run("import", file)).output, { imported: 10, head: 60 });
  await server.call({ do: "wait", position: 60 });
  // What the file says is taken now.
  const again = await run("import", file);
  assertEquals(again.exitCode, 1);
  assertStringIncludes(again.output.error.message, "position");

  const appending = (async () => {
    for (let i = 0; i < 20; i++) await append(3);
  })();
  const rebuilt = await run("rebuild", "--force");
  const verified = await run("verify");
  await appending;
  assertEquals([rebuilt.exitCode, rebuilt.output.failedProjections], [0, []]);
  assertEquals([verified.exitCode, verified.output.problems], [0, []]);

  await server.call({ do: "wait", position: 120 });
  const digests = await run("digest");
  assertEquals(digests.exitCode, 0);
  await server.close();
  assertEquals(failures, []);
  assertEquals((await run("digest")).output, digests.output);
  const witness = { calls: ids.map((id) => ({ ids: [id] })) };
  await checkFolder({ path, witness, projections });
});
