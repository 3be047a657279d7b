import { assert, assertEquals, assertRejects } from "@std/assert";
import { openOpossum, silentLogger } from "../../mod.ts";
import { openFileEventStore } from "../../src/log/file_event_store.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import {
  assertLocal,
  NetworkFileSystemError,
} from "../../src/storage/network_file_system.ts";
import { MemoryLogger } from "../log/support.ts";
import { TempDir } from "../support/temp_dir.ts";

const NFS = 0x6969;
const FUSE = 0x65735546;
const EXT4 = 0xef53;

function onType(type: number | undefined) {
  return { ...denoFileSystem, type: () => type };
}

Deno.test("a store is not opened on a network file system, and leaves nothing there", async () => {
  using dir = new TempDir();
  const path = dir.file("data");
  const error = await assertRejects(
    () =>
      openFileEventStore({
        path,
        fileSystem: onType(NFS),
        logger: silentLogger,
      }),
    NetworkFileSystemError,
    "'allowNetworkFileSystem'",
  );
  assertEquals([error.path, error.fileSystem], [path, "NFS"]);
  assertEquals(dir.list(), []);
});

Deno.test("a store is opened on a network file system when told so, with a warning", async () => {
  using dir = new TempDir();
  const logger = new MemoryLogger();
  await using store = await openFileEventStore({
    path: dir.file("data"),
    fileSystem: onType(NFS),
    allowNetworkFileSystem: true,
    logger,
  });
  assertEquals(await store.head(), 0);
  assertEquals(logger.messages("warn").length, 1);
});

Deno.test("a store is not opened on a network file system for reading only either", async () => {
  using dir = new TempDir();
  const path = dir.file("data");
  const shared = { path, fileSystem: onType(NFS), logger: silentLogger };
  {
    await using _store = await openFileEventStore({
      ...shared,
      allowNetworkFileSystem: true,
    });
  }
  const readOnly = { ...shared, readOnly: true };
  await assertRejects(
    () => openFileEventStore(readOnly),
    NetworkFileSystemError,
  );
  const allowed = { ...readOnly, allowNetworkFileSystem: true };
  await using store = await openFileEventStore(allowed);
  assertEquals(await store.head(), 0);
});

Deno.test("assertLocal() names what may be on a network, and nothing on a local disk", () => {
  const table = [
    [FUSE, "FUSE"],
    [EXT4, undefined],
    [undefined, undefined],
  ] as const;
  for (const [type, name] of table) {
    const fileSystem = onType(type);
    const options = { fileSystem, allowNetworkFileSystem: false };
    assertEquals(assertLocal("data", options), name);
  }
});

Deno.test("denoFileSystem.type() tells the type also of a folder that is not there yet", () => {
  using dir = new TempDir();
  const type = denoFileSystem.type?.(dir.path);
  assertEquals(typeof type, Deno.build.os === "linux" ? "number" : "undefined");
  assertEquals(denoFileSystem.type?.(dir.file("a/b/c")), type);
});

Deno.test("openOpossum() takes 'allowNetworkFileSystem'", async () => {
  using dir = new TempDir();
  const { type } = denoFileSystem;
  Object.assign(denoFileSystem, { type: () => NFS });
  try {
    const options = {
      path: dir.file("data"),
      startDaemon: false,
      logger: silentLogger,
    };
    await assertRejects(() => openOpossum(options), NetworkFileSystemError);
    await using opossum = await openOpossum({
      ...options,
      allowNetworkFileSystem: true,
    });
    assert(opossum.options.allowNetworkFileSystem);
  } finally {
    Object.assign(denoFileSystem, { type });
  }
});
