import { assertEquals } from "@std/assert";
import { FakeClock, MemoryEventStore } from "../../src/testing/mod.ts";
import { testEventStoreContract } from "./event_store_contract.ts";

testEventStoreContract("memory store", () => {
  const store = new MemoryEventStore();
  const dispose = () => store[Symbol.asyncDispose]();
  return Promise.resolve({ store, [Symbol.asyncDispose]: dispose });
});

Deno.test("MemoryEventStore takes timestamps from its clock", async () => {
  const clock = new FakeClock("2026-01-01T00:00:00Z");
  const store = new MemoryEventStore({ clock });
  await store.append([{ type: "A", data: 1 }]);
  await clock.advance(1_500);
  await store.append([{ type: "A", data: 2 }]);
  const events = await Array.fromAsync(store.read("all"));
  assertEquals(
    events.map(({ timestamp }) => timestamp),
    ["2026-01-01T00:00:00.000Z", "2026-01-01T00:00:01.500Z"],
  );
});
