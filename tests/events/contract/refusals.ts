/** @module */
import {
  assertEquals,
  assertFalse,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import type {
  AppendOptions,
  EventInput,
  EventStore,
  Query,
  ReadBatchesOptions,
  ReadOptions,
} from "../../../mod.ts";
import { collect, event, type OpenStore } from "./support.ts";

type ErrorClass = typeof TypeError | typeof RangeError;

const cycle: Record<string, unknown> = {};
cycle.self = { again: cycle };

/** A small value whose JSON text would have 2 ** 60 leaves. */
let bomb: unknown = "x";
for (let i = 0; i < 60; i++) bomb = [bomb, bomb];

class Money {
  constructor(readonly amount: number) {}
}

const NO_DATA = { type: "A" } as unknown as EventInput;
const deep: unknown = JSON.parse(`${"[".repeat(65)}${"]".repeat(65)}`);

/** Data that is not plain JSON, and what the error must say. */
const DATA: readonly [unknown, ErrorClass, string][] = [
  [undefined, TypeError, "data' must be plain JSON: current value is undef"],
  [{ a: { b: undefined } }, TypeError, "data.a.b' must be plain JSON: cur"],
  [[1, undefined], TypeError, "data[1]' must be plain JSON: current value is"],
  // deno-lint-ignore no-sparse-arrays -- a hole is what is tested
  [[1, , 2], TypeError, "data[1]' must be plain JSON: current value is undef"],
  [() => 1, TypeError, "data' must be plain JSON: current value is a function"],
  [{ toJSON: () => 1 }, TypeError, "data.toJSON' must be plain JSON: curr"],
  [Symbol("s"), TypeError, "data' must be plain JSON: current value is a sym"],
  [1n, TypeError, "data' must be plain JSON: current value is a bigint"],
  [NaN, TypeError, "data' must be a finite number: current value is NaN"],
  [{ n: -Infinity }, TypeError, "data.n' must be a finite number: current v"],
  [new Date(0), TypeError, "data' must be plain JSON: current value is an"],
  [new Money(1), TypeError, 'current value is an instance of "Money"'],
  [new Map(), TypeError, 'current value is an instance of "Map"'],
  [new Uint8Array(2), TypeError, 'current value is an instance of "Uint8Arr'],
  [Object("boxed"), TypeError, 'current value is an instance of "String"'],
  [cycle, TypeError, "must be nested at most 64 deep"],
  [deep, TypeError, "must be nested at most 64 deep"],
  [bomb, RangeError, "must fit in 1048576 bytes"],
  [new Array(2 ** 32 - 1), RangeError, "data' must fit in 1048576 bytes"],
  ["\ud800", TypeError, "data' must be well-formed Unicode: current value is"],
  [{ "\udc00": 1 }, TypeError, "must have well-formed keys: current value is"],
  [{ "a b": NaN }, TypeError, `events[0].data["a b"]' must be a finite num`],
];

function withFields(fields: Record<string, unknown>): EventInput {
  return { type: "A", data: {}, ...fields } as EventInput;
}

/** Malformed events, and what the error must say. */
const EVENTS: readonly [unknown, ErrorClass, string][] = [
  [undefined, TypeError, "'events' must be an array: current value is undef"],
  [event("A"), TypeError, "'events' must be an array: current value is an obj"],
  [
    [],
    RangeError,
    "'events' must have 1 to 10000 elements: current value is 0",
  ],
  [[null], TypeError, "'events[0]' must be an object: current value is null"],
  [[NO_DATA], TypeError, "'events[0].data' must be plain JSON"],
  [
    [event("A"), withFields({ type: 7 })],
    TypeError,
    "'events[1].type' must be a text: current value is 7",
  ],
  [
    [withFields({ type: "" })],
    RangeError,
    `'events[0].type' must have 1 to 256 bytes: current value is ""`,
  ],
  [
    [withFields({ type: "x".repeat(257) })],
    RangeError,
    "'events[0].type' must have 1 to 256 bytes: current value is 257 bytes",
  ],
  [
    [withFields({ type: "é".repeat(129) })],
    RangeError,
    "'events[0].type' must have 1 to 256 bytes: current value is 258 bytes",
  ],
  [
    [withFields({ type: "\udfff" })],
    TypeError,
    "'events[0].type' must be well-formed Unicode",
  ],
  [
    [withFields({ tags: "x:1" })],
    TypeError,
    "'events[0].tags' must be an array: current value is a text of 3 char",
  ],
  [
    [withFields({ tags: ["x:1", ""] })],
    RangeError,
    "'events[0].tags[1]' must have 1 to 256 bytes",
  ],
  [
    [withFields({ tags: [null] })],
    TypeError,
    "'events[0].tags[0]' must be a text: current value is null",
  ],
  [
    [withFields({ tags: ["\ud83d"] })],
    TypeError,
    "'events[0].tags[0]' must be well-formed Unicode",
  ],
  [
    [withFields({ tags: ["x:1", "y:1", "x:1"] })],
    TypeError,
    `'events[0].tags[2]' must not repeat another tag: current value is "x:1"`,
  ],
  [
    [withFields({ tags: [...Array(20).keys(), 3].map(String) })],
    TypeError,
    `'events[0].tags[20]' must not repeat another tag: current value is "3"`,
  ],
  [
    [withFields({ tags: Array.from({ length: 65 }, (_, i) => `t:${i}`) })],
    RangeError,
    "'events[0].tags' must have at most 64 elements: current value is 65",
  ],
  [
    [withFields({ id: "42" })],
    TypeError,
    `'events[0].id' must be a UUID: current value is "42"`,
  ],
  [[withFields({ id: null })], TypeError, "'events[0].id' must be a UUID"],
  ...[
    "yesterday",
    "",
    "20260101T000000Z",
    "2026-1-1",
    "2026-01-01 00:00:00",
    "2026-02-30T00:00:00Z",
    "2027-02-29",
    "2026-13-01T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:60:00Z",
    "2026-01-01T00:00:00+25:00",
    "2026-01-01T00:00:00.1234567890Z",
  ].map((timestamp): [unknown, ErrorClass, string] => [
    [withFields({ timestamp })],
    TypeError,
    "'events[0].timestamp' must be an ISO 8601 date and time: " +
    `current value is "${timestamp}"`,
  ]),
  [
    [withFields({ timestamp: new Date(0) })],
    TypeError,
    "'events[0].timestamp' must be an ISO 8601 date and time",
  ],
  [
    [withFields({ metadata: {} })],
    TypeError,
    `'events[0]' must have no other field than type, data, tags, id, timestamp: current value is "metadata"`,
  ],
];

/** Malformed queries, and what the error must say. */
const QUERIES: readonly [unknown, ErrorClass, string][] = [
  [undefined, TypeError, `'query' must be "all" or an object`],
  [
    null,
    TypeError,
    `'query' must be "all" or an object: current value is null`,
  ],
  ["everything", TypeError, `'query' must be "all" or an object`],
  [
    [],
    TypeError,
    `'query' must be "all" or an object: current value is an arr`,
  ],
  [{}, TypeError, "'query.items' must be an array: current value is undefined"],
  [{ items: {} }, TypeError, "'query.items' must be an array"],
  [{ items: [], types: [] }, TypeError, "must have no other field than items"],
  [{ items: ["A"] }, TypeError, "'query.items[0]' must be an object"],
  [
    { items: [{}, { type: ["A"] }] },
    TypeError,
    `'query.items[1]' must have no other field than types, tags: current value is "type"`,
  ],
  [{ items: [{ types: "A" }] }, TypeError, "'query.items[0].types' must be"],
  [{ items: [{ tags: [1] }] }, TypeError, "'query.items[0].tags[0]' must be"],
];

/** What no position is, and what the error must say. */
const POSITIONS: readonly [unknown, ErrorClass, string][] = [
  [-1, RangeError, "must be an integer from 0: current value is -1"],
  [1.5, RangeError, "must be an integer from 0: current value is 1.5"],
  [NaN, RangeError, "must be an integer from 0: current value is NaN"],
  [Infinity, RangeError, "must be an integer from 0: current value is Infin"],
  [2 ** 53, RangeError, "must be an integer from 0: current value is 900719"],
  ["1", TypeError, "must be a number: current value is a text of 1 char"],
  [null, TypeError, "must be a number: current value is null"],
  [1n, TypeError, "must be a number: current value is a bigint"],
];

/** Malformed input: refused with the class and words of the table, and without effect. */
export function testRefusals(name: string, open: OpenStore): void {
  async function refuses(
    what: (store: EventStore) => Promise<unknown>,
    errorClass: ErrorClass,
    message: string,
    store: EventStore,
  ): Promise<void> {
    const error = await assertRejects(() => what(store), errorClass);
    assertStringIncludes(error.message, message);
    assertEquals(await store.head(), 1, message);
  }

  Deno.test(`${name}: append() refuses malformed events, naming index, field and value`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append([event("A")]);
    for (const [events, errorClass, message] of EVENTS) {
      await refuses(
        () => store.append(events as EventInput[]),
        errorClass,
        `Cannot append as ${message}`,
        store,
      );
    }
    assertEquals(await store.append([event("A")]), { first: 2, last: 2 });
  });

  Deno.test(`${name}: append() refuses data that JSON cannot carry, naming its path`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append([event("A")]);
    for (const [data, errorClass, message] of DATA) {
      const events = [{ type: "A", data }];
      await refuses(() => store.append(events), errorClass, message, store);
    }
  });

  Deno.test(`${name}: append() discloses no text of the data in its errors`, async () => {
    await using opened = await open();
    const { store } = opened;
    const data = { secret: ["hunter2\ud800", new Money(7)] };
    const error = await assertRejects(
      () => store.append([{ type: "A", data }]),
      TypeError,
      "events[0].data.secret[0]",
    );
    assertFalse(error.message.includes("hunter2"));
  });

  Deno.test(`${name}: append() refuses malformed conditions and options`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append([event("A")]);
    const append = (options: unknown) =>
      store.append([event("A")], options as AppendOptions);
    for (const [query, errorClass, message] of QUERIES) {
      const options = { condition: { failIfEventsMatch: query } };
      await refuses(() => append(options), errorClass, message, store);
    }
    for (const [after, errorClass, message] of POSITIONS) {
      const options = { condition: { failIfEventsMatch: "all", after } };
      const words = `'condition.after' ${message}`;
      await refuses(() => append(options), errorClass, words, store);
    }
    const others: [unknown, string][] = [
      [{ condition: null }, "'condition' must be an object"],
      [{ conditions: {} }, "'options' must have no other field than condition"],
      [
        { condition: { failIfEventsMatch: "all", before: 1 } },
        "'condition' must have no other field than failIfEventsMatch, after",
      ],
    ];
    for (const [options, message] of others) {
      await refuses(() => append(options), TypeError, message, store);
    }
  });

  Deno.test(`${name}: read(), readBatches() and readLast() refuse malformed queries`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append([event("A")]);
    for (const [value, errorClass, message] of QUERIES) {
      const query = value as Query;
      const reads = [
        () => collect(store.read(query)),
        () => collect(store.readBatches(query)),
        () => store.readLast(query),
      ];
      for (const read of reads) await refuses(read, errorClass, message, store);
    }
  });

  Deno.test(`${name}: read() and readBatches() refuse malformed options`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append([event("A")]);
    const read = (options: unknown) =>
      collect(store.read("all", options as ReadOptions));
    const readBatches = (options: unknown) =>
      collect(store.readBatches("all", options as ReadBatchesOptions));
    for (const [value, errorClass, message] of POSITIONS) {
      const check = (what: () => Promise<unknown>, field: string) =>
        refuses(what, errorClass, `'${field}' ${message}`, store);
      await check(() => read({ after: value }), "after");
      await check(() => readBatches({ after: value }), "after");
      await check(() => readBatches({ upTo: value }), "upTo");
      if (value !== Infinity) {
        await check(() => read({ limit: value }), "limit");
      }
    }
    await refuses(
      () => readBatches({ batchSize: 0 }),
      RangeError,
      "'batchSize' must be an integer from 1: current value is 0",
      store,
    );
    const unknown = { from: 1 };
    const message = "'options' must have no other field than after";
    await refuses(() => read(unknown), TypeError, message, store);
    await refuses(() => readBatches(unknown), TypeError, message, store);
    await refuses(
      () => read({ backwards: 1 }),
      TypeError,
      "'backwards' must be a boolean: current value is 1",
      store,
    );
  });
}
