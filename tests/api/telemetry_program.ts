/**
 * A program that `telemetry_test.ts` runs: starts telemetry from its environment, answers one
 * request, and prints the metrics.
 *
 * @module
 */
import { createApp } from "../../api/mod.ts";
import { startTelemetry } from "../../api/telemetry.ts";
import { FakeOpossum } from "./fake_opossum.ts";
import { TOKEN } from "./requests.ts";

await using telemetry = await startTelemetry({ serviceName: "opossum-test" });
const app = createApp({
  opossum: new FakeOpossum("CourseDetails"),
  auth: { tokens: [TOKEN] },
  metrics: () => telemetry.metrics(),
});
const headers = { authorization: `Bearer ${TOKEN}` };
const [traceparent] = Deno.args;
await app.request("/admin/projections/status?secret=1", {
  headers: traceparent === undefined ? headers : { ...headers, traceparent },
});
const response = await app.request("/metrics", { headers });
Deno.stdout.writeSync(await response.bytes());
