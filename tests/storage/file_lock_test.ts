import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { FileLock, LockTimeoutError } from "../../src/storage/file_lock.ts";
import {
  FakeClock,
  type Fault,
  FaultyFileSystem,
} from "../../src/testing/mod.ts";
import { LOCK_DISTURBANCES } from "../support/lock_disturbances.ts";
import { takeOneAtATime } from "../support/take_one_at_a_time.ts";
import { TempDir } from "../support/temp_dir.ts";

function openLock(path: string, clock = new FakeClock()): FileLock {
  return new FileLock(denoFileSystem, path, clock);
}

Deno.test("FileLock.tryAcquire() keeps every other lock on the file out until it is disposed", () => {
  using dir = new TempDir();
  using a = openLock(dir.file("lock"));
  using b = openLock(dir.file("lock"));
  const held = a.tryAcquire();
  assert(held);
  assertEquals(b.tryAcquire(), undefined);
  held[Symbol.dispose]();
  using heldByB = b.tryAcquire();
  assert(heldByB);
  assertEquals(a.tryAcquire(), undefined);
});

Deno.test("FileLock.tryAcquire() keeps others out who use the same object", () => {
  using dir = new TempDir();
  using lock = openLock(dir.file("lock"));
  const held = lock.tryAcquire();
  assertEquals(lock.tryAcquire(), undefined);
  held?.[Symbol.dispose]();
  using heldAgain = lock.tryAcquire();
  assert(heldAgain);
});

Deno.test("FileLock.acquire() serves those who use the same object one at a time", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  using lock = openLock(dir.file("lock"), clock);
  const taking = takeOneAtATime(lock);
  await clock.advance(1_000);
  await taking;
});

Deno.test("FileLock can be disposed before what it gave", () => {
  using dir = new TempDir();
  const lock = openLock(dir.file("lock"));
  const held = lock.tryAcquire();
  lock[Symbol.dispose]();
  using _again = lock.tryAcquire();
  held?.[Symbol.dispose]();
  using other = openLock(dir.file("lock"));
  assertEquals(other.tryAcquire(), undefined);
  lock[Symbol.dispose]();
});

Deno.test("FileLock.tryAcquire() holds nothing when it fails", () => {
  using dir = new TempDir();
  const fileSystem = new FaultyFileSystem();
  using lock = new FileLock(fileSystem, dir.file("lock"), new FakeClock());
  const faults: Fault[] = [
    { kind: "open" },
    { kind: "stat" },
    { kind: "lock" },
    { kind: "stat" },
  ];
  for (const fault of faults) {
    fileSystem.inject({ ...fault, code: "EIO" });
    assertThrows(() => lock.tryAcquire(), Error, "EIO");
    using other = openLock(dir.file("lock"));
    using held = other.tryAcquire();
    assert(held, fault.kind);
  }
});

Deno.test("FileLock lets go only once, however often what it gave is disposed", () => {
  using dir = new TempDir();
  using a = openLock(dir.file("lock"));
  using b = openLock(dir.file("lock"));
  const first = a.tryAcquire();
  first?.[Symbol.dispose]();
  using _second = a.tryAcquire();
  first?.[Symbol.dispose]();
  assertEquals(b.tryAcquire(), undefined);
});

Deno.test("FileLock lets go when it is disposed", () => {
  using dir = new TempDir();
  const a = openLock(dir.file("lock"));
  using b = openLock(dir.file("lock"));
  a.tryAcquire();
  a[Symbol.dispose]();
  using held = b.tryAcquire();
  assert(held);
});

Deno.test("FileLock.tryAcquire() notices that the file was deleted and created again", () => {
  using dir = new TempDir();
  const path = dir.file("lock");
  using a = openLock(path);
  a.tryAcquire()?.[Symbol.dispose]();
  Deno.removeSync(path);
  using b = openLock(path);
  using heldByB = b.tryAcquire();
  assert(heldByB);
  assertEquals(a.tryAcquire(), undefined);
});

Deno.test("FileLock.tryAcquire() creates the file again when it was deleted", () => {
  using dir = new TempDir();
  const path = dir.file("lock");
  using a = openLock(path);
  a.tryAcquire()?.[Symbol.dispose]();
  Deno.removeSync(path);
  using held = a.tryAcquire();
  assert(held);
  assertEquals(dir.list(), ["lock"]);
});

