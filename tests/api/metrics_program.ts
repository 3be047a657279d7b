/**
 * A program that `metrics_test.ts` runs: serves a store, lets everything happen to it that there is
 * a metric for, and prints what `/metrics` says in the end.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import {
  AppendConditionError,
  defineProjection,
  openOpossum,
  silentLogger,
} from "../../mod.ts";
import { createApp, serveApp } from "../../api/mod.ts";
import { startTelemetry } from "../../api/telemetry.ts";
import { SECRET } from "./metrics_secret.ts";
import { TOKEN } from "./requests.ts";

type Counted = {
  type: "Counted";
  tags: string[];
  data: { key: string; n: number };
};

/** Events that fail are told by their number. */
const POISON = 1_000;

/** A projection that some events are too much for. */
function counting(name: string, isBroken: (n: number) => boolean) {
  return defineProjection<{ sum: number }, Counted>({
    name,
    version: 1,
    eventTypes: ["Counted"],
    key: (event) => event.data.key,
    apply(state, event) {
      if (isBroken(event.data.n)) throw new RangeError(event.data.key);
      return { sum: (state?.sum ?? 0) + event.data.n };
    },
  });
}

function counted(n: number): Counted {
  return {
    type: "Counted",
    tags: [`tag:${SECRET}`],
    data: { key: `${SECRET}-${n % 3}`, n },
  };
}

await using telemetry = await startTelemetry({ serviceName: "opossum-test" });
const [path = ""] = Deno.args;
await using opossum = await openOpossum({
  path,
  logger: silentLogger,
  projections: [
    counting("Good", () => false),
    counting("Faulted", (n) => n === POISON),
    counting("Broken", (n) => n === 1),
  ],
  enableAutoRebuild: false,
});
const { events, rebuilder, projections, daemon } = opossum;
await daemon.whenStarted();
await events.append(Array.from({ length: 10 }, (_, n) => counted(n)));
await rebuilder.rebuildAll();
const { last } = await events.append([counted(10), counted(POISON)]);
await projections.waitFor(last, { names: ["Good"] });
await projections.waitFor(last - 1, { names: ["Faulted"] });
try {
  const condition = { failIfEventsMatch: "all" as const, after: 1 };
  await events.append([counted(11)], { condition });
} catch (error) {
  if (!(error instanceof AppendConditionError)) throw error;
}
await opossum.scrub();

const auth = { tokens: [TOKEN] };
const metrics = () => telemetry.metrics();
await using server = serveApp({
  app: createApp({ opossum, auth, metrics }),
  auth,
  port: 0,
  logger: silentLogger,
});
const get = async (route: string) => {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const response = await fetch(`${server.url}${route}`, { headers });
  return await response.text();
};
await get(`/admin/projections/${SECRET}?key=${SECRET}`);
// The event loop is looked at every so often, and the fault is told after the others have gone on.
for (let tries = 0; tries < 5_000; tries++) {
  const text = await get("/metrics");
  const isComplete = text.includes("opossum_event_loop_delay") &&
    text.includes("opossum_projection_faults_total");
  if (isComplete) break;
  await new Promise((resolve) => setImmediate(resolve));
}
Deno.stdout.writeSync(new TextEncoder().encode(await get("/metrics")));
