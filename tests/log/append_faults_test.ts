import { assert, assertEquals, assertRejects } from "@std/assert";
import { AppendConditionError } from "../../mod.ts";
import {
  AppendFailedError,
  AppendOutcomeUnknownError,
  StoreOpenError,
  StoreReadOnlyError,
} from "../../src/log/errors.ts";
import { type Fault, FaultyFileSystem } from "../../src/testing/mod.ts";
import { event, positions, range, TestFolder } from "./support.ts";

const TAGGED = { items: [{ tags: ["t:1"] }] };

Deno.test("append() that cannot be written stores nothing, says so, and the next one works", async () => {
  const faults: Fault[] = [
    { kind: "append", code: "ENOSPC" },
    { kind: "append", code: "ENOSPC", bytesTaken: 100 },
    { kind: "append", code: "EIO", bytesTaken: 1 },
    { kind: "append", code: "EDQUOT" },
    { kind: "append", code: "EDQUOT", bytesTaken: 100 },
  ];
  for (const fault of faults) {
    await using folder = new TestFolder();
    const fileSystem = new FaultyFileSystem();
    await folder.with(async (store) => {
      await store.append([event("A", ["t:1"])]);
      const before = Deno.readFileSync(folder.segment(0));
      fileSystem.inject({ ...fault, path: "/events/" });
      const outcomes = await Promise.allSettled(
        range(1, 3).map(() => store.append([event("B", ["t:1"])])),
      );
      for (const outcome of outcomes) {
        assert(outcome.status === "rejected");
        assert(outcome.reason instanceof AppendFailedError);
        assertEquals(outcome.reason.code, fault.code);
      }
      assertEquals(Deno.readFileSync(folder.segment(0)), before);
      assertEquals(await store.head(), 1);
      // What was not stored is held against nobody.
      const condition = { failIfEventsMatch: TAGGED, after: 1 };
      const { first } = await store.append([event("C", ["t:1"])], {
        condition,
      });
      assertEquals(first, 2);
      assertEquals(await positions(store, TAGGED), [1, 2]);
      assert((await store.verify()).ok);
    }, { fileSystem });
  }
});

Deno.test("append() is not refused for an event that stands in the same group and could not be stored", async () => {
  for (
    const [kind, expected] of [
      ["append", AppendFailedError],
      ["sync", AppendOutcomeUnknownError],
    ] as const
  ) {
    await using folder = new TestFolder();
    const fileSystem = new FaultyFileSystem();
    await folder.with(async (store) => {
      await store.append([event("A")]);
      fileSystem.inject({ kind, path: "/events/", code: "EIO" });
      const condition = { failIfEventsMatch: TAGGED };
      const outcomes = await Promise.allSettled(
        range(1, 2).map(() =>
          store.append([event("B", ["t:1"])], { condition })
        ),
      );
      for (const outcome of outcomes) {
        assert(outcome.status === "rejected");
        assert(outcome.reason instanceof expected, `${outcome.reason}`);
      }
    }, { fileSystem });
  }
});

Deno.test("append() goes on after a short write", async () => {
  await using folder = new TestFolder();
  const fileSystem = new FaultyFileSystem();
  await folder.with(async (store) => {
    await store.append([event("A")]);
    fileSystem.inject({ kind: "append", path: "/events/", bytesTaken: 7 });
    await store.append([event("B")]);
    assertEquals(await positions(store), [1, 2]);
    assert((await store.verify()).ok);
  }, { fileSystem });
});

Deno.test("append() that cannot look for other writers during its sync looks again after it", async () => {
  await using folder = new TestFolder();
  const fileSystem = new FaultyFileSystem();
  await folder.with(async (store) => {
    await store.append([event("A")]);
    fileSystem.forget();
    await store.append([event("B")]);
    const operations = fileSystem.operations.filter(({ kind, path }) =>
      kind === "sync" || (kind === "stat" && path.endsWith(".ndjson"))
    );
    const during = operations.findIndex(({ kind }) => kind === "sync") + 1;
    fileSystem.inject({
      kind: "stat",
      path: ".ndjson",
      nth: during,
      code: "EBUSY",
    });
    await store.append([event("C")]);
    assert(fileSystem.operations.some(({ code }) => code === "EBUSY"));
    assertEquals(store.readOnlyCause, undefined);
    assertEquals(await positions(store), [1, 2, 3]);
  }, { fileSystem });
});

