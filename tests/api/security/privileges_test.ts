/** Rows A7 and G4: how the server starts, and with what it may do. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ROOT } from "../../support/source_files.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { leastPrivilege, runRefusing } from "./sample_process.ts";
import { ServerProcess } from "../../support/server_process.ts";
import { statusOf, TOKENS } from "./sample_server.ts";

/** A token file of this mode. */
function tokenFile(dir: TempDir, name: string, mode: number): string {
  const path = dir.file(name);
  Deno.writeTextFileSync(path, `ada operate ${TOKENS.operate}\n`);
  Deno.chmodSync(path, mode);
  return path;
}

Deno.test("row A7: the process refuses to start without a usable token, and touches no folder", async () => {
  using dir = new TempDir();
  const data = dir.file("data");
  const run = (env: Record<string, string>, ...args: string[]) =>
    runRefusing([
      "run",
      "--no-prompt",
      "--no-check",
      "--allow-read",
      `--allow-write=${dir.path}`,
      "--allow-net=127.0.0.1",
      "--allow-env",
      "examples/course_management/serve.ts",
      "--data",
      data,
      "--port",
      "0",
      ...args,
    ], env);
  const refusals: [Promise<{ code: number; written: string }>, string][] = [
    [run({}), "without a token"],
    [run({ OPOSSUM_ADMIN_TOKEN: "x".repeat(31) }), "must have 32"],
    ...[0o640, 0o604, 0o620, 0o666].map((mode) =>
      [
        run({}, "--token-file", tokenFile(dir, `tokens-${mode}`, mode)),
        "its group or others can use it",
      ] as [ReturnType<typeof run>, string]
    ),
    [
      run({}, "--allow-unauthenticated", "--host", "0.0.0.0"),
      "listen on 127.0.0.1",
    ],
  ];
  for (const [refusal, words] of refusals) {
    const { code, written } = await refusal;
    assertStringIncludes(written, words);
    assertEquals(code, 1, words);
    assert(!written.includes(TOKENS.operate), words);
  }
  assert(!dir.list().includes("data"));
});

Deno.test("row G4: the server does all its work with the privileges that README.md names", async () => {
  using dir = new TempDir();
  const paths = { data: dir.file("data"), tokens: tokenFile(dir, "t", 0o600) };
  const args = leastPrivilege(paths);
  const documented = /deno (run --no-prompt[^`]*)/.exec(
    await Deno.readTextFile(`${ROOT}README.md`),
  )?.[1]?.trim().split(/[\s\\]+/);
  // The documented line keeps its files in the working folder, and has a port of its own.
  assertEquals(
    documented,
    args.map((arg) =>
      arg.replace(`.,${paths.data},${paths.tokens}`, ".")
        .replace("127.0.0.1:0", "127.0.0.1:8000")
        .replace(/^0$/, "8000")
        .replace(paths.data, "./data").replace(paths.tokens, "./tokens")
    ),
  );

  await Deno.mkdir(paths.data);
  await using server = await ServerProcess.start(args);
  const headers = { authorization: `Bearer ${TOKENS.operate}` };
  const ask = (path: string, method = "GET") =>
    statusOf(fetch(`${server.url}${path}`, { method, headers }));
  const answers = {
    "/admin/projections/rebuild?forceAll=true": await ask(
      "/admin/projections/rebuild?forceAll=true",
      "POST",
    ),
    "/admin/audit": await ask("/admin/audit"),
    "/metrics": await ask("/metrics"),
    "/docs/scalar.js": await ask("/docs/scalar.js"),
    "/students": await ask("/students"),
  };
  for (const [path, status] of Object.entries(answers)) {
    assertEquals([path, status], [path, 200]);
  }
  const { code, written } = await server.stop();
  assertEquals(code, 0, written);
  assert(!written.includes('"level":"error"'), written);
  // Files of the store are its owner's alone.
  const modes = new Set<string>();
  for (const { name } of Deno.readDirSync(`${paths.data}/audit`)) {
    const { mode } = Deno.statSync(`${paths.data}/audit/${name}`);
    modes.add(((mode ?? 0) & 0o777).toString(8));
  }
  assertEquals([...modes], ["600"]);
});
