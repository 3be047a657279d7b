import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../src/events/clock.ts";
import { ProjectionLocks } from "../../src/projections/projection_locks.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import type { FileSystem } from "../../src/storage/file_system.ts";
import { TempDir } from "../support/temp_dir.ts";

const NAMES = Array.from({ length: 40 }, (_, n) => `P${n}`);

/** Locks whose files are counted while they are open. */
function locksIn(path: string) {
  const open = new Set<object>();
  let openings = 0;
  const fileSystem: FileSystem = {
    ...denoFileSystem,
    open(file, options) {
      const handle = denoFileSystem.open(file, options);
      openings++;
      open.add(handle);
      const close = handle.close.bind(handle);
      handle.close = () => {
        open.delete(handle);
        close();
      };
      return handle;
    },
  };
  const locks = new ProjectionLocks({
    fileSystem,
    clock: systemClock,
    directoryOf: (name) => `${path}/${name}`,
  });
  return { locks, open, openings: () => openings };
}

Deno.test("lock files that nobody uses are closed when there are many, those used longest ago first", () => {
  using dir = new TempDir();
  const { locks, open, openings } = locksIn(dir.path);
  using _closing = locks;
  for (const name of NAMES) locks.tryLockLive(name)?.[Symbol.dispose]();
  assertEquals([open.size, openings()], [32, 40]);
  locks.tryLockLive("P39")?.[Symbol.dispose]();
  assertEquals(openings(), 40);
  locks.tryLockLive("P0")?.[Symbol.dispose]();
  assertEquals([open.size, openings()], [32, 41]);
});

Deno.test("locks that are held stay, however many, and push no other ones out", () => {
  using dir = new TempDir();
  const { locks, open, openings } = locksIn(dir.path);
  using _closing = locks;
  const owned = NAMES.map((name) => locks.tryOwn(name));
  assert(owned.every((lock) => lock !== undefined));
  for (let round = 0; round < 3; round++) {
    for (const name of ["P0", "P1"]) {
      locks.tryLockLive(name)?.[Symbol.dispose]();
    }
  }
  assertEquals([open.size, openings()], [42, 42]);
  for (const name of NAMES) assertEquals(locks.tryOwn(name), undefined);
  for (const lock of owned) lock?.[Symbol.dispose]();
  locks.tryLockLive("P2")?.[Symbol.dispose]();
  assertEquals(open.size, 32);
});
