/**
 * A program that serves a store until it is ended: `serve.ts FOLDER HOW TIMEOUT`, where `HOW` is
 * `live`, `rebuild` (in the serving thread), or `worker` (a rebuild in workers).
 *
 * @module
 */
import { openOpossum, silentLogger } from "@opossum/deno";
import * as projections from "./projections.ts";

const [path = "", how = "", timeout] = Deno.args;
await using opossum = await openOpossum({
  path,
  projections: how === "worker"
    ? import.meta.resolve("./projections.ts")
    : [projections.poisoned, projections.sound],
  startDaemon: how === "live",
  enableAutoRebuild: false,
  liveStallTimeout: Number(timeout),
  logger: silentLogger,
});
if (how === "live") await opossum.projections.waitFor(Infinity);
await opossum.rebuilder.rebuildAll({ forceRebuild: true });