Deno.test("append() whose sync fails leaves its outcome open and ends writing until the store is opened again", async () => {
  await using folder = new TestFolder();
  const fileSystem = new FaultyFileSystem();
  await folder.with(async (store) => {
    await store.append([event("A", ["t:1"])]);
    fileSystem.inject({ kind: "sync", path: "/events/", code: "EIO" });
    const outcomes = await Promise.allSettled(
      range(1, 3).map(() => store.append([event("B", ["t:1"])])),
    );
    for (const outcome of outcomes) {
      assert(outcome.status === "rejected");
      assert(outcome.reason instanceof AppendOutcomeUnknownError);
    }
    await assertRejects(() => store.append([event("C")]), StoreReadOnlyError);
    assert(store.readOnlyCause instanceof AppendOutcomeUnknownError);
    assertEquals(await store.head(), 1);
    assertEquals(await positions(store, TAGGED), [1]);
  }, { fileSystem });
  await folder.with(async (store) => {
    assertEquals((await store.append([event("D", ["t:1"])])).first, 2);
    assertEquals(await positions(store, TAGGED), [1, 2]);
    assert((await store.verify()).ok);
  });
});

Deno.test("append() whose sync finds no room or no quota left is one whose sync failed: room that comes back proves nothing", async () => {
  for (const code of ["ENOSPC", "EDQUOT"]) {
    await using folder = new TestFolder();
    const fileSystem = new FaultyFileSystem();
    await folder.with(async (store) => {
      await store.append([event("A")]);
      fileSystem.inject({ kind: "sync", path: "/events/", code });
      const error = await assertRejects(
        () => store.append([event("B")]),
        AppendOutcomeUnknownError,
      );
      assertEquals(error.code, code);
      const syncs = () =>
        fileSystem.operations.filter(({ kind, path }) =>
          kind === "sync" && path.includes("/events/")
        ).length;
      const before = syncs();
      await assertRejects(() => store.append([event("C")]), StoreReadOnlyError);
      assertEquals(syncs(), before);
      assertEquals(store.readOnlyCause, error);
      assertEquals(await positions(store), [1]);
    }, { fileSystem });
    await folder.with(async (store) => {
      assertEquals((await store.append([event("D")])).first, 2);
    });
  }
});

Deno.test("openFileEventStore() tells of a full quota as of a full disk", async () => {
  for (const code of ["ENOSPC", "EDQUOT"]) {
    await using folder = new TestFolder();
    const fileSystem = new FaultyFileSystem();
    fileSystem.inject({ kind: "append", path: "store.json", code });
    const error = await assertRejects(
      () => folder.open({ fileSystem }),
      StoreOpenError,
    );
    assertEquals(error.code, code);
    await folder.with((store) => store.append([event("A")]), { fileSystem });
  }
});

Deno.test("append() that can neither be written nor undone ends writing", async () => {
  await using folder = new TestFolder();
  const fileSystem = new FaultyFileSystem();
  await folder.with(async (store) => {
    await store.append([event("A")]);
    const path = "/events/";
    fileSystem.inject({ kind: "append", path, code: "EIO", bytesTaken: 9 });
    fileSystem.inject({ kind: "truncate", path, code: "EIO" });
    await assertRejects(
      () => store.append([event("B")]),
      AppendOutcomeUnknownError,
    );
    await assertRejects(() => store.append([event("C")]), StoreReadOnlyError);
  }, { fileSystem });
  await folder.with(async (store) => {
    assertEquals((await store.append([event("D")])).first, 2);
    assertEquals(folder.names("quarantine").length, 1);
  });
});

