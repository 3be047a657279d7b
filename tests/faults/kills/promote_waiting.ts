/**
 * Promotes what an earlier program left waiting.
 *
 * @module
 */
import type { Opossum } from "../../../mod.ts";
import { whenAwaiting } from "../../rebuild/generation_fixture.ts";

/** Promotes every build that waits for that, and waits for the swaps. */
export async function promoteWaiting(
  opossum: Pick<Opossum, "daemon" | "rebuilder">,
): Promise<void> {
  const { daemon, rebuilder } = opossum;
  await daemon.whenStarted();
  const { operationIds } = await rebuilder.getRebuildStatus();
  for (const id of operationIds) {
    const operation = await rebuilder.getOperation(id);
    if (operation?.promote !== "manual") continue;
    await whenAwaiting(opossum, id);
    await rebuilder.promote(id);
    await rebuilder.wait(id);
  }
}
