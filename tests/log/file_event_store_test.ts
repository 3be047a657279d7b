import { silentLogger } from "../../src/telemetry/logger.ts";
import { openFileEventStore } from "../../src/log/file_event_store.ts";
import { testEventStoreContract } from "../events/event_store_contract.ts";

// Small segments, so that every test crosses their borders.
testEventStoreContract("FileEventStore", async () => {
  const path = await Deno.makeTempDir();
  const store = await openFileEventStore({
    path,
    logger: silentLogger,
    segmentBytesMax: 1_024,
  });
  return {
    store,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await Deno.remove(path, { recursive: true });
    },
  };
});
