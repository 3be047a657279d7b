/**
 * What programs do with an event store while the power goes.
 *
 * @module
 */
import { assertRejects } from "@std/assert";
import type { EventInput, EventStore } from "../../../mod.ts";
import { checkStoreState } from "./check_store_state.ts";
import { DATA, type Recording } from "./recording.ts";
import type { DiskOperation } from "./simulated_disk.ts";
import {
  Events,
  type LogWorkload,
  ONE_APPEND,
  TAGGED,
  type Workload,
} from "./workload.ts";

/** What whoever finds a crashed store does with it. */
async function recover(recording: Recording): Promise<void> {
  const events = new Events(1);
  await recording.with(async (store) => {
    await recording.read(store);
    await recording.append(store, events.some(2));
  });
}

async function isRefused(
  recording: Recording,
  store: EventStore,
  events: readonly EventInput[],
): Promise<void> {
  const condition = { failIfEventsMatch: TAGGED };
  await assertRejects(() => recording.append(store, events, { condition }));
  recording.forget(events.map(({ id }) => String(id)));
}

const appends: LogWorkload = {
  name: "appends",
  async run(recording, seed) {
    const events = new Events(seed);
    await recording.with(async (store) => {
      await recording.append(store, events.some(1));
      await recording.append(store, events.some(3, "n:1"));
      // Together: one write, one sync.
      await Promise.all(
        [1, 2, 3].map((count) => recording.append(store, events.some(count))),
      );
      await recording.read(store);
      const condition = { failIfEventsMatch: TAGGED, after: 4 };
      await recording.append(store, events.some(2), { condition });
      await isRefused(recording, store, events.some(2));
    });
    await recording.with(async (store) => {
      await recording.append(store, events.some(1));
      await isRefused(recording, store, events.some(1));
    });
  },
};

const aborted: LogWorkload = {
  name: "aborted appends",
  async run(recording, seed) {
    const events = new Events(seed);
    await recording.with(async (store) => {
      for (let turns = 0; turns < 6; turns++) {
        const controller = new AbortController();
        const { signal } = controller;
        const asked = events.some(2);
        const others = [
          recording.append(store, events.some(1)),
          recording.append(store, asked, { signal }).then(() => true, () => {
            recording.forget(asked.map(({ id }) => String(id)));
            return false;
          }),
          recording.append(store, events.some(1)),
        ];
        for (let turn = 0; turn < turns; turn++) await Promise.resolve();
        controller.abort();
        await Promise.all(others);
      }
      await recording.read(store);
    });
  },
};

const rolls: LogWorkload = {
  name: "segment rolls",
  segmentBytesMax: ONE_APPEND,
  async run(recording, seed) {
    const events = new Events(seed);
    await recording.with(async (store) => {
      for (const count of [1, 2, 1]) {
        await recording.append(store, events.some(count));
      }
      await recording.read(store);
    });
    await recording.with(async (store) => {
      await recording.append(store, events.some(2));
    });
  },
};

const processes: LogWorkload = {
  name: "two processes",
  segmentBytesMax: 1_500,
  async run(recording, seed) {
    const events = new Events(seed);
    await using one = await recording.open();
    await using other = await recording.open();
    for (const store of [one, other, one, one, other, other, one]) {
      await recording.append(store, events.some(1 + seed % 2));
      await recording.read(store === one ? other : one);
    }
    await Promise.all([
      recording.append(one, events.some(1)),
      recording.append(other, events.some(1)),
    ]);
  },
};

