import { assertEquals } from "@std/assert";
import { systemClock } from "../../mod.ts";
import type {
  DocumentChange,
  Generation,
  ProjectionStore,
} from "../../src/projections/projection_store.ts";
import { SqliteProjectionStore } from "../../src/projections/sqlite_projection_store.ts";
import { verifyBuild } from "../../src/rebuild/verification.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { TempDir } from "../support/temp_dir.ts";

const IDENTITY = {
  projectionName: "One",
  version: 1,
  fingerprint: "f",
  storeId: "s",
};

/** Documents that say up to where the log is applied; `null` deletes them. */
async function commit(
  generation: Generation,
  keys: readonly string[],
  checkpoint: number,
  documentsDelta: number,
  text: string | null = String(checkpoint),
): Promise<void> {
  const documents = keys.map((key): DocumentChange => ({
    key,
    text,
    tagsAdded: [],
    tagsRemoved: [],
  }));
  await generation.commit({
    documents,
    related: [],
    checkpoint,
    documentsDelta,
    eventsDelta: 1,
  });
}

Deno.test("verifyBuild() compares at the position that live updates came to before the lock, and sees nothing of later ones", async () => {
  using dir = new TempDir();
  await using store = new SqliteProjectionStore({
    directory: dir.path,
    fileSystem: denoFileSystem,
    clock: systemClock,
  });
  const keys = ["a", "b", "c"];
  {
    await using first = await store.begin(IDENTITY, { resume: false });
    await commit(first.generation, keys, 1, 3);
    await first.swapIn();
  }
  const live = (action: (generation: Generation) => Promise<void>) =>
    store.changeCurrent("One", action);
  await using build = await store.begin(IDENTITY, { resume: false });
  await commit(build.generation, keys, 1, 3);
  const steps: string[] = [];
  // Live updates come right before the lock is taken, and right after it is let go.
  const watched = new Proxy<ProjectionStore>(store, {
    get(target, property) {
      if (property !== "lockLive") {
        const value = Reflect.get(target, property);
        return typeof value === "function" ? value.bind(target) : value;
      }
      return async () => {
        await live((generation) => commit(generation, keys, 2, 0));
        const lock = await store.lockLive("One");
        return {
          [Symbol.dispose]() {
            lock[Symbol.dispose]();
            steps.push("released");
            void live(async (generation) => {
              await commit(generation, ["b"], 3, -1, null);
              await commit(generation, ["c", "d"], 4, 1);
              steps.push("changed");
            });
          },
        };
      };
    },
  });
  const { signal } = new AbortController();
  const member = {
    task: { projectionName: "One", signal },
    build,
  } as unknown as Parameters<typeof verifyBuild>[0];
  const found = await verifyBuild(member, {
    store: watched,
    // deno-lint-ignore require-await -- a promise is asked for
    async approach(upTo) {
      steps.push(`approach ${upTo}`);
    },
    async advance(upTo) {
      steps.push(`advance to ${upTo}`);
      await commit(build.generation, keys, upTo, 0);
    },
  });
  assertEquals(found, {
    checkpoint: 2,
    generation: 1,
    added: 0,
    removed: 0,
    changed: 0,
    unchanged: 3,
    samples: [],
  });
  assertEquals(steps, [
    "approach 1",
    "advance to 2",
    "released",
    "changed",
  ]);
  // Afterwards the build can be gone on with.
  await commit(build.generation, ["a"], 3, 0);
});
