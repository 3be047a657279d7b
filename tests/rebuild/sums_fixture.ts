/**
 * A data folder with one projection, to damage and mend.
 *
 * @module
 */
import { assertEquals, assertRejects } from "@std/assert";
import {
  KeyRebuildError,
  type KeyRebuildRefusal,
  openOpossum,
  type Opossum,
  type OpossumOptions,
  type ProjectionDefinition,
  type RebuiltKeys,
  silentLogger,
} from "../../mod.ts";
import { countingProjection, counts } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import type { Damage } from "./repair_fixture.ts";

/** The projection. */
export const sums: ReturnType<typeof countingProjection> = countingProjection(
  "Sums",
);

/** The file of its first generation. */
export const FILE = "projections/Sums/000001.sqlite";

/** Opens a folder; nothing is rebuilt by itself. */
export function openSums(
  path: string,
  projections: readonly ProjectionDefinition[] = [sums],
  options: Partial<OpossumOptions> = {},
): Promise<Opossum> {
  return openOpossum({
    path,
    projections,
    logger: silentLogger,
    enableAutoRebuild: false,
    ...options,
  });
}

/** A folder whose projection counts 30 events: a, b and c. */
export async function filledSums(): Promise<TempDir> {
  const dir = new TempDir();
  await using opossum = await openSums(dir.path, [sums], {
    enableAutoRebuild: true,
  });
  await opossum.daemon.whenStarted();
  const { last } = await opossum.events.append(counts(30));
  await opossum.projections.waitFor(last);
  return dir;
}

/** What became of each document. */
export function changesOf({ keys }: RebuiltKeys): Record<string, string> {
  return Object.fromEntries(keys.map(({ key, change }) => [key, change]));
}

/** Checks that documents cannot be rebuilt one by one, and why. */
export async function assertRefused(
  action: () => Promise<unknown>,
  refusal: KeyRebuildRefusal,
): Promise<void> {
  const error = await assertRejects(action, KeyRebuildError);
  assertEquals(error.refusal, refusal);
}

/** Changes the text of a document, so that only its checksum tells. */
export const change = (at: number): Damage => ({ kind: "change", at });