Deno.test("FileLock.acquire() waits until the lock is free", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  using a = openLock(dir.file("lock"));
  using b = openLock(dir.file("lock"), clock);
  const held = a.tryAcquire();
  const acquiring = b.acquire();
  await clock.whenSleeping();
  await clock.advance(1_000);
  assertEquals(clock.sleeping, 1);
  held?.[Symbol.dispose]();
  await clock.advance(50);
  using acquired = await acquiring;
  assert(acquired);
  assertEquals(a.tryAcquire(), undefined);
});

Deno.test("FileLock.acquire() gives up in time, naming file and time", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  using a = openLock(dir.file("lock"));
  using b = openLock(dir.file("lock"), clock);
  using _held = a.tryAcquire();
  const rejection = assertRejects(
    () => b.acquire({ timeoutMs: 200 }),
    LockTimeoutError,
    `Cannot take the lock "${dir.file("lock")}"`,
  );
  await clock.advance(1_000);
  const error = await rejection;
  assertEquals(error.path, dir.file("lock"));
  assert(error.waitedMs >= 200 && error.waitedMs <= 300, `${error.waitedMs}`);
});

Deno.test("FileLock.acquire() gives up with the reason of its signal", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  using a = openLock(dir.file("lock"));
  using b = openLock(dir.file("lock"), clock);
  using _held = a.tryAcquire();
  const controller = new AbortController();
  const reason = new Error("No longer wanted");
  const rejection = assertRejects(
    () => b.acquire({ signal: controller.signal }),
    Error,
  );
  await clock.whenSleeping();
  controller.abort(reason);
  assertStrictEquals(await rejection, reason);
  assertEquals(clock.sleeping, 0);
});

Deno.test("FileLock keeps other processes out", async () => {
  using dir = new TempDir();
  const path = dir.file("lock");
  using lock = openLock(path);
  const held = lock.tryAcquire();
  const tryInChild = async () => {
    const code = `
      using file = Deno.openSync(${JSON.stringify(path)}, { append: true });
      console.log(file.tryLockSync(true));
    `;
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-config", code],
      env: { NO_COLOR: "1" },
    }).output();
    return new TextDecoder().decode(stdout).trim();
  };
  assertEquals(await tryInChild(), "false");
  held?.[Symbol.dispose]();
  assertEquals(await tryInChild(), "true");
});

Deno.test("FileLock.tryAcquire() notices at once that its file is no longer what the path names", () => {
  for (const disturb of LOCK_DISTURBANCES) {
    using dir = new TempDir();
    const path = dir.file("lock");
    using a = openLock(path);
    a.tryAcquire()?.[Symbol.dispose]();
    disturb(path);
    using b = openLock(path);
    const held = b.tryAcquire();
    assert(held);
    assertEquals(a.tryAcquire(), undefined);
    held[Symbol.dispose]();
    using heldByA = a.tryAcquire();
    assert(heldByA);
    assertEquals(b.tryAcquire(), undefined);
  }
});

Deno.test("FileLock.tryAcquire() follows a file that is moved away and put back", () => {
  using dir = new TempDir();
  const path = dir.file("lock");
  using a = openLock(path);
  using b = openLock(path);
  for (const lock of [a, b]) lock.tryAcquire()?.[Symbol.dispose]();
  Deno.renameSync(path, dir.file("old"));
  b.tryAcquire()?.[Symbol.dispose]();
  Deno.renameSync(dir.file("old"), path);
  using _held = a.tryAcquire();
  assertEquals(b.tryAcquire(), undefined);
});

Deno.test("FileLock.tryAcquire() says what is wrong with a lock file that is a symbolic link", () => {
  using folder = new TempDir();
  Deno.writeTextFileSync(`${folder.path}/elsewhere`, "");
  Deno.symlinkSync(`${folder.path}/elsewhere`, `${folder.path}/lock`);
  using lock = openLock(`${folder.path}/lock`);
  assertThrows(
    () => lock.tryAcquire(),
    Error,
    "Symbolic links are not followed",
  );
});
