import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { openOpossum, silentLogger } from "../../mod.ts";
import { counts } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import {
  type CliRunOptions,
  fillStore,
  modulePath,
  runCommand,
} from "./cli_fixture.ts";
import { hooks } from "./counting_projections.ts";

const PROJECTIONS = modulePath("counting_projections.ts");

class RebuildDir extends TempDir {
  readonly data: string = this.file("data");

  /** Runs a command with the two projections. */
  async run(args: readonly string[], options?: CliRunOptions) {
    return await runCommand(
      [...args, "--data", this.data, "--projections", PROJECTIONS],
      options,
    );
  }

  /** Runs a command that prints JSON. */
  // deno-lint-ignore no-explicit-any -- what a program would see
  async json(...args: string[]): Promise<any> {
    return JSON.parse((await this.run([...args, "--json"])).stdout);
  }

  override [Symbol.dispose](): void {
    hooks.onApply = undefined;
    super[Symbol.dispose]();
  }
}

Deno.test("rebuild builds what is absent, then has nothing to do", async () => {
  using dir = new RebuildDir();
  await fillStore(dir.data, counts(6));
  const first = await dir.run(["rebuild"]);
  assertEquals(first.exitCode, 0);
  assertStringIncludes(first.stdout, "Alpha: rebuilt (absent)");
  assertStringIncludes(first.stdout, "6 events applied, 3 documents");
  assertStringIncludes(first.stdout, "2 of 2 projections rebuilt");
  const second = await dir.run(["rebuild"]);
  assertEquals(second.exitCode, 0);
  assertStringIncludes(second.stdout, "nothing to rebuild");
  assert((await dir.json("rebuild")).nothingToDo);
});

Deno.test("rebuild shows lines of progress where nobody watches", async () => {
  using dir = new RebuildDir();
  await fillStore(dir.data, counts(6));
  const { reports } = await dir.run(["rebuild"]);
  assert(reports.includes("Alpha: done, 6 of 6 events"), reports.join("\n"));
  assert(reports.includes("Beta: done, 6 of 6 events"), reports.join("\n"));
});

Deno.test("rebuild with names rebuilds those, whether they need it or not", async () => {
  using dir = new RebuildDir();
  await fillStore(dir.data, counts(6));
  await dir.run(["rebuild"]);
  const { details } = await dir.json("rebuild", "Beta", "Beta");
  assertEquals(details.length, 1);
  assertEquals(details[0].projectionName, "Beta");
  assertEquals(details[0].reason, "requested");
});

Deno.test("rebuild --force rebuilds all, and keeps trigger and note in the history", async () => {
  using dir = new RebuildDir();
  await fillStore(dir.data, counts(6));
  await dir.run(["rebuild"]);
  const result = await dir.json(
    "rebuild",
    "--force",
    "--concurrency=auto",
    "--note=after the fix",
  );
  assertEquals(result.totalRebuilt, 2);
  assertEquals(result.caughtUp, []);
  const { lastOperation } = await dir.json("status");
  assertEquals(lastOperation.trigger, "cli");
  assertEquals(lastOperation.note, "after the fix");
});

Deno.test("rebuild brings up to date what is merely behind, without rebuilding it", async () => {
  using dir = new RebuildDir();
  await fillStore(dir.data, counts(6));
  await dir.run(["rebuild"]);
  await fillStore(dir.data, counts(4));
  const behind = await dir.run(["digest"]);
  assertStringIncludes(behind.reports[0] ?? "", "Alpha is 4 events behind");
  const result = await dir.json("rebuild");
  assert(result.nothingToDo);
  assertEquals(result.caughtUp, [
    {
      projectionName: "Alpha",
      success: true,
      from: 6,
      to: 10,
      errorMessage: null,
    },
    {
      projectionName: "Beta",
      success: true,
      from: 6,
      to: 10,
      errorMessage: null,
    },
  ]);
  const caughtUp = await dir.run(["digest"]);
  await dir.run(["rebuild", "--force"]);
  assertEquals((await dir.run(["digest"])).stdout, caughtUp.stdout);
  assert(caughtUp.reports.every((line) => !line.includes("behind")));
});

Deno.test("rebuild ends with status 1 when one fails, and rebuilds the others", async () => {
  using dir = new RebuildDir();
  await fillStore(dir.data, counts(6));
  hooks.onApply = (by) => {
    if (by === 5) throw new Error("cannot count to 5");
  };
  const { exitCode, stdout } = await dir.run(["rebuild"]);
  assertEquals(exitCode, 1);
  assertStringIncludes(stdout, "Alpha: rebuilt");
  assertStringIncludes(stdout, "Beta: failed");
  assertStringIncludes(stdout, "event 5 (Counted): cannot count to 5");
  assertStringIncludes(stdout, "1 of 2 projections rebuilt");
});

