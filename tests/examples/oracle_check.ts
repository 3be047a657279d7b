/**
 * Compares the read models of a store of the sample with the oracle.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Opossum, StoredEvent } from "@opossum/deno";
import { oracleStates } from "./oracle.ts";

/** Checks that every projection holds what its log says, and no more. */
export async function assertMatchesOracle(
  { events, projections }: Pick<Opossum, "events" | "projections">,
): Promise<void> {
  const log: StoredEvent[] = await Array.fromAsync(events.read("all"));
  for (const [name, expected] of Object.entries(oracleStates(log))) {
    const states = new Map<string, unknown>();
    for await (const { key, state } of projections.documents(name)) {
      states.set(key, state);
    }
    assertEquals(states.size, expected.size, name);
    for (const [key, state] of expected) {
      assertEquals(states.get(key), state, `${name} ${key}`);
    }
  }
}
