import { assertEquals, assertThrows } from "@std/assert";
import { alternate, median, quantile } from "../../bench/support/statistics.ts";

Deno.test("median() takes the middle of the sorted values, or the mean of both", () => {
  const table: [number[], number][] = [
    [[7], 7],
    [[10, 9, 2], 9],
    [[4, 1, 10, 2], 3],
  ];
  for (const [values, expected] of table) {
    assertEquals(median(values), expected, String(values));
  }
  assertThrows(() => median([]), RangeError, "no values");
});

Deno.test("quantile() takes the value of that rank, and changes nothing", () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  assertEquals(quantile(values, 0), 1);
  assertEquals(quantile(values, 0.5), 50);
  assertEquals(quantile(values, 0.99), 99);
  assertEquals(quantile(values, 1), 100);
  assertEquals(values[0], 100);
  assertThrows(() => quantile([], 0.5), RangeError, "no values");
});

Deno.test("alternate() measures each case in turn and back again", async () => {
  const order: string[] = [];
  const results = await alternate(["a", "b"], 3, (which, run) => {
    order.push(which);
    return Promise.resolve(run);
  });
  assertEquals(order.join(""), "abbaab");
  assertEquals([...results], [["a", [0, 1, 2]], ["b", [0, 1, 2]]]);
});
