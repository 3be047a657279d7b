import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { createApp } from "../../api/mod.ts";
import { EVENT_LIMITS } from "../../src/events/validation.ts";
import { FRAME_PAYLOAD_BYTES_MAX } from "../../src/log/format.ts";
import { readEventLine } from "../../src/cli/event_line.ts";
import { FaultyFileSystem } from "../../src/testing/mod.ts";
import { FakeOpossum } from "../api/fake_opossum.ts";
import { TOKEN } from "../api/requests.ts";
import { event, positions, TestFolder } from "../log/support.ts";
import { HOSTILE_TEXTS } from "./hostile_texts.ts";

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 ? [value] : { a: value };
  return value;
}

Deno.test("append() refuses what is too large before it takes memory for it, and says which", async () => {
  const { eventBytesMax, nameBytesMax, tagsPerEventMax, eventsPerAppendMax } =
    EVENT_LIMITS;
  const cases: [unknown, string][] = [
    [[], "'events'"],
    [Array(eventsPerAppendMax + 1).fill(event("A")), "'events'"],
    // Never walked, nor written as text: that would take minutes and gigabytes.
    [[{ type: "A", data: Array(4_000_000_000) }], "'events[0].data'"],
    [[{ type: "A", data: "x".repeat(eventBytesMax) }], "'events[0]'"],
    [[{ type: "x".repeat(nameBytesMax + 1), data: 1 }], "'events[0].type'"],
    [[event("A", ["x".repeat(nameBytesMax + 1)])], "'events[0].tags[0]'"],
    [
      [event(
        "A",
        Array.from({ length: tagsPerEventMax + 1 }, (_, i) => `${i}`),
      )],
      "'events[0].tags'",
    ],
    [
      Array(17).fill({ type: "A", data: "x".repeat(eventBytesMax - 100) }),
      "'events'",
    ],
    [[{ type: "A", data: nested(65) }], "nested at most 64 deep"],
  ];
  await using folder = new TestFolder();
  const fileSystem = new FaultyFileSystem();
  await folder.with(async (store) => {
    await store.append([event("A")]);
    fileSystem.forget();
    for (const [events, words] of cases) {
      const error = await assertRejects(
        () => store.append(events as ReturnType<typeof event>[]),
      );
      assert(error instanceof RangeError || error instanceof TypeError);
      assert(error.message.includes(words), error.message);
      assertLess(error.message.length, 300);
    }
    assertEquals(fileSystem.operations, []);
    // The largest of each is taken.
    await store.append([{ type: "x".repeat(nameBytesMax), data: nested(64) }]);
    assertEquals(await positions(store), [1, 2]);
  }, { fileSystem });
});

Deno.test("a refusal does not tell what the data says", async () => {
  await using folder = new TestFolder();
  await folder.with(async (store) => {
    const data = { constructor: { name: "secret" }, when: new Date(0) };
    // What has a field of that name is still no more than an object.
    const error = await assertRejects(() =>
      store.append([{ type: "A", data }])
    );
    assert(error instanceof TypeError && !error.message.includes("secret"));
    const other = await assertRejects(() =>
      store.append([{ type: "A", data: 1, tags: data as never }])
    );
    assert(other instanceof TypeError && !other.message.includes("secret"));
  });
});

Deno.test("an imported line is held to the same caps", () => {
  const line = (data: string) =>
    `{"position":1,"id":"${crypto.randomUUID()}","type":"A","tags":[],` +
    `"data":${data},"timestamp":"2026-01-01T00:00:00Z"}`;
  readEventLine(line(JSON.stringify(nested(64))));
  for (
    const [data, words] of [
      [JSON.stringify(nested(65)), "nested at most 64 deep"],
      ["[".repeat(50_000) + "]".repeat(50_000), "nested at most 64 deep"],
      [`"${"x".repeat(EVENT_LIMITS.eventBytesMax)}"`, "bytes"],
    ] as const
  ) {
    let message = "";
    try {
      readEventLine(line(data));
    } catch (error) {
      message = (error as Error).message;
    }
    assert(message.includes(words), message);
  }
});

Deno.test("a frame that claims more than its file holds, or than a frame may, is damage and takes no memory", async () => {
  for (
    const bytes of [
      1_000,
      FRAME_PAYLOAD_BYTES_MAX,
      4_000_000_000,
      Number.MAX_SAFE_INTEGER,
    ]
  ) {
    await using folder = new TestFolder();
    await folder.with((store) => store.append([event("A")]));
    folder.removeIndex();
    const claim =
      `{"frame":2,"count":1,"bytes":${bytes},"prev":"00000000","durable":1,"crc":"00000000"}\n`;
    Deno.writeTextFileSync(folder.segment(0), claim, { append: true });
    const asked: number[] = [];
    const RealArray = Uint8Array;
    await folder.with(async (store) => {
      assertEquals(await positions(store), [1]);
    }, {
      fileSystem: new Proxy(new FaultyFileSystem(), {
        get(target, name) {
          const value = Reflect.get(target, name);
          if (name !== "open") return value?.bind?.(target) ?? value;
          return (...args: Parameters<FaultyFileSystem["open"]>) => {
            const file = target.open(...args);
            const read = file.readAt.bind(file);
            file.readAt = (buffer, offset) => {
              assert(buffer instanceof RealArray);
              asked.push(buffer.buffer.byteLength);
              return read(buffer, offset);
            };
            return file;
          };
        },
      }),
    });
    assertLess(Math.max(...asked), 4 * 1_024 * 1_024);
  }
});

Deno.test("no hostile text in a path, a query or a body leads to more than a client's error", async () => {
  const opossum = new FakeOpossum("A");
  const app = createApp({ opossum, auth: { tokens: [TOKEN] } });
  const headers = {
    authorization: `Bearer ${TOKEN}`,
    "content-type": "application/json",
  };
  const statuses = new Set<number>();
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await app.request(path, { headers, ...init });
    await response.body?.cancel();
    statuses.add(response.status);
    assertLess(response.status, 500, `${path} ${init.body}`);
  };
  for (const text of HOSTILE_TEXTS) {
    const name = encodeURIComponent(text.toWellFormed());
    await ask(`/admin/projections/${name}`);
    await ask(`/admin/projections/${name}/rebuild`, { method: "POST" });
    await ask(`/readyz?for=${name}`);
    const body = JSON.stringify({ projectionNames: [text], [text]: text });
    await ask("/admin/projections/rebuild", { method: "POST", body });
  }
  const deep = "[".repeat(5_000) + "]".repeat(5_000);
  await ask("/admin/projections/rebuild", { method: "POST", body: deep });
  assert(!statuses.has(202));
  assertEquals(opossum.started, []);
  assertEquals(({} as Record<string, unknown>).admin, undefined);
});
