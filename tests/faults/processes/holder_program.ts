/**
 * A process that is in the middle of an append for as long as its parent likes:
 * `holder_program.ts PATH ID`. It says so when its events are written and not yet synced, and goes
 * on when it is told to. Prints the position.
 *
 * @module
 */
import { silentLogger } from "../../../mod.ts";
import { openFileEventStore } from "../../../src/log/file_event_store.ts";
import { withSync } from "../../support/slow_sync.ts";

const [path = "", id = ""] = Deno.args;
const tell = (text: string) =>
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));

let isHeld = false;
const fileSystem = withSync("/events/", async (next) => {
  if (isHeld) {
    tell("holding");
    await Deno.stdin.read(new Uint8Array(1));
  }
  await next();
});
await using store = await openFileEventStore({
  path,
  fileSystem,
  logger: silentLogger,
});
await store.append([{ type: "First", data: {} }]);
isHeld = true;
const { first } = await store.append([{ id, type: "Held", data: {} }]);
tell(`${first}`);
