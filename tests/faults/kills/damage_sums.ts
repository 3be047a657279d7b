/**
 * Damages documents behind the back of the program that is killed, and mends them: what a kill
 * left of a repair, the next one finishes.
 *
 * @module
 */
import { setImmediate } from "node:timers/promises";
import {
  KeyRebuildError,
  openOpossum,
  type Opossum,
  RebuildConflictError,
  silentLogger,
} from "../../../mod.ts";
import { generationFileName } from "../../../src/projections/generation_files.ts";
import { type Damage, damageDocuments } from "../../rebuild/repair_fixture.ts";
import { promoteWaiting } from "./promote_waiting.ts";

/** The projection. */
const NAME = "Sums";

const PROJECTIONS = import.meta.resolve(
  "../../rebuild/worker_fixtures/counting.ts",
);

/** What to do to documents. */
export interface DamageSumsOptions {
  /** The data folder. */
  readonly path: string;
  readonly damages: readonly Damage[];
  /** Called before it is done, when it will be. */
  readonly onDamage: () => void;
}

/**
 * Damages documents of a projection that serves and is up to date.
 *
 * @param opossum The store.
 * @param options What to do.
 * @returns Whether it was done.
 */
export async function damageSums(
  opossum: Opossum,
  { path, damages, onDamage }: DamageSumsOptions,
): Promise<boolean> {
  const { projections, events } = opossum;
  await promoteWaiting(opossum);
  await projections.waitFor(await events.head());
  const { state, generation } = await projections.info(NAME);
  if (state !== "ready" || generation === null) return false;
  onDamage();
  const fileName = generationFileName(generation, "complete");
  damageDocuments(`${path}/projections/${NAME}/${fileName}`, damages);
  return true;
}

/**
 * Repairs, or rebuilds single documents; waits for whoever rebuilds the projection, and rebuilds it
 * when single documents are not enough.
 *
 * @param rebuilder Does it.
 * @param keys Which documents; left out, those that are missing or damaged.
 */
export async function mend(
  rebuilder: Opossum["rebuilder"],
  keys?: readonly string[],
): Promise<void> {
  for (;;) {
    try {
      if (keys) await rebuilder.rebuildKeys(NAME, keys);
      else await rebuilder.repair(NAME);
      return;
    } catch (error) {
      if (error instanceof RebuildConflictError) {
        // The daemon came upon the damage first.
        const { operationId } = error;
        if (operationId) await rebuilder.wait(operationId);
        else await setImmediate();
      } else if (error instanceof KeyRebuildError) {
        const { success } = await rebuilder.rebuild(NAME);
        if (!success) throw error;
        return;
      } else throw error;
    }
  }
}

/**
 * Mends the projection of a folder that nobody has open.
 *
 * @param path The data folder.
 */
export async function mendSums(path: string): Promise<void> {
  await using opossum = await openOpossum({
    path,
    projections: PROJECTIONS,
    startDaemon: false,
    logger: silentLogger,
  });
  await mend(opossum.rebuilder);
}
