import { assert, assertEquals, assertGreater } from "@std/assert";
import {
  descriptorLimit,
  DESCRIPTORS_MIN,
  parseLimit,
} from "../../src/storage/descriptor_limit.ts";
import { tellOfFewDescriptors } from "../../src/few_descriptors.ts";
import { MemoryLogger } from "../log/support.ts";

const LIMITS =
  "Limit                     Soft Limit           Hard Limit           " +
  "Units     \nMax cpu time              unlimited            unlimited            " +
  "seconds   \nMax open files            150                  4096                 " +
  "files     \n";

Deno.test("parseLimit() finds the limit that holds, and none where it is not told", () => {
  assertEquals(parseLimit(LIMITS), 150);
  assertEquals(
    parseLimit("Max open files            unlimited  \n"),
    undefined,
  );
  assertEquals(parseLimit(""), undefined);
});

Deno.test("descriptorLimit() tells a number or nothing, and asks nobody", () => {
  const limit = descriptorLimit();
  if (limit !== undefined) assertGreater(limit, 0);
});

Deno.test("a start with few descriptors is told, with the number and what to do", () => {
  for (const limit of [DESCRIPTORS_MIN, 1_024, undefined]) {
    const logger = new MemoryLogger();
    tellOfFewDescriptors(logger, limit);
    assertEquals(logger.records, []);
  }
  const logger = new MemoryLogger();
  tellOfFewDescriptors(logger, DESCRIPTORS_MIN - 1);
  const [record] = logger.records;
  assertEquals(record?.level, "warn");
  assertEquals(record?.attributes, { limit: DESCRIPTORS_MIN - 1 });
  assert(record?.message.includes("ulimit -n 1024"));
});
