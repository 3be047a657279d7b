/**
 * A scan for events that are rare: whoever reads must have turns all the same, to rest, to give a
 * sign of life, to wait or to stop.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { openOpossum, silentLogger } from "../../mod.ts";
import { scanLines } from "../../src/log/event_scan.ts";
import { listSegments } from "../../src/log/segments.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { TempDir } from "../support/temp_dir.ts";

const BATCH_SIZE = 10;

Deno.test("scanLines() hands out empty batches where nothing matches for long", async () => {
  using dir = new TempDir();
  {
    await using opossum = await openOpossum({
      path: dir.path,
      startDaemon: false,
      logger: silentLogger,
    });
    const types = Array.from(
      { length: 500 },
      (_, i) => i === 0 || i === 321 || i >= 480 ? "Wanted" : "Other",
    );
    await opossum.events.append(types.map((type) => ({ type, data: null })));
  }
  const found: number[] = [];
  let before = 0;
  for await (
    const { events, through } of scanLines({
      fileSystem: denoFileSystem,
      segments: listSegments(denoFileSystem, dir.path),
      types: new Set(["Wanted"]),
      after: 0,
      upTo: 500,
      batchSize: BATCH_SIZE,
    })
  ) {
    assert(through - before <= 4 * BATCH_SIZE, `${before} to ${through}`);
    assert(events.length <= BATCH_SIZE);
    assert(
      events.every(({ position }) => position > before && position <= through),
    );
    found.push(...events.map(({ position }) => position));
    before = through;
  }
  assertEquals(before, 500);
  assertEquals(found, [
    1,
    322,
    ...Array.from({ length: 20 }, (_, i) => 481 + i),
  ]);
});