/** Two processes, of which one is killed in a sync while it appends; the other goes on. */
function survivor(
  name: string,
  fatal: (
    operation: DiskOperation,
    earlier: readonly DiskOperation[],
  ) => boolean,
): LogWorkload {
  return {
    name,
    segmentBytesMax: ONE_APPEND,
    async run(recording, seed) {
      const events = new Events(seed);
      // It is never closed: nobody is there to do it.
      const one = await recording.open();
      await using other = await recording.open();
      await recording.append(one, events.some(1));
      await recording.read(other);
      const killed = new Promise<void>((resolve) => {
        recording.disk.faultOf = (operation) => {
          if (!fatal(operation, recording.disk.operations)) return undefined;
          recording.disk.faultOf = () => undefined;
          queueMicrotask(resolve);
          return { code: "SIGKILL" };
        };
      });
      recording.append(one, events.some(2));
      await killed;
      await recording.read(other);
      await recording.append(other, events.some(1));
      await recording.append(other, events.some(2));
      await recording.read(other);
    },
  };
}

/** What a killed process left cannot be made durable by the one that goes on. */
const failedSurvivor: LogWorkload = {
  name: "a failed sync of what a dead one left",
  async run(recording, seed) {
    const events = new Events(seed);
    const isOfEvents = ({ kind, path }: DiskOperation) =>
      kind === "sync" && path.includes("/events/");
    const one = await recording.open();
    {
      await using other = await recording.open();
      await recording.append(one, events.some(1));
      await recording.read(other);
      const killed = new Promise<void>((resolve) => {
        recording.disk.faultOf = (operation) => {
          if (!isOfEvents(operation)) return undefined;
          recording.disk.faultOf = (next) =>
            isOfEvents(next) ? { code: "EIO" } : undefined;
          queueMicrotask(resolve);
          return { code: "SIGKILL" };
        };
      });
      recording.append(one, events.some(2));
      await killed;
      await recording.read(other);
      await recording.append(other, events.some(1)).catch(passOver);
    }
    recording.noteIndex();
    recording.disk.faultOf = () => undefined;
    await recording.with(async (store) => {
      await recording.read(store);
      await recording.append(store, events.some(1));
    });
  },
};

/** Work that finds a disk with a tail that a crash left, begun by another program. */
function onCrashedDisk(
  name: string,
  segmentBytesMax: number,
  tear: Tear,
): LogWorkload {
  return {
    name,
    segmentBytesMax,
    async run(recording, seed) {
      const events = new Events(seed);
      await recording.with(async (store) => {
        await recording.append(store, events.some(1));
        await recording.append(store, events.some(2));
      });
      tearTail(recording, tear);
      await recording.with(async (store) => {
        await recording.read(store);
        await recording.append(store, events.some(2));
      });
      await recording.with((store) => recording.append(store, events.some(1)));
    },
  };
}

/** What a dead program left at the end of a file. */
interface Tear {
  readonly path: string;
  readonly bytes: Uint8Array;
}

function tearTail({ disk }: Recording, { path, bytes }: Tear): void {
  using file = disk.open(path, { mode: "append" });
  file.append(bytes);
}

const LAST_SEGMENT = `${DATA}/events/00000000000000000001.ndjson`;

const tornTail = onCrashedDisk("torn tail", 1 << 20, {
  path: LAST_SEGMENT,
  bytes: new TextEncoder().encode(
    `{"frame":4,"count":1,"bytes":900,"prev":"00000000","durable":3,` +
      `"crc":"00000000"}\n{"position":4,"type":"${"T".repeat(700)}`,
  ),
});

const unfinished = onCrashedDisk("unfinished segment", ONE_APPEND, {
  path: `${DATA}/events/00000000000000000004.ndjson`,
  bytes: new TextEncoder().encode('{"segment":4,"format":1,"store":"'),
});

