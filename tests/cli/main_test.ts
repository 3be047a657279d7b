import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { TempDir } from "../support/temp_dir.ts";
import { eventLines } from "./cli_fixture.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));
const PROJECTIONS = fileURLToPath(
  new URL("./counting_projections.ts", import.meta.url),
);

function start(args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      `--config=${CONFIG}`,
      "--no-prompt",
      "--allow-read",
      "--allow-write",
      "--allow-env",
      "--allow-sys",
      MAIN,
      ...args,
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function run(args: readonly string[], stdin = "") {
  const child = start(args);
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdin));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

Deno.test("the program takes a pipe, prints what was asked for and exits with the status", async () => {
  using dir = new TempDir();
  const data = ["--data", dir.file("data"), "--projections", PROJECTIONS];
  const imported = await run(["import", "-", ...data], eventLines(1, 7));
  assertEquals([imported.code, imported.stderr], [0, ""]);
  const rebuilt = await run(["rebuild", "--json", ...data]);
  assertEquals(rebuilt.code, 0);
  assertEquals(JSON.parse(rebuilt.stdout).totalRebuilt, 2);
  const exported = await run(["export", "Alpha", ...data]);
  assertEquals(exported.stdout, '{"sum":9}\n{"sum":12}\n{"sum":7}\n');
  const wrong = await run(["export", ...data]);
  assertEquals([wrong.code, wrong.stdout], [2, ""]);
  assertStringIncludes(wrong.stderr, "needs NAME");
});

Deno.test("the program ends quietly when its reader has seen enough", async () => {
  using dir = new TempDir();
  const data = ["--data", dir.file("data"), "--projections", PROJECTIONS];
  const lines = Array.from(
    { length: 20_000 },
    (_, i) =>
      `${
        JSON.stringify({
          position: i + 1,
          id: crypto.randomUUID(),
          type: "Counted",
          tags: [],
          data: { key: `key-${i}`, by: 1 },
          timestamp: "2025-01-02T03:04:05Z",
        })
      }\n`,
  );
  await run(["import", "-", ...data], lines.join(""));
  await run(["rebuild", ...data]);
  const child = start(["export", "Alpha", ...data]);
  await child.stdin.close();
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  const [{ code }, errors] = await Promise.all([
    child.status,
    new Response(child.stderr).text(),
  ]);
  // How far it came may stand there, but no complaint.
  const complaints = errors.split("\n").filter((line) =>
    line !== "" && !/^Alpha: \w+, \d+ of \d+ documents$/.test(line)
  );
  assertEquals([code, complaints], [1, []]);
});
