/**
 * What every event store must do: one suite, run on each implementation.
 *
 * @module
 */
import { testAppending } from "./contract/appending.ts";
import { testBatches } from "./contract/batches.ts";
import { testConditions } from "./contract/conditions.ts";
import { testHostileContent } from "./contract/hostile_content.ts";
import { testReading } from "./contract/reading.ts";
import { testRefusals } from "./contract/refusals.ts";
import type { OpenStore } from "./contract/support.ts";

export type { OpenedStore, OpenStore } from "./contract/support.ts";

/**
 * Registers the tests of the contract.
 *
 * @param name Which implementation, as a prefix of the tests' names.
 * @param open Opens an empty store; disposing what it returns closes it and deletes its data.
 */
export function testEventStoreContract(name: string, open: OpenStore): void {
  testAppending(name, open);
  testConditions(name, open);
  testReading(name, open);
  testBatches(name, open);
  testHostileContent(name, open);
  testRefusals(name, open);
}