/** Work during which one change fails, and that is taken up again by a new process. */
function failing(
  name: string,
  fault: {
    readonly kind: DiskOperation["kind"];
    readonly path: string;
    readonly code: string;
    readonly bytesTaken?: number;
    readonly nths: readonly number[];
  },
  segmentBytesMax: number,
): LogWorkload[] {
  return fault.nths.map((nth) => ({
    name: `${name} ${nth}`,
    segmentBytesMax,
    async run(recording, seed) {
      const events = new Events(seed);
      let left = nth;
      recording.disk.faultOf = ({ kind, path }) =>
        kind === fault.kind && path.includes(fault.path) && --left === 0
          ? fault
          : undefined;
      for (let process = 0; process < 3; process++) {
        try {
          await recording.with(async (store) => {
            await recording.read(store);
            for (const count of [1, 2, 1]) {
              await recording.append(store, events.some(count))
                .catch(passOver);
            }
            await recording.read(store);
          });
        } catch (error) {
          // It could not even be opened: the next one tries again.
          passOver(error);
        }
      }
    },
  }));
}

/**
 * Work during which a sync fails, and whose program then does not come to taking back what it wrote:
 * what it left is read from pages that the system counts as clean, and on the disk it is not.
 */
function uncut(
  name: string,
  nth: number,
  segmentBytesMax: number,
): LogWorkload {
  return {
    name: `${name} ${nth}, and a kill before the cut`,
    segmentBytesMax,
    async run(recording, seed) {
      const events = new Events(seed);
      const { disk } = recording;
      let left = nth;
      disk.faultOf = ({ kind, path }) => {
        if (!path.includes("/events/")) return undefined;
        if (kind === "sync" && left > 0) left--;
        const isDue = kind === "sync" || kind === "truncate" ||
          kind === "remove";
        return left === 0 && isDue ? { code: "EIO" } : undefined;
      };
      await recording.with(async (store) => {
        while (left > 0) {
          await recording.append(store, events.some(1 + seed % 3))
            .catch(passOver);
        }
      }).catch(passOver);
      disk.faultOf = () => undefined;
      for (let process = 0; process < 2; process++) {
        await recording.with(async (store) => {
          await recording.read(store);
          await recording.append(store, events.some(1));
          await recording.read(store);
        });
      }
    },
  };
}

function passOver(error: unknown): void {
  // What the disk did to it; a wrong call would be a mistake of this test.
  if (error instanceof TypeError || error instanceof RangeError) throw error;
}

/** All of them. */
export const LOG_WORKLOADS: readonly Workload[] = ([
  appends,
  aborted,
  rolls,
  processes,
  survivor(
    "a kill before a new segment has its name",
    ({ kind, path }) => kind === "syncDirectory" && path.endsWith("/events"),
  ),
  // The second sync of the second segment: the first was of its header.
  survivor(
    "a kill before events are durable",
    ({ kind, path }, earlier) =>
      kind === "sync" && path.endsWith("2.ndjson") &&
      earlier.some((one) => one.kind === "sync" && one.path === path),
  ),
  failedSurvivor,
  tornTail,
  unfinished,
  ...failing("failed sync", {
    kind: "sync",
    path: "/events/",
    code: "EIO",
    nths: [1, 2, 3, 5],
  }, 1 << 20),
  ...failing("failed sync while rolling", {
    kind: "sync",
    path: "/events/",
    code: "EIO",
    nths: [1, 2, 3, 4, 6],
  }, ONE_APPEND),
  // Of opening, of a segment's first line, and of events.
  ...[1, 2, 3].map((nth) => uncut("failed sync", nth, 1 << 20)),
  ...[3, 4, 5].map((nth) =>
    uncut("failed sync while rolling", nth, ONE_APPEND)
  ),
  ...failing("failed sync of a folder", {
    kind: "syncDirectory",
    path: DATA,
    code: "EIO",
    nths: [1, 2, 3, 4, 5],
  }, ONE_APPEND),
  ...failing("failed sync of store.json", {
    kind: "sync",
    path: "store.json",
    code: "EIO",
    nths: [1],
  }, 1 << 20),
  ...failing("full disk", {
    kind: "append",
    path: "/events/",
    code: "ENOSPC",
    bytesTaken: 100,
    nths: [1, 2, 3, 4],
  }, ONE_APPEND),
] satisfies LogWorkload[]).map((workload) => ({
  ...workload,
  check: checkStoreState,
  recover,
}));
