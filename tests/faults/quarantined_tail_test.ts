/**
 * What is cut off is kept: no power cut during recovery takes a torn end from both places.
 *
 * @module
 */
import { assert, assertGreater } from "@std/assert";
import { event } from "../log/support.ts";
import { crashStates } from "./crash/crash_states.ts";
import { contentOf, type DiskView, pathsOf } from "./crash/disk_view.ts";
import { Random, seededIds } from "./crash/random.ts";
import { DATA, Recording } from "./crash/recording.ts";

const EVENTS = `${DATA}/events`;
const TORN = `{"frame":3,"count":1,"bytes":900,"prev":"00000000",${
  "x".repeat(600)
}`;

/** Whether some file in a folder holds these bytes at its end. */
function holds(disk: DiskView, folder: string, text: string): boolean {
  const bytes = new TextEncoder().encode(text);
  return [...pathsOf(disk)].some(([path, node]) => {
    if (!path.startsWith(`${folder}/`)) return false;
    const content = contentOf(disk, node);
    const end = content?.subarray(-bytes.length);
    return end?.length === bytes.length &&
      end.every((byte, i) => byte === bytes[i]);
  });
}

const TAILS = [
  {
    name: "a frame",
    file: "00000000000000000001.ndjson",
    segmentBytesMax: 1e6,
  },
  {
    name: "a segment",
    file: "00000000000000000003.ndjson",
    segmentBytesMax: 64,
  },
];

for (const { name, file, segmentBytesMax } of TAILS) {
  Deno.test(`no power cut takes ${name} that was cut off from both the log and quarantine`, async () => {
    using _ids = seededIds(1);
    using recording = new Recording({ segmentBytesMax });
    const { disk } = recording;
    await recording.with(async (store) => {
      for (const type of ["A", "B"]) await store.append([event(type)]);
    });
    {
      // Its writer died, and the system wrote what it left.
      using torn = disk.open(`${EVENTS}/${file}`, { mode: "append" });
      torn.append(new TextEncoder().encode(TORN));
      await torn.sync();
      await disk.syncDirectory(EVENTS);
    }
    const from = disk.operations.length;
    await recording.with((store) => recording.append(store, [event("C")]));
    const random = new Random(1);
    const found = { log: 0, quarantine: 0 };
    for (const [moment, view] of disk.views.entries()) {
      if (moment < from) continue;
      for (const left of crashStates(view, random, 40)) {
        const isInLog = holds(left, EVENTS, TORN);
        const isKept = holds(left, `${DATA}/quarantine`, TORN);
        if (isInLog) found.log++;
        if (isKept) found.quarantine++;
        const { kind, path } = disk.operations[moment - 1] ?? {};
        assert(isInLog || isKept, `lost by a power cut after ${kind} ${path}`);
      }
    }
    assertGreater(found.log, 0);
    assertGreater(found.quarantine, 0);
  });
}
