/**
 * Small stores that are seeded and rebuilt in this process, over and over.
 *
 * @module
 */
import { seedStore } from "../../examples/course_management/seeder.ts";
import { openOpossum, type Opossum, silentLogger } from "../../mod.ts";
import { BenchFolder } from "./bench_store.ts";

const PROJECTIONS = import.meta.resolve(
  "../../examples/course_management/projections.ts",
);

/**
 * Seeds a store.
 *
 * @param events How many events.
 * @returns Its folder.
 */
export async function seedSmallStore(events: number): Promise<BenchFolder> {
  const folder = new BenchFolder();
  await using opossum = await openSmallStore(folder.path);
  await seedStore(opossum.events, { events });
  return folder;
}

/**
 * Opens a store, without its daemon.
 *
 * @param path Its folder.
 * @param maxConcurrentRebuilds How many projections are rebuilt at once. @default {4}
 * @returns The store.
 */
export function openSmallStore(
  path: string,
  maxConcurrentRebuilds: number = 4,
): Promise<Opossum> {
  return openOpossum({
    path,
    projections: PROJECTIONS,
    maxConcurrentRebuilds,
    startDaemon: false,
    logger: silentLogger,
  });
}

/**
 * Rebuilds the four projections.
 *
 * @param opossum The store.
 */
export async function rebuildSmallStore({ rebuilder }: Opossum): Promise<void> {
  const { totalRebuilt } = await rebuilder.rebuildAll({ forceRebuild: true });
  if (totalRebuilt !== 4) throw new Error("Not all were rebuilt");
}
