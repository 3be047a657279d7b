/**
 * A server of one release: the definitions of a module over a folder. Started by tests.
 *
 * @module
 */
import { openOpossum, silentLogger } from "@opossum/deno";
import { createApp, serveApp } from "@opossum/deno/api";

const [path = "", projections = "", autoRebuild, port = "0"] = Deno.args;
const auth = { tokens: [Deno.env.get("OPOSSUM_ADMIN_TOKEN") ?? ""] };
const opossum = await openOpossum({
  path,
  projections,
  enableAutoRebuild: autoRebuild === "auto",
  logger: silentLogger,
});
const server = serveApp({
  app: createApp({ opossum, auth, limits: { triggersPerMinute: 1_000 } }),
  auth,
  port: Number(port),
  logger: silentLogger,
});
// deno-lint-ignore no-console -- the test waits for it
console.log(server.url);
Deno.addSignalListener("SIGTERM", async () => {
  await server[Symbol.asyncDispose]();
  await opossum[Symbol.asyncDispose]();
  Deno.exit(0);
});
