/**
 * Promotions with real kills: a build that waits outlives them, and so does the word of who
 * promoted it.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import {
  openOpossum,
  type Opossum,
  type ProjectionDefinition,
  silentLogger,
} from "../../mod.ts";
import { TempDir } from "../support/temp_dir.ts";
import { documentsOf, whenAwaiting } from "./generation_fixture.ts";
import type { PromoteKillTask } from "./promote_kill_program.ts";
import { totals } from "./promote_kill_projections.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PROGRAM = "tests/rebuild/promote_kill_program.ts";

async function open(path: string): Promise<Opossum> {
  const opossum = await openOpossum({
    path,
    projections: [totals as ProjectionDefinition],
    logger: silentLogger,
  });
  await opossum.daemon.whenStarted();
  return opossum;
}

async function runUntilKilled(task: PromoteKillTask): Promise<void> {
  const { signal, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-read",
      "--allow-write",
      "--allow-env",
      "--allow-sys",
      "--allow-run",
      PROGRAM,
      JSON.stringify(task),
    ],
    cwd: ROOT,
    stderr: "piped",
  }).output();
  assertEquals(signal, "SIGKILL", new TextDecoder().decode(stderr));
}

function paid(count: number) {
  return Array.from({ length: count }, (_, i) => ({
    type: "Paid" as const,
    data: { account: `a${i % 3}`, cents: i },
  }));
}

async function roles({ projections }: Opossum): Promise<string[]> {
  const generations = await projections.generations("Totals");
  return generations.map(({ number, role }) => `${number} ${role}`);
}

Deno.test("kill -9: a build still waits to be promoted afterwards, and nobody swaps it in before", async () => {
  using dir = new TempDir();
  const path = dir.file("data");
  {
    await using opossum = await open(path);
    await opossum.events.append(paid(9));
    await opossum.projections.waitFor(9);
  }
  await runUntilKilled({ path, what: "wait" });
  await using opossum = await open(path);
  const { operationIds: [id = ""] } = await opossum.rebuilder
    .getRebuildStatus();
  const waiting = await whenAwaiting(opossum, id);
  assertEquals(waiting.promotedAt, null);
  assertEquals(waiting.progress[0]?.comparison?.unchanged, 3);
  assertEquals(await roles(opossum), ["1 current", "2 awaitingPromotion"]);
  assert(await opossum.rebuilder.cancel(id));
  assertEquals(await roles(opossum), ["1 current"]);
});

Deno.test("kill -9: what was promoted is swapped in by the next start", async () => {
  using dir = new TempDir();
  const path = dir.file("data");
  {
    await using opossum = await open(path);
    await opossum.events.append(paid(9));
    await opossum.projections.waitFor(9);
  }
  await runUntilKilled({ path, what: "wait" });
  await runUntilKilled({ path, what: "promote" });
  await using opossum = await open(path);
  const { last } = await opossum.events.append(paid(4));
  for (const id of (await opossum.rebuilder.getRebuildStatus()).operationIds) {
    assert((await opossum.rebuilder.wait(id))?.success);
  }
  await opossum.projections.waitFor(last);
  assertEquals(await roles(opossum), ["1 previous", "2 current"]);
  assertEquals(await documentsOf(opossum, "Totals"), {
    a0: { cents: 0 + 3 + 6 + 0 + 3 },
    a1: { cents: 1 + 4 + 7 + 1 },
    a2: { cents: 2 + 5 + 8 + 2 },
  });
});
