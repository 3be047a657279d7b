/**
 * Helpers for tests of rollback, verification and promotion.
 *
 * @module
 */
import { setImmediate } from "node:timers/promises";
import type {
  Opossum,
  OpossumOptions,
  ProjectionDefinition,
  RebuildOperation,
} from "../../mod.ts";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import {
  type Counted,
  countingProjection,
  counts,
  type MemoryFixture,
  openOverMemory,
} from "../support/course_fixture.ts";
import type { TempDir } from "../support/temp_dir.ts";

/** Version 1 of a projection: sums. */
export const SUMS = countingProjection("One");

/** Version 2 of it: sums that are off by a thousand where they are large, and no key `c`. */
export const OFF: ProjectionDefinition<{ sum: number }, Counted> =
  countingProjection("One", {
    version: 2,
    apply: (state, { data: { key, by } }) => {
      const sum = (state?.sum ?? 0) + by;
      return key === "c" ? null : { sum: sum > 20 ? sum + 1_000 : sum };
    },
  });

/** Waits until every build of an operation waits to be promoted, or it has ended. */
export async function whenAwaiting(
  { rebuilder }: Pick<Opossum, "rebuilder">,
  id: string,
): Promise<RebuildOperation> {
  for (;;) {
    const operation = await rebuilder.getOperation(id);
    if (!operation) throw new Error("Unknown operation");
    const isThere = operation.result !== null ||
      operation.progress.every(({ phase }) => phase === "awaitingPromotion");
    if (isThere) return operation;
    await setImmediate();
  }
}

/** The documents that serve. */
export async function documentsOf(
  { projections }: Pick<Opossum, "projections">,
  name = "One",
): Promise<Record<string, unknown>> {
  const documents = await Array.fromAsync(projections.documents(name));
  return Object.fromEntries(documents.map(({ key, state }) => [key, state]));
}

/** No rebuild but those that are asked for. */
export const QUIET = { enableAutoRebuild: false } as const;
/** A build that waits to be promoted. */
export const AWAIT = { promote: "manual" } as const;

/** Opens a store of one projection. */
export function openOne(
  dir: TempDir,
  definition: ProjectionDefinition<{ sum: number }, Counted>,
  events: MemoryEventStore,
  options: Partial<OpossumOptions> = QUIET,
): MemoryFixture {
  return openOverMemory(dir.path, [definition], options, events);
}

/** A log of 9 events, all of them in generation 1 of version 1. */
export async function served(dir: TempDir): Promise<MemoryEventStore> {
  const events = new MemoryEventStore();
  await events.append(counts(9));
  await using opossum = openOne(dir, SUMS, events);
  await opossum.rebuilder.rebuildAll();
  return events;
}

/** Numbers and roles of its generations. */
export async function roles(
  { projections }: Pick<Opossum, "projections">,
): Promise<string[]> {
  const generations = await projections.generations("One");
  return generations.map(({ number, role }) => `${number} ${role}`);
}

/** Its databases. */
export function files(dir: TempDir): string[] {
  return [...Deno.readDirSync(dir.file("projections/One"))]
    .map(({ name }) => name).filter((name) => /sqlite(-journal)?$/.test(name))
    .sort();
}

/** A log of 9 events, generation 1 of version 1 at 6 of them, and 2 of version 2 at all. */
export async function twoVersions(path: string): Promise<MemoryEventStore> {
  const events = new MemoryEventStore();
  await events.append(counts(6));
  {
    await using opossum = openOverMemory(path, [SUMS], QUIET, events);
    await opossum.rebuilder.rebuildAll();
  }
  await events.append(counts(3));
  await using opossum = openOverMemory(path, [OFF], QUIET, events);
  await opossum.rebuilder.rebuildAll();
  return events;
}
