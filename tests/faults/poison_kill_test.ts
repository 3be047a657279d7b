/**
 * A process that passes poison events over is killed, again and again: what was passed over is
 * recorded exactly as far as the documents go.
 *
 * `OPOSSUM_TEST_KILLS` says how often, `OPOSSUM_TEST_SEED` repeats a run.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { TempDir } from "../support/temp_dir.ts";
import { type AppendCall, checkFolder } from "./invariants.ts";
import { shutting, skipping } from "./poison_projections.ts";

const KILLS = Number(Deno.env.get("OPOSSUM_TEST_KILLS") ?? 2);
const SEED = Number(
  Deno.env.get("OPOSSUM_TEST_SEED") ?? Math.floor(Math.random() * 1e9),
);

/** Lives of a process on one folder. */
const LIVES = 5;

/** Runs the program until it has said so many lines, and kills it. */
async function runUntilKilled(
  path: string,
  seed: number,
  lines: number,
): Promise<AppendCall[]> {
  const program = new URL("./poison_kill_child.ts", import.meta.url);
  await using child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--allow-read",
      "--allow-env",
      `--allow-write=${path}`,
      program.href,
      path,
      String(seed),
    ],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const calls = new Map<string, AppendCall>();
  let count = 0;
  let rest = "";
  for await (
    const text of child.stdout.pipeThrough(new TextDecoderStream())
  ) {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const call: AppendCall = JSON.parse(part);
      calls.set(call.ids[0] ?? "", call);
      if (++count === lines) child.kill("SIGKILL");
    }
  }
  // One that ended by itself has proved nothing.
  assertEquals((await child.status).signal, "SIGKILL");
  return [...calls.values()];
}

Deno.test("what a killed process passed over is recorded exactly as far as its documents go", async () => {
  let dir = new TempDir();
  let calls: AppendCall[] = [];
  try {
    for (let kill = 0; kill < KILLS; kill++) {
      const seed = SEED + kill;
      // Spread over what happens between two appends, and over rebuilds.
      const lines = 40 + seed * 7_919 % 200;
      calls.push(...await runUntilKilled(dir.path, seed, lines));
      await checkFolder({
        path: dir.path,
        witness: { calls },
        projections: [skipping, shutting],
      });
      if (kill % LIVES < LIVES - 1) continue;
      dir[Symbol.dispose]();
      dir = new TempDir();
      calls = [];
    }
  } catch (error) {
    throw new Error(`Repeat it with OPOSSUM_TEST_SEED=${SEED}`, {
      cause: error,
    });
  } finally {
    dir[Symbol.dispose]();
  }
});