Deno.test("append() that cannot begin a segment stores nothing, wherever that fails, and the next one works", async () => {
  const small = { segmentBytesMax: 64 };
  const faults: Fault[] = [
    { kind: "open", path: "/events/", code: "EMFILE" },
    { kind: "append", path: "/events/", code: "ENOSPC", bytesTaken: 20 },
    { kind: "append", path: "/events/", nth: 2, code: "ENOSPC" },
  ];
  for (const fault of faults) {
    await using folder = new TestFolder();
    const fileSystem = new FaultyFileSystem();
    await folder.with(async (store) => {
      await store.append([event("A")]);
      fileSystem.inject(fault);
      const error = await assertRejects(
        () => store.append([event("B")]),
        AppendFailedError,
      );
      assertEquals(error.code, fault.code);
      assertEquals(await store.head(), 1);
      assertEquals((await store.append([event("C")])).first, 2);
      assertEquals((await store.append([event("D")])).first, 3);
      assert((await store.verify()).ok);
    }, { fileSystem, ...small });
    assertEquals(folder.segments().length, 3);
    await folder.with(async (store) => {
      assertEquals(await positions(store), [1, 2, 3]);
    }, small);
  }
});

Deno.test("append() ends writing when a new segment cannot be made durable", async () => {
  const small = { segmentBytesMax: 64 };
  for (const kind of ["sync", "syncDirectory"] as const) {
    await using folder = new TestFolder();
    const fileSystem = new FaultyFileSystem();
    await folder.with(async (store) => {
      await store.append([event("A")]);
      fileSystem.inject({ kind, path: "/events", code: "EIO" });
      await assertRejects(() => store.append([event("B")]), StoreReadOnlyError);
      await assertRejects(() => store.append([event("C")]), StoreReadOnlyError);
    }, { fileSystem, ...small });
    await folder.with(async (store) => {
      assertEquals((await store.append([event("D")])).first, 2);
    }, small);
  }
});

Deno.test("append() stores nothing that could not be read again of data that is another one when it is written", async () => {
  await using folder = new TestFolder();
  await folder.with(async (store) => {
    await store.append([event("A")]);
    // Out of the sight of who checks, and called by who writes.
    const changing = (then: unknown) =>
      Object.defineProperty({}, "toJSON", { value: () => then });
    const huge = "x".repeat(23 * 1_024 * 1_024);
    for (const [then, type] of [[undefined, TypeError], [huge, RangeError]]) {
      const data = changing(then);
      await assertRejects(
        () => store.append([{ type: "B", data }]),
        type as typeof TypeError,
        "Cannot append",
      );
    }
    assertEquals((await store.append([event("C")])).first, 2);
    assert((await store.verify()).ok);
  });
});

Deno.test("append() that found no room leaves nothing behind that conditions are judged by", async () => {
  await using folder = new TestFolder();
  const fileSystem = new FaultyFileSystem();
  await using store = await folder.open({ fileSystem });
  await store.append([event("A", ["t:1"])]);
  const path = "/events/";
  fileSystem.inject({ kind: "append", path, code: "ENOSPC" });
  await assertRejects(
    () => store.append([event("B", ["t:2"]), event("C", ["t:3"])]),
    AppendFailedError,
  );
  const unless = (tag: string) => ({
    condition: { failIfEventsMatch: { items: [{ tags: [tag] }] } },
  });
  // What was not stored keeps nobody out, and what is stored now is found where it is.
  assertEquals(
    (await store.append([event("D", ["t:4"])], unless("t:2"))).first,
    2,
  );
  assertEquals(
    (await store.append([event("E", ["t:5"])], unless("t:3"))).first,
    3,
  );
  for (const [tag, position] of [["t:1", 1], ["t:4", 2], ["t:5", 3]] as const) {
    const { conflict } = await assertRejects(
      () => store.append([event("F")], unless(tag)),
      AppendConditionError,
    );
    assertEquals(conflict.foundAt, position);
    assertEquals(await positions(store, { items: [{ tags: [tag] }] }), [
      position,
    ]);
  }
});
