/**
 * Stops the sample's server while it appends and rebuilds; `deno task test:faults:kills` does so
 * more often.
 *
 * @module
 */
import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { TempDir } from "../support/temp_dir.ts";
import { terminateServer } from "./kills/termination.ts";

Deno.test("serve that gets SIGTERM while it appends and rebuilds ends with status 0, and keeps what it acknowledged", async () => {
  using dir = new TempDir();
  const { code, signal, acknowledged } = await terminateServer({
    path: dir.file("data"),
    round: 0,
    afterAnswers: 20,
  });
  assertEquals({ code, signal }, { code: 0, signal: null });
  assertGreaterOrEqual(acknowledged, 20);
});
