import { assert, assertEquals, assertRejects } from "@std/assert";
import { StoreOpenError, StoreReadOnlyError } from "../../mod.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import type { FileSystem } from "../../src/storage/file_system.ts";
import { FaultyFileSystem } from "../../src/testing/mod.ts";
import { edit, event, positions, range, TestFolder } from "../log/support.ts";

/** What a disk holds after a power cut: what was written since the page was last counted clean. */
class MarkingDisk {
  /** Segments whose pages the system counts as clean although they are not on the disk. */
  readonly lost = new Set<string>();
  readonly fileSystem: FileSystem;

  constructor() {
    const { lost } = this;
    this.fileSystem = {
      ...denoFileSystem,
      open(path, options) {
        const file = denoFileSystem.open(path, options);
        // A sync has nothing to do where nothing was written since.
        file.sync = () => Promise.resolve();
        return file;
      },
      rewrite(path, offset, bytes) {
        denoFileSystem.rewrite?.(path, offset, bytes);
        lost.delete(path);
      },
      syncDirectory: () => Promise.resolve(),
    };
  }
}

Deno.test("opening writes what no later frame proves durable once more, and nothing else", async () => {
  await using folder = new TestFolder();
  const fileSystem = new FaultyFileSystem();
  for (const count of [0, 1, 2, 5]) {
    await folder.with(async (store) => {
      for (const n of range(1, count)) await store.append([event("A", [], n)]);
    }, { fileSystem });
    fileSystem.forget();
    const before = Deno.readFileSync(folder.path + "/store.json");
    const segment = folder.segments().length > 0
      ? folder.segment(0)
      : undefined;
    const bytes = segment && Deno.readFileSync(segment);
    await folder.with(() => {}, { fileSystem });
    const kinds = fileSystem.operations.map(({ kind }) => kind);
    assertEquals(kinds.includes("rewrite"), count > 0 || segment !== undefined);
    if (segment) {
      // Before the sync that makes it durable.
      assert(kinds.indexOf("rewrite") < kinds.indexOf("sync"));
      assertEquals(Deno.readFileSync(segment), bytes);
    }
    assertEquals(Deno.readFileSync(folder.path + "/store.json"), before);
  }
});

Deno.test("events whose pages a failed sync left clean and unwritten are on disk once they are served", async () => {
  await using folder = new TestFolder();
  const disk = new MarkingDisk();
  await folder.with(async (store) => {
    await store.append([event("A")]);
    await store.append([event("B")]);
  });
  // Its sync failed, and the process died before it could cut it off.
  disk.lost.add(folder.segment(0));
  await folder.with(async (store) => {
    assertEquals(await positions(store), [1, 2]);
    assertEquals([...disk.lost], []);
  }, { fileSystem: disk.fileSystem });
});

Deno.test("rewrite() writes in the middle of a file, at its end, and nowhere else", async () => {
  await using folder = new TestFolder();
  const path = `${folder.path}/file`;
  const bytes = Uint8Array.from({ length: 2_500_000 }, (_, i) => i % 251);
  Deno.writeFileSync(path, new Uint8Array(bytes.length));
  for (const [from, to] of [[4_095, 1_048_577], [1_048_577, 2_500_000]]) {
    denoFileSystem.rewrite?.(path, from ?? 0, bytes.subarray(from, to));
  }
  const expected = bytes.slice();
  expected.fill(0, 0, 4_095);
  assertEquals(Deno.readFileSync(path), expected);
});

Deno.test("what is written once more is what was checked, although the system dropped its pages meanwhile", async () => {
  await using folder = new TestFolder();
  await folder.with(async (store) => {
    await store.append([event("A")]);
    await store.append([event("B"), event("C")]);
  });
  const segment = folder.segment(0);
  const whole = Deno.readFileSync(segment);
  await folder.with(async (store) => {
    assertEquals(await positions(store), [1, 2, 3]);
    assert((await store.verify()).ok);
  }, {
    fileSystem: {
      ...denoFileSystem,
      rewrite(path, offset, bytes) {
        // What is read from the disk now is what stood there before that write.
        edit(path, (there) => there.fill(0, offset));
        denoFileSystem.rewrite?.(path, offset, bytes);
      },
    },
  });
  assertEquals(Deno.readFileSync(segment), whole);
});

Deno.test("the first line of a segment without events, whose sync may have failed, is written once more as well", async () => {
  await using folder = new TestFolder();
  const fileSystem = new FaultyFileSystem();
  const path = "/events/";
  await folder.with(async (store) => {
    await store.append([event("A")]);
    fileSystem.inject({ kind: "sync", path, code: "EIO" });
    // As if the program was killed before it could take the segment back.
    fileSystem.inject({ kind: "remove", path, code: "EIO" });
    await assertRejects(() => store.append([event("B")]), StoreReadOnlyError);
  }, { fileSystem, segmentBytesMax: 64 });
  assertEquals(folder.segments().length, 2);
  const disk = new MarkingDisk();
  disk.lost.add(folder.segment(1));
  await folder.with(async (store) => {
    assertEquals([...disk.lost], []);
    assertEquals((await store.append([event("C")])).first, 2);
    assert((await store.verify()).ok);
  }, { fileSystem: disk.fileSystem });
});

Deno.test("a store whose sync fails while it is opened does not open, and never says that its events are stored", async () => {
  for (const kind of ["sync", "syncDirectory", "rewrite"] as const) {
    await using folder = new TestFolder();
    const fileSystem = new FaultyFileSystem();
    await folder.with((store) => store.append([event("A")]));
    fileSystem.inject({ kind, path: "/events", code: "EIO" });
    const error = await assertRejects(
      () => folder.open({ fileSystem }),
      StoreOpenError,
    );
    assertEquals(error.code, "EIO");
    // Not retried on the file that it failed for, but written again and synced when opened anew.
    fileSystem.forget();
    await folder.with(async (store) => {
      assertEquals(await positions(store), [1]);
    }, { fileSystem });
    const kinds = fileSystem.operations.map(({ kind }) => kind);
    assert(kinds.includes("rewrite"));
  }
});