Deno.test("rebuild ends with status 1 when one cannot be brought up to date", async () => {
  using dir = new RebuildDir();
  await fillStore(dir.data, counts(6));
  await dir.run(["rebuild"]);
  await fillStore(dir.data, counts(6));
  hooks.onApply = (by) => {
    if (by === 5) throw new Error("cannot count to 5");
  };
  const { exitCode, stdout } = await dir.run(["rebuild"]);
  assertEquals(exitCode, 1);
  assertStringIncludes(
    stdout,
    "Alpha: brought up to date from position 6 to 12",
  );
  assertStringIncludes(stdout, "Beta: stands still at position 10:");
});

Deno.test("rebuild is cancelled by a signal with status 130, and the old documents stay", async () => {
  using dir = new RebuildDir();
  await fillStore(dir.data, counts(6));
  await dir.run(["rebuild"]);
  const stop = new AbortController();
  hooks.onApply = () => stop.abort();
  const { exitCode, stdout } = await dir.run(["rebuild", "Beta", "--json"], {
    signal: stop.signal,
  });
  assertEquals(exitCode, 130);
  assertEquals(JSON.parse(stdout).state, "cancelled");
  const { projections } = await dir.json("status");
  assertEquals(projections[1].state, "ready");
  assertEquals(projections[1].generation, 1);
});

Deno.test("rebuild stops bringing up to date on a signal, with status 130", async () => {
  using dir = new RebuildDir();
  await fillStore(dir.data, counts(6));
  await dir.run(["rebuild"]);
  await fillStore(dir.data, counts(6));
  const stop = new AbortController();
  const { exitCode, reports } = await dir.run(["rebuild"], {
    signal: stop.signal,
    onReport: (line) => line.includes("catching up") && stop.abort(),
  });
  assertEquals(exitCode, 130);
  assertEquals(reports.at(-1), "Stopped");
});

Deno.test("rebuild refuses unknown names with status 2 before it rebuilds any", async () => {
  using dir = new RebuildDir();
  await fillStore(dir.data, counts(6));
  const { exitCode, stdout, reports } = await dir.run([
    "rebuild",
    "Alpha",
    "Gamma",
    "--json",
  ]);
  assertEquals(exitCode, 2);
  assertStringIncludes(reports[0] ?? "", '"Gamma"');
  assertEquals(JSON.parse(stdout).error.name, "UnknownProjectionError");
  assertEquals(await dir.json("checkpoints"), { Alpha: 0, Beta: 0 });
});

Deno.test("rebuild --dry-run says what would be rebuilt and does nothing", async () => {
  using dir = new RebuildDir();
  await fillStore(dir.data, counts(6));
  await dir.run(["rebuild", "Alpha"]);
  const { projections } = await dir.json("rebuild", "--dry-run");
  assertEquals(
    projections.map((
      { projectionName, rebuild, reason }: Record<string, unknown>,
    ) => [projectionName, rebuild, reason]),
    [["Alpha", false, "upToDate"], ["Beta", true, "absent"]],
  );
  const { exitCode, stdout } = await dir.run([
    "rebuild",
    "--dry-run",
    "--force",
  ]);
  assertEquals(exitCode, 0);
  assertStringIncludes(stdout, "forced");
  assertEquals(await dir.json("checkpoints"), { Alpha: 6, Beta: 0 });
});

Deno.test("rebuild works while another process has the store open", async () => {
  using dir = new RebuildDir();
  await using server = await openOpossum({
    path: dir.data,
    projections: PROJECTIONS,
    logger: silentLogger,
  });
  await server.daemon.whenStarted();
  const { last } = await server.events.append(counts(6));
  await server.projections.waitFor(last);
  const { exitCode } = await dir.run(["rebuild", "Alpha"]);
  assertEquals(exitCode, 0);
  const next = await server.events.append(counts(1));
  await server.projections.waitFor(next.last);
  assertEquals(await server.projections.get("Alpha", "a"), { sum: 6 });
});

Deno.test("the module of projections may be given as a path or a URL; the last one counts", async () => {
  using dir = new RebuildDir();
  await fillStore(dir.data, counts(1));
  const path = new URL(PROJECTIONS).pathname;
  for (const module of [PROJECTIONS, path]) {
    const { exitCode, stdout } = await runCommand([
      "--projections=./missing.ts",
      "checkpoints",
      "--data",
      dir.data,
      "--projections",
      module,
    ]);
    assertEquals(exitCode, 0);
    assertStringIncludes(stdout, "Alpha");
  }
  const { exitCode, reports } = await runCommand([
    "checkpoints",
    "--data",
    dir.data,
    "--projections=./missing.ts",
  ]);
  assertEquals(exitCode, 1);
  assertStringIncludes(reports[0] ?? "", "missing.ts");
});
