import { assertEquals } from "@std/assert";
import { parseWaitPreference } from "../../api/prefer.ts";

Deno.test("parseWaitPreference() reads respond-async and wait, and ignores the rest", () => {
  const table: [string | undefined, number, string | undefined][] = [
    [undefined, 30_000, undefined],
    ["", 30_000, undefined],
    ["respond-async", 0, "respond-async"],
    ["Respond-Async", 0, "respond-async"],
    ["respond-async; foo=bar", 0, "respond-async"],
    ["wait=10", 10_000, "wait=10"],
    ["wait = 10", 10_000, "wait=10"],
    ['wait="10"', 10_000, "wait=10"],
    ["wait=0", 0, "wait=0"],
    ["respond-async, wait=10", 10_000, "respond-async, wait=10"],
    ["handling=lenient, wait=5, return=minimal", 5_000, "wait=5"],
    ["wait=5, wait=50", 5_000, "wait=5"],
    ["wait=86400", 600_000, "wait=600"],
    ["wait=-1", 30_000, undefined],
    ["wait=1.5", 30_000, undefined],
    ["wait=1e3", 30_000, undefined],
    ["wait=soon", 30_000, undefined],
    ["wait", 30_000, undefined],
    ["respond-async=no", 30_000, undefined],
    [`wait=${"9".repeat(400)}`, 30_000, undefined],
  ];
  for (const [header, waitMs, applied] of table) {
    assertEquals(
      parseWaitPreference(header, 30_000),
      { waitMs, applied },
      header,
    );
  }
});
