/** @module */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { EventInput } from "../../../mod.ts";
import { collect, type OpenStore, positions } from "./support.ts";

/** Texts that break stores which quote, split, fold, normalise or concatenate carelessly. */
const HOSTILE_TEXTS: readonly string[] = [
  " ",
  " leading and trailing ",
  "\ufeffbyte order mark",
  "\u0000",
  "a\u0000b",
  "line\nend",
  "line\r\nend",
  "tab\t",
  "\u2028\u2029",
  "\u001b[31mred",
  '"',
  "\\",
  '\\"',
  "'; DROP TABLE postings; --",
  "%",
  "_",
  "*",
  "?",
  "..",
  "../../etc/passwd",
  "/",
  "C:\\CON",
  "NUL",
  "a.",
  "type",
  "data",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "null",
  "undefined",
  "true",
  "1",
  "01",
  "1e3",
  "-0",
  "{}",
  "[]",
  "all",
  '","tags":[],"id":"',
  '{"frame":1,"count":1}',
  '"}\n{"position":99,"type":"Forged"',
  "e\u0301",
  "\u00e9",
  "é",
  "A",
  "a",
  "ß",
  "SS",
  "İ",
  "i",
  "\u{1f600}",
  "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}",
  "\u202egnp.exe",
  "\ufffd",
  "\uffff",
  "courseId:42",
  "courseId:42 ",
  "courseId:4",
  "courseId:",
  ":42",
  ":",
  "x".repeat(256),
  "é".repeat(128),
  "\u{1f600}".repeat(64),
].filter((text, i, texts) => texts.indexOf(text) === i);

/** Types, tags and data of any content: what goes in comes out, and nothing is mistaken. */
export function testHostileContent(name: string, open: OpenStore): void {
  Deno.test(`${name}: read() finds every event by its own type alone, whatever the type contains`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append(HOSTILE_TEXTS.map((type) => ({ type, data: type })));
    for (const [i, type] of HOSTILE_TEXTS.entries()) {
      const query = { items: [{ types: [type] }] };
      const label = JSON.stringify(type);
      const found = await collect(store.read(query));
      assertEquals(found.map(({ position }) => position), [i + 1], label);
      assertEquals(found[0]?.type, type, label);
      assertEquals(found[0]?.data, type, label);
      const batches = await collect(store.readBatches(query));
      const batched = batches.flatMap(({ events }) => events);
      assertEquals(batched, found, label);
    }
  });

  Deno.test(`${name}: read() finds every event by its own tags alone, whatever they contain`, async () => {
    await using opened = await open();
    const { store } = opened;
    const events = HOSTILE_TEXTS.map((tag, i) => ({
      type: "Tagged",
      tags: ["shared", tag, `n:${i}`],
      data: null,
    }));
    for (const event of events) await store.append([event]);
    for (const [i, tag] of HOSTILE_TEXTS.entries()) {
      const label = JSON.stringify(tag);
      const query = { items: [{ tags: [tag] }] };
      assertEquals(await positions(store, query), [i + 1], label);
      const last = await store.readLast({ items: [{ tags: [tag, "shared"] }] });
      assertEquals(last?.tags, events[i]?.tags, label);
    }
    const shared = await positions(store, { items: [{ tags: ["shared"] }] });
    assertEquals(shared.length, HOSTILE_TEXTS.length);
  });

  Deno.test(`${name}: append() judges conditions on types and tags of any content`, async () => {
    await using opened = await open();
    const { store } = opened;
    for (const text of HOSTILE_TEXTS) {
      const condition = {
        failIfEventsMatch: { items: [{ types: [text], tags: [text] }] },
      };
      // Passes only if no earlier text was mistaken for this one.
      await store.append([{ type: text, tags: [text], data: {} }], {
        condition,
      });
    }
    assertEquals(await store.head(), HOSTILE_TEXTS.length);
  });

  Deno.test(`${name}: append() keeps "__proto__" in data as data`, async () => {
    await using opened = await open();
    const { store } = opened;
    const text = '{"__proto__":{"admin":true},"constructor":{"prototype":1}}';
    await store.append([{ type: "A", data: JSON.parse(text) }]);
    const data = (await store.readLast("all"))?.data as Record<string, unknown>;
    assertEquals(JSON.stringify(data), text);
    assert(Object.hasOwn(data, "__proto__"));
    assertEquals(Reflect.get({}, "admin"), undefined);
  });

  Deno.test(`${name}: append() takes 64 tags, and data nested 64 deep`, async () => {
    await using opened = await open();
    const { store } = opened;
    const tags = Array.from({ length: 64 }, (_, i) => `tag:${i}`);
    const data = JSON.parse(`${"[".repeat(64)}${"]".repeat(64)}`);
    await store.append([{ type: "A", tags, data }]);
    const event = await store.readLast({ items: [{ tags }] });
    assertEquals(event?.tags, tags);
    assertEquals(event?.data, data);
  });

  Deno.test(`${name}: append() keeps any JSON and any well-formed text as it is`, async () => {
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 })
      .filter((candidate) => candidate.isWellFormed());
    const event: fc.Arbitrary<EventInput> = fc.record({
      type: text,
      tags: fc.uniqueArray(text, { maxLength: 5 }),
      data: fc.jsonValue({ maxDepth: 5, stringUnit: "grapheme" }),
    });
    const batch = fc.array(event, { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(batch, async (batch) => {
        await using opened = await open();
        const { store } = opened;
        await store.append(batch);
        const events = await collect(store.read("all"));
        assertEquals(
          events.map(({ type, tags, data }) => ({ type, tags, data })),
          // JSON has no negative zero.
          JSON.parse(JSON.stringify(batch)),
        );
      }),
      { numRuns: 30 },
    );
  });
}
