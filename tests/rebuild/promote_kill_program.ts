/**
 * The program that `promote_kill_test.ts` kills: waits for a promotion, or promotes what waits and
 * kills itself right then.
 *
 * @module
 */
import { openOpossum, silentLogger } from "../../mod.ts";
import { whenAwaiting } from "./generation_fixture.ts";

/** What it is to do, as the JSON text of its only argument. */
export interface PromoteKillTask {
  readonly path: string;
  readonly what: "wait" | "promote";
}

async function run({ path, what }: PromoteKillTask): Promise<void> {
  const opossum = await openOpossum({
    path,
    projections: import.meta.resolve("./promote_kill_projections.ts"),
    logger: silentLogger,
  });
  const { rebuilder, daemon } = opossum;
  await daemon.whenStarted();
  if (what === "wait") {
    const options = { promote: "manual", verify: true } as const;
    const { id } = await rebuilder.start(["Totals"], options);
    await whenAwaiting(opossum, id);
  } else {
    const { operationIds: [id = ""] } = await rebuilder.getRebuildStatus();
    await whenAwaiting(opossum, id);
    await rebuilder.promote(id);
  }
  Deno.kill(Deno.pid, "SIGKILL");
}

if (import.meta.main) await run(JSON.parse(Deno.args[0] ?? ""));
