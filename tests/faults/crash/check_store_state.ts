/**
 * What must hold of an event store after a crash.
 *
 * @module
 */
import { openFileEventStore } from "../../../src/log/file_event_store.ts";
import { silentLogger } from "../../../src/telemetry/logger.ts";
import { checkGoesOn, checkReopening } from "../invariants.ts";
import type { CrashState } from "./explore.ts";
import { DATA, steppingClock } from "./recording.ts";
import { SimulatedDatabases } from "./simulated_databases.ts";
import { SimulatedDisk } from "./simulated_disk.ts";

/**
 * Checks I1 to I4 and I9 of an event store after a crash, and that appending goes on.
 *
 * @param state What is there.
 */
export async function checkStoreState(
  { disk: view, index, witness, segmentBytesMax }: CrashState,
): Promise<void> {
  using databases = new SimulatedDatabases();
  const disk = new SimulatedDisk(databases, view, { isRecording: false });
  if (index && disk.exists(DATA)) {
    databases.restore(`${DATA}/index.sqlite`, index);
  }
  const clock = steppingClock();
  const open = () =>
    openFileEventStore({
      path: DATA,
      fileSystem: disk,
      clock,
      logger: silentLogger,
      ...segmentBytesMax === undefined ? {} : { segmentBytesMax },
    });
  await checkReopening({
    open,
    digest: () => disk.digest(),
    witness,
    afterwards: (store) => checkGoesOn(store, witness),
  });
}
