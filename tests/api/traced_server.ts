/**
 * A server that tells what it does: the definitions of a module over a folder. Started by
 * `traces_test.ts`.
 *
 * @module
 */
import { openOpossum, silentLogger } from "@opossum/deno";
import { createApp, serveApp } from "@opossum/deno/api";
import { startTelemetry } from "@opossum/deno/telemetry";

const [path = "", projections = ""] = Deno.args;
const telemetry = await startTelemetry({ serviceName: "traced" });
const auth = { tokens: [Deno.env.get("OPOSSUM_ADMIN_TOKEN") ?? ""] };
const opossum = await openOpossum({
  path,
  projections,
  enableAutoRebuild: false,
  logger: silentLogger,
});
const server = serveApp({
  app: createApp({ opossum, auth, limits: { triggersPerMinute: 1_000 } }),
  auth,
  port: 0,
  logger: silentLogger,
});
// deno-lint-ignore no-console -- the test waits for it
console.log(server.url);
Deno.addSignalListener("SIGTERM", async () => {
  await server[Symbol.asyncDispose]();
  await opossum[Symbol.asyncDispose]();
  await telemetry.shutdown();
  Deno.exit(0);
});
