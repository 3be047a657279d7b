/**
 * Which events of the log projections are fed.
 *
 * @module
 */
import type { ProjectionDefinition } from "./definition.ts";

/**
 * The types of events that any of the projections applies, or keeps as related ones.
 *
 * @param definitions The projections.
 * @returns The types.
 */
export function eventTypesOf(
  definitions: readonly Pick<ProjectionDefinition, "eventTypes" | "related">[],
): ReadonlySet<string> {
  return new Set(
    definitions.flatMap(({ eventTypes, related }) => [
      ...eventTypes,
      ...related?.eventTypes ?? [],
    ]),
  );
}
