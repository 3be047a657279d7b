/**
 * Projections that tell whether each event was applied once and in order. All events are of one
 * type, so that what is whole adds up to its checkpoint.
 *
 * @module
 */
import {
  defineProjection,
  type EventInput,
  type ProjectionDefinition,
} from "../../../mod.ts";

/** The only event. */
export type Counted = { type: "Counted"; data: { key: string } };

/** What became of a key. */
export interface Count {
  /** Its events. */
  readonly count: number;
  /** Tells their order. */
  readonly chain: number;
}

/** Keys, few enough for one page. */
const KEYS = 12;

/** An event with an id of its own, the n-th. */
export function counted(n: number): EventInput<Counted> & { id: string } {
  const id = crypto.randomUUID();
  return { id, type: "Counted", data: { key: `key ${n * 7 % KEYS}` } };
}

const define = (name: string): ProjectionDefinition =>
  defineProjection<Count, Counted>({
    name,
    version: 1,
    eventTypes: ["Counted"],
    key: (event) => event.data.key,
    apply: (state, event) => ({
      count: (state?.count ?? 0) + 1,
      chain: ((state?.chain ?? 0) * 31 + event.position) % 1_000_003,
    }),
  }) as ProjectionDefinition;

/** All of them. */
export const projections: readonly ProjectionDefinition[] = [
  define("First"),
  define("Second"),
];
