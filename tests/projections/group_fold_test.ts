import { assert, assertEquals } from "@std/assert";
import { defineProjection, type StoredEvent, systemClock } from "../../mod.ts";
import { toUnparsed } from "../../src/events/parsed_event.ts";
import { EventSpill } from "../../src/projections/event_spill.ts";
import { SqliteProjectionStore } from "../../src/projections/sqlite_projection_store.ts";
import { type PassMember, scanPass } from "../../src/rebuild/scan_pass.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { TempDir } from "../support/temp_dir.ts";

const EVENTS = 600;

const events: readonly StoredEvent[] = Array.from(
  { length: EVENTS },
  (_, index) => ({
    position: index + 1,
    type: "Put",
    tags: [],
    id: crypto.randomUUID(),
    timestamp: "2026-01-01T00:00:00Z",
    data: { key: `k${index % 50}`, text: "x".repeat(4_000) },
  }),
);

function putting(name: string) {
  return defineProjection<
    { texts: string[] },
    { type: "Put"; data: { key: string; text: string } }
  >({
    name,
    version: 1,
    eventTypes: ["Put"],
    key: ({ data }) => data.key,
    apply: (state, { data }) => ({
      texts: [...state?.texts ?? [], data.text],
    }),
  });
}

Deno.test("a projection that is at the head already stays complete when its group is divided", async () => {
  using dir = new TempDir();
  await using store = new SqliteProjectionStore({
    directory: dir.path,
    fileSystem: denoFileSystem,
    clock: systemClock,
  });
  const begin = async (name: string) =>
    await store.begin(
      { projectionName: name, version: 1, fingerprint: "f", storeId: "s" },
      { resume: false },
    );
  await using early = await begin("Early");
  await using late = await begin("Late");
  await early.generation.commit({
    documents: [{ key: "k", text: "{}", tagsAdded: [], tagsRemoved: [] }],
    related: [],
    checkpoint: EVENTS,
    documentsDelta: 1,
    eventsDelta: EVENTS,
  });
  const member = (
    name: string,
    build: typeof early,
    checkpoint: number,
  ): PassMember => ({
    definition: putting(name),
    generation: build.generation,
    checkpoint,
    isRunning: true,
    throwIfStopped: () => {},
    advance: () => {},
    fail: (error) => Promise.reject(error),
  });
  let spills = 0;
  await scanPass({
    members: [member("Early", early, EVENTS), member("Late", late, 0)],
    guessKeys: false,
    upTo: EVENTS,
    batchSize: 100,
    memoryBytesMax: 1_048_576,
    checkpointInterval: 3_600_000,
    monotonicMs: () => 0,
    breathe: () => Promise.resolve(),
    openSpill: () => {
      spills++;
      return new EventSpill({
        fileSystem: denoFileSystem,
        path: dir.file("spill"),
      });
    },
    read: async function* () {
      for (let at = 0; at < EVENTS; at += 100) {
        const batch = events.slice(at, at + 100);
        await Promise.resolve();
        yield toUnparsed({
          events: batch,
          through: at + 100,
          bytes: 420_000,
        });
      }
    },
  });
  assertEquals(spills, 1);
  for (const build of [early, late]) {
    build.prepare();
    await build.swapIn();
  }
  assertEquals((await store.numbers("Early")).current, 1);
  const status = await store.withCurrent("Late", (g) => g.status());
  assert(status.documents === 50 && status.eventsApplied === EVENTS);
});
