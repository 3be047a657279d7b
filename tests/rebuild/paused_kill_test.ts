import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { openOpossum, silentLogger } from "../../mod.ts";
import { counts } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { EVENTS, projections } from "./paused_kill_projections.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Runs the program until it says how the operation stands, then kills it. */
async function runAndKill(...args: string[]): Promise<unknown[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-read",
      "--allow-write",
      "--allow-env",
      "--allow-sys",
      "tests/rebuild/paused_kill_child.ts",
      ...args,
    ],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text();
  let said = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    said += text;
    if (said.includes("\n")) child.kill("SIGKILL");
  }
  const { signal } = await child.status;
  await child.stdin.abort().catch(() => {});
  const words = await errors;
  assertEquals(signal, "SIGKILL", words);
  return JSON.parse(said);
}

Deno.test("a paused rebuild is paused after its process was killed, twice, and then finished", async () => {
  using dir = new TempDir();
  {
    await using opossum = await openOpossum({
      path: dir.path,
      startDaemon: false,
      logger: silentLogger,
    });
    await opossum.events.append(counts(EVENTS));
  }
  const [id, ...first] = await runAndKill(dir.path);
  assertEquals(first, ["paused", "By hand"]);
  assert(typeof id === "string");
  const second = await runAndKill(dir.path, id);
  assertEquals(second, [id, "paused", "By hand"]);

  await using opossum = await openOpossum({
    path: dir.path,
    projections,
    enableAutoRebuild: false,
    logger: silentLogger,
  });
  const { rebuilder, daemon } = opossum;
  await daemon.whenStarted();
  assertEquals((await rebuilder.getOperation(id))?.state, "paused");
  assertEquals((await opossum.projections.info("Sums")).generation, null);
  assert(await rebuilder.resume(id));
  const result = await rebuilder.wait(id);
  assertEquals([result?.state, result?.totalRebuilt], ["succeeded", 1]);
  assertEquals((await rebuilder.listOperations()).length, 1);
  const { documents } = await opossum.projections.list<{ sum: number }>("Sums");
  const sum = documents.reduce((total, { state }) => total + state.sum, 0);
  assertEquals(sum, EVENTS * (EVENTS + 1) / 2);
});
