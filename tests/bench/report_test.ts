import { assertEquals } from "@std/assert";
import {
  count,
  duration,
  formatTable,
  mebibytes,
  ratio,
} from "../../bench/support/report.ts";

Deno.test("formatTable() lays out Markdown as deno fmt would", () => {
  assertEquals(
    formatTable(["What", "Time"], [["yardstick", "1 s"], ["rebuild", "12 s"]]),
    `| What      | Time |
| --------- | ---: |
| yardstick |  1 s |
| rebuild   | 12 s |`,
  );
});

Deno.test("durations, ratios, sizes and counts are printed with three digits or so", () => {
  assertEquals(
    [0.123, 12.34, 123.4, 1_234, 12_340].map(duration),
    ["0.12 ms", "12.3 ms", "123 ms", "1.23 s", "12.3 s"],
  );
  assertEquals(ratio(3, 2), "1.50");
  assertEquals(mebibytes(3 * 1_048_576), "3 MiB");
  assertEquals(count(1_000_000.4), "1,000,000");
});
