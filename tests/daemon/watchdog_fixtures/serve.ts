/**
 * A program that serves a store until it is ended: `serve.ts FOLDER live|rebuild`.
 *
 * @module
 */
import { openOpossum, silentLogger } from "@opossum/deno";
import * as projections from "./projections.ts";

const [path = "", how = ""] = Deno.args;
await using opossum = await openOpossum({
  path,
  // Not by the module's URL: a rebuild runs in the serving thread as well.
  projections: [projections.poisoned, projections.sound],
  startDaemon: how === "live",
  liveStallTimeout: how === "grow" ? 3_600_000 : 1_000,
  logger: silentLogger,
});
if (how === "live") await opossum.projections.waitFor(Infinity);
await opossum.rebuilder.rebuildAll({ forceRebuild: true });
