/**
 * The program that `paused_kill_test.ts` kills: pauses a rebuild that has come some way, or opens
 * the store and finds it paused. Says so, then waits for its end.
 *
 * @module
 */
import { openOpossum, silentLogger } from "../../mod.ts";
import { gate, projections } from "./paused_kill_projections.ts";

const [path = "", idGiven] = Deno.args;
await using opossum = await openOpossum({
  path,
  projections,
  // So that it stands still between two events.
  batchSize: 1,
  enableAutoRebuild: false,
  startDaemon: idGiven !== undefined,
  logger: silentLogger,
});
const { rebuilder, daemon } = opossum;
await daemon.whenStarted();
let id = idGiven;
if (id === undefined) {
  ({ id } = await rebuilder.start(["Sums"], { note: "By hand" }));
  await gate.promise;
  await rebuilder.pause(id);
}
const operation = await rebuilder.getOperation(id);
const said = JSON.stringify([id, operation?.state, operation?.note]) + "\n";
await Deno.stdout.write(new TextEncoder().encode(said));
// Until it is killed.
for await (const _ of Deno.stdin.readable);
