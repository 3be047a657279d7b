import { assertEquals } from "@std/assert";
import { metricsPage, PAGE } from "../../scripts/metrics_docs.ts";

Deno.test("docs/METRICS.md says what METRICS says: else run `deno task docs:metrics`", async () => {
  assertEquals(await Deno.readTextFile(PAGE), await metricsPage());
});
