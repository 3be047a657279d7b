import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  LogCorruptionError,
  StoreFormatError,
  StoreReadOnlyError,
} from "../../src/log/errors.ts";
import {
  copyFolder,
  edit,
  event,
  flipBit,
  MemoryLogger,
  positions,
  range,
  TestFolder,
  unsynced,
} from "./support.ts";

/** A folder with three appends in one segment, as a crash right after them leaves it. */
async function crashed(): Promise<TestFolder> {
  const folder = new TestFolder();
  await using origin = new TestFolder();
  await origin.with(async (store) => {
    await store.append([event("A", ["t:1"]), event("B")]);
    await store.append([event("C")]);
    await store.append([event("D", ["t:1"]), event("E")]);
    copyFolder(origin.path, folder.path);
  });
  return folder;
}

/** Where the frames of a segment begin, and its size. */
function frameOffsets(bytes: Uint8Array): number[] {
  const text = new TextDecoder("latin1").decode(bytes);
  const offsets = [...text.matchAll(/^\{"frame":/gm)].map(({ index }) => index);
  return [...offsets, bytes.length];
}

Deno.test("openFileEventStore() cuts off a last frame that ends at any byte, keeps it aside and goes on", async () => {
  await using template = await crashed();
  const whole = Deno.readFileSync(template.segment(0));
  const start = frameOffsets(whole).at(-2) ?? 0;
  for (let size = start; size < whole.length; size++) {
    await using folder = new TestFolder();
    copyFolder(template.path, folder.path);
    const segment = folder.segment(0);
    Deno.truncateSync(segment, size);
    const logger = new MemoryLogger();
    await folder.with(async (store) => {
      assertEquals(await positions(store), [1, 2, 3]);
      assertEquals(await positions(store, { items: [{ tags: ["t:1"] }] }), [1]);
      const { first } = await store.append([event("G", ["t:1"])]);
      assertEquals(first, 4);
      assertEquals(
        await positions(store, { items: [{ tags: ["t:1"] }] }),
        [1, 4],
      );
      assertEquals((await store.verify()).problems, []);
    }, { logger, fileSystem: unsynced });
    const [kept] = folder.names("quarantine");
    if (size === start) {
      assertEquals(kept, undefined);
      continue;
    }
    assert(kept?.startsWith(`00000000000000000001-${start}-`), kept);
    assertEquals(
      Deno.readFileSync(`${folder.path}/quarantine/${kept}`),
      whole.slice(start, size),
    );
    assertEquals(logger.messages("warn").length, 1);
    assertEquals(logger.records[0]?.attributes.bytes, size - start);
  }
});

Deno.test("openFileEventStore() changes nothing when it recovers a second time", async () => {
  await using folder = await crashed();
  const segment = folder.segment(0);
  Deno.truncateSync(segment, Deno.statSync(segment).size - 5);
  await folder.with(() => {});
  const bytes = Deno.readFileSync(segment);
  await folder.with(async (store) => assertEquals(await store.head(), 3));
  assertEquals(Deno.readFileSync(segment), bytes);
  assertEquals(folder.names("quarantine").length, 1);
});

Deno.test("openFileEventStore() cuts off a group of frames of which a middle part is missing", async () => {
  await using folder = new TestFolder();
  await using origin = new TestFolder();
  await origin.with(async (store) => {
    await store.append([event("A")]);
    // One group: written at once, synced once, so that none of them vouches for another.
    await Promise.all(
      range(1, 4).map((n) => store.append([event("B", [], n)])),
    );
    copyFolder(origin.path, folder.path);
  });
  edit(folder.segment(0), (bytes) => {
    const [, second = 0] = frameOffsets(bytes);
    return bytes.fill(0, second + 10, second + 40);
  });
  await folder.with(async (store) => {
    assertEquals(await store.head(), 1);
    assertEquals((await store.append([event("C")])).first, 2);
  });
});

Deno.test("openFileEventStore() refuses to append after damage to acknowledged events, at any byte", async () => {
  await using template = await crashed();
  const whole = Deno.readFileSync(template.segment(0));
  const [first = 0, second = 0, third = 0] = frameOffsets(whole);
  // The last frame says that the others were durable when it was written.
  for (let at = first; at < third; at += 3) {
    await using folder = new TestFolder();
    copyFolder(template.path, folder.path);
    const segment = folder.segment(0);
    edit(segment, (bytes) => flipBit(bytes, at * 8 + 4));
    const damaged = Deno.readFileSync(segment);
    if (at < second) {
      const error = await assertRejects(
        () => folder.open(),
        LogCorruptionError,
      );
      assertEquals(error.offset, first);
      assertEquals(error.position, 1);
    } else {
      await folder.with(async (store) => {
        assertEquals(await positions(store), [1, 2], `byte ${at}`);
        const error = await assertRejects(
          () => store.append([event("G")]),
          StoreReadOnlyError,
        );
        assert(error.cause instanceof LogCorruptionError);
        assertEquals(error.cause.file, "events/00000000000000000001.ndjson");
        assertEquals(error.cause.offset, second);
        assertEquals(error.cause.position, 3);
        const { problems } = await store.verify();
        assertEquals(problems.map(({ first, last }) => [first, last]), [[
          3,
          3,
        ]]);
      });
    }
    assertEquals(Deno.readFileSync(segment), damaged);
    assertEquals(folder.names("quarantine"), []);
  }
});

Deno.test("openFileEventStore() refuses damage to the last frame once the index vouches for it", async () => {
  await using folder = new TestFolder();
  await folder.with(async (store) => {
    await store.append([event("A")]);
    await store.append([event("B")]);
  });
  edit(folder.segment(0), (bytes) => bytes.subarray(0, bytes.length - 4));
  const before = Deno.readFileSync(folder.segment(0));
  // Opening it must not destroy the evidence.
  for (const _time of range(1, 2)) {
    await folder.with(async (store) => {
      assertEquals(await store.head(), 1);
      const error = await assertRejects(
        () => store.append([event("C")]),
        StoreReadOnlyError,
      );
      assertStringIncludes(error.message, "position 2 was acknowledged");
      const byType = { items: [{ types: ["A", "B"] }] };
      assertEquals((await store.readLast(byType))?.position, 1);
    });
  }
  assertEquals(Deno.readFileSync(folder.segment(0)), before);
});

Deno.test("openFileEventStore() removes a segment that a crash left without a whole first line", async () => {
  await using template = new TestFolder();
  await template.with((store) => store.append([event("A")]));
  await using next = new TestFolder();
  await next.with(async (store) => {
    await store.append([event("A".repeat(100))]);
    await store.append([event("B")]);
  }, { segmentBytesMax: 64 });
  const header = Deno.readFileSync(next.segment(1)).subarray(0, 100);
  for (const size of [0, 1, 50, 100]) {
    await using folder = new TestFolder();
    copyFolder(template.path, folder.path);
    Deno.writeFileSync(
      `${folder.path}/events/00000000000000000002.ndjson`,
      header.subarray(0, size),
    );
    await folder.with(async (store) => {
      assertEquals(await store.head(), 1);
      assertEquals(folder.segments().length, 1);
      assertEquals((await store.append([event("B")])).first, 2);
    });
    assertEquals(folder.names("quarantine").length, size === 0 ? 0 : 1);
  }
});

Deno.test("openFileEventStore() begins anew when the very first segment was never finished", async () => {
  await using folder = new TestFolder();
  await folder.with(() => {});
  Deno.writeTextFileSync(
    `${folder.path}/events/00000000000000000001.ndjson`,
    '{"segm',
  );
  await folder.with(async (store) => {
    assertEquals(await store.head(), 0);
    assertEquals((await store.append([event("A")])).first, 1);
  });
});

Deno.test("openFileEventStore() goes on in a segment that has a first line and no events", async () => {
  await using folder = new TestFolder();
  const small = { segmentBytesMax: 64 };
  await folder.with(async (store) => {
    await store.append([event("A")]);
    await store.append([event("B")]);
  }, small);
  // The header was synced, then the process was killed.
  edit(folder.segment(1), (bytes) => bytes.subarray(0, bytes.indexOf(10) + 1));
  folder.removeIndex();
  await folder.with(async (store) => {
    assertEquals(await store.head(), 1);
    assertEquals((await store.append([event("C")])).first, 2);
    assertEquals(await positions(store), [1, 2]);
  }, small);
  assertEquals(folder.segments().length, 2);
});

/** A folder with six events in six segments. */
async function segmented(): Promise<TestFolder> {
  const folder = new TestFolder();
  await folder.with(async (store) => {
    for (const n of range(1, 6)) await store.append([event("A", ["t:1"], n)]);
  }, { segmentBytesMax: 64 });
  return folder;
}

Deno.test("openFileEventStore() takes no appends when a segment is missing or shortened, names it, and serves what stands before", async () => {
  for (const index of [2, 4]) {
    await using folder = await segmented();
    const [name, next] = folder.segments().slice(index);
    const path = folder.segment(index);
    edit(path, (bytes) => bytes.subarray(0, bytes.length - 1));
    await folder.with(async (store) => {
      assert(store.readOnlyCause instanceof LogCorruptionError);
      assertEquals(store.readOnlyCause.file, `events/${name}`);
      assertEquals(store.readOnlyCause.position, index + 1);
      assertEquals(await positions(store), range(1, index));
      await assertRejects(() => store.append([event("B")]), StoreReadOnlyError);
    });
    Deno.removeSync(path);
    await folder.with(async (store) => {
      assert(store.readOnlyCause instanceof LogCorruptionError);
      assertEquals(store.readOnlyCause.file, `events/${next}`);
      assertEquals(store.readOnlyCause.position, index + 1);
      assertStringIncludes(store.readOnlyCause.message, name ?? "");
      const query = { items: [{ tags: ["t:1"] }] };
      assertEquals(await positions(store, query), range(1, index));
      await assertRejects(() => store.append([event("B")]), StoreReadOnlyError);
    });
    assertEquals(folder.segments().length, 5);
    assertEquals(folder.names("quarantine"), []);
  }
});

Deno.test("openFileEventStore() refuses a log whose first segment is missing or damaged", async () => {
  await using folder = await segmented();
  const [name, next] = folder.segments();
  edit(folder.segment(0), (bytes) => bytes.subarray(0, bytes.length - 1));
  const shortened = await assertRejects(
    () => folder.open(),
    LogCorruptionError,
  );
  assertEquals([shortened.file, shortened.position], [`events/${name}`, 1]);
  Deno.removeSync(folder.segment(0));
  const missing = await assertRejects(() => folder.open(), LogCorruptionError);
  assertEquals([missing.file, missing.position], [`events/${next}`, 1]);
  assertStringIncludes(missing.message, name ?? "");
});

Deno.test("openFileEventStore() refuses a log whose last segment is missing but indexed", async () => {
  await using folder = await segmented();
  Deno.removeSync(folder.segment(-1));
  const logger = new MemoryLogger();
  await folder.with(async (store) => {
    assertEquals(await store.head(), 5);
    assert(store.readOnlyCause instanceof LogCorruptionError);
    await assertRejects(() => store.append([event("B")]), StoreReadOnlyError);
  }, { logger });
  assertEquals(logger.messages("error").length, 1);
  folder.removeIndex();
  await folder.with(async (store) => {
    assertEquals((await store.append([event("B")])).first, 6);
  });
});

Deno.test("openFileEventStore() opens a log with damage in a sealed segment, which reads then name", async () => {
  await using folder = await segmented();
  edit(folder.segment(2), (bytes) => flipBit(bytes, bytes.length * 8 - 80));
  await folder.with(async (store) => {
    const seen: number[] = [];
    const error = await assertRejects(async () => {
      for await (const { position } of store.read("all")) seen.push(position);
    }, LogCorruptionError);
    assertEquals(seen, [1, 2]);
    assertEquals(error.position, 3);
    assertEquals(error.file, `events/${folder.segments()[2]}`);
    assertEquals(await positions(store, "all", { after: 3 }), [4, 5, 6]);
    const { ok, problems, events } = await store.verify();
    assert(!ok);
    assertEquals(events, 5);
    assertEquals(problems.map(({ first, last }) => [first, last]), [[3, 3]]);
  });
});

Deno.test("verify() finds every flipped bit", async () => {
  await using folder = await crashed();
  await folder.with(() => {});
  const whole = Deno.readFileSync(folder.segment(0));
  await folder.with(async (store) => {
    const report = await store.verify();
    assert(report.ok);
    assertEquals([report.frames, report.events, report.segments], [3, 5, 1]);
    for (let bit = 0; bit < whole.length * 8; bit += 7) {
      Deno.writeFileSync(folder.segment(0), flipBit(whole, bit));
      const { ok, problems } = await store.verify();
      assert(!ok, `bit ${bit}`);
      assert(problems.every(({ first, last }) => first <= last));
    }
    Deno.writeFileSync(folder.segment(0), whole);
  });
});

Deno.test("openFileEventStore() refuses events without store.json, and leaves them alone", async () => {
  await using folder = await segmented();
  Deno.removeSync(`${folder.path}/store.json`);
  const error = await assertRejects(() => folder.open(), StoreFormatError);
  assertStringIncludes(error.message, "store.json");
  assertEquals(folder.segments().length, 6);
  assert(!folder.names("").includes("store.json"));
});

Deno.test("openFileEventStore() refuses a store.json that is damaged or of a newer version", async () => {
  await using folder = new TestFolder();
  const { storeId } = await folder.with((store) => store);
  const newer = { formatVersion: 2, storeId, createdAt: "2026" };
  for (
    const text of ["", "{", "null", "[]", "{}", JSON.stringify(newer), '"\xff"']
  ) {
    Deno.writeTextFileSync(`${folder.path}/store.json`, text);
    await assertRejects(() => folder.open(), StoreFormatError);
    assertEquals(Deno.readTextFileSync(`${folder.path}/store.json`), text);
  }
});

Deno.test("openFileEventStore() refuses segments of another store", async () => {
  await using folder = await segmented();
  await using other = await segmented();
  Deno.copyFileSync(`${other.path}/store.json`, `${folder.path}/store.json`);
  await assertRejects(() => folder.open(), StoreFormatError, "another store");
});

Deno.test("openFileEventStore() gives a store the same id and events every time", async () => {
  await using folder = await segmented();
  const open = () =>
    folder.with(async (store) =>
      [store.storeId, await positions(store)] as const
    );
  const [id, log] = await open();
  assertEquals(log, range(1, 6));
  assertEquals(await open(), [id, log]);
});
