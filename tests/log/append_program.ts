/**
 * A process that appends to a store along with others: `append_program.ts PATH NAME COUNT`. Each
 * event is a claim for the next free seat, on the condition that nobody claimed it before.
 *
 * @module
 */
import { AppendConditionError } from "../../mod.ts";
import { openFileEventStore } from "../../src/log/file_event_store.ts";
import { silentLogger } from "../../src/telemetry/logger.ts";

async function claimSeats(
  path: string,
  name: string,
  count: number,
): Promise<void> {
  await using store = await openFileEventStore({
    path,
    logger: silentLogger,
    segmentBytesMax: 1_024,
  });
  let seat = 1;
  for (let claimed = 0; claimed < count; seat++) {
    const tags = [`seat:${seat}`];
    const condition = { failIfEventsMatch: { items: [{ tags }] } };
    try {
      const claim = { type: "SeatClaimed", tags, data: { name } };
      await store.append([claim], { condition });
      claimed++;
    } catch (error) {
      if (!(error instanceof AppendConditionError)) throw error;
    }
  }
}

if (import.meta.main) {
  const [path = "", name = "", count = ""] = Deno.args;
  await claimSeats(path, name, Number(count));
}
