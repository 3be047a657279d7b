import { assertEquals, assertInstanceOf } from "@std/assert";
import { systemClock } from "../../src/events/clock.ts";
import { LogReadError } from "../../src/log/errors.ts";
import { salvageLog } from "../../src/log/salvage_log.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { FaultyFileSystem } from "../../src/testing/faulty_file_system.ts";
import { filledStore } from "../maintenance/maintenance_fixture.ts";

Deno.test("a look at the log goes on where a segment cannot be read, and tells that nothing may be cut off", async () => {
  await using folder = await filledStore();
  for (const name of folder.segments()) {
    const fileSystem = new FaultyFileSystem(denoFileSystem);
    fileSystem.inject({
      kind: "read",
      path: name,
      code: "EIO",
      times: Infinity,
    });
    const { refusal, torn, report, lost, events } = await salvageLog({
      fileSystem,
      path: folder.path,
      clock: systemClock,
    });
    // What cannot be read may be anything.
    assertEquals(torn, undefined);
    assertEquals(report.problems.map(({ file }) => file), [`events/${name}`]);
    assertEquals(lost.length, 1);
    const [{ first, last } = { first: 0, last: -1 }] = lost;
    assertEquals(events, 24 - (last - first + 1));
    assertInstanceOf(refusal, LogReadError);
  }
});
