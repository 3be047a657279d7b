/**
 * A small domain for tests of projections and rebuilds, and a store of it over the in-memory log.
 *
 * @module
 */
import { assemble, type Assembly } from "../../src/assembly.ts";
import { resolveOptions } from "../../src/options.ts";
import type { OpossumOptions, ProjectionDefinition } from "../../mod.ts";
import { defineProjection, silentLogger } from "../../mod.ts";
import type { FileSystem } from "../../src/storage/file_system.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { createTelemetry } from "../../src/telemetry/telemetry.ts";
import { MemoryEventStore } from "../../src/testing/mod.ts";

/** Something was counted. */
export type Counted = { type: "Counted"; data: { key: string; by: number } };

/** A projection that sums up what was counted, a document a key. */
export function countingProjection(
  name: string,
  overrides: Partial<ProjectionDefinition<{ sum: number }, Counted>> = {},
): ProjectionDefinition<{ sum: number }, Counted> {
  return defineProjection<{ sum: number }, Counted>({
    name,
    version: 1,
    eventTypes: ["Counted"],
    key: (event) => event.data.key,
    apply: (state, event) => ({ sum: (state?.sum ?? 0) + event.data.by }),
    tags: (state) => [`parity:${state.sum % 2 === 0 ? "even" : "odd"}`],
    ...overrides,
  });
}

/** Events that count keys `a`, `b`, `c` in turn. */
export function counts(count: number): Counted[] {
  return Array.from({ length: count }, (_, index) => ({
    type: "Counted" as const,
    data: { key: "abc".charAt(index % 3), by: index + 1 },
  }));
}

/** Pieces over an in-memory log. */
export interface MemoryFixture extends Assembly {
  readonly events: MemoryEventStore;
}

/** Opens pieces over an in-memory log, in a folder. */
export function openOverMemory(
  path: string,
  definitions: readonly ProjectionDefinition[],
  options: Partial<OpossumOptions> = {},
  events: MemoryEventStore = new MemoryEventStore(),
  fileSystem: FileSystem = denoFileSystem,
): MemoryFixture {
  const assembly = assemble({
    options: resolveOptions({ path, logger: silentLogger, ...options }),
    definitions,
    events,
    storeId: "11111111-2222-4333-8444-555555555555",
    fileSystem,
    telemetry: createTelemetry(),
  });
  return { ...assembly, events };
}
