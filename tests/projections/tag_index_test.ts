import { assert, assertEquals } from "@std/assert";
import { KeptEvents } from "../../src/projections/kept_events.ts";
import type { Generation } from "../../src/projections/projection_store.ts";
import { RelatedEvents } from "../../src/projections/related_events.ts";
import { TagIndex } from "../../src/projections/tag_index.ts";
import { TextArena } from "../../src/projections/text_arena.ts";
import { hashText } from "../../src/projections/text_hash.ts";

Deno.test("find() gives an event once that bears two tags of the same hash", () => {
  const tags = ["studentId:326748", "studentId:1206830"] as const;
  assertEquals(hashText(tags[0]), hashText(tags[1]));
  const index = new TagIndex();
  for (const tag of tags) index.add(tag, 0);
  for (const tag of tags) assertEquals(index.find(tag), [0]);
  for (const tag of tags) index.add(tag, 1);
  for (const tag of tags) assertEquals(index.find(tag), [0, 1]);
});

Deno.test("find() gives all numbers of a tag in order, however many tags there are", () => {
  const index = new TagIndex();
  for (let number = 0; number < 9_000; number++) {
    index.add(`t:${number % 3_000}`, number);
  }
  for (const tag of [0, 1, 1_500, 2_999]) {
    assertEquals(index.find(`t:${tag}`), [tag, tag + 3_000, tag + 6_000]);
  }
  assertEquals(index.find("t:none"), []);
});

Deno.test("a tag index takes no more memory than its numbers need", () => {
  const index = new TagIndex();
  for (let number = 0; number < 1_000; number++) index.add("t:one", number);
  const { bytes } = index;
  for (let number = 1_000; number < 50_000; number++) {
    index.add(`t:${number}`, number);
  }
  assert(bytes < 65_536, `${bytes} bytes for one tag`);
  assert(index.bytes < 4_194_304, `${index.bytes} bytes for 50,000 tags`);
});

Deno.test("kept events come back frozen and in whole, held as objects or not", () => {
  for (const objectBytesMax of [0, 1_000, Infinity]) {
    const kept = new KeptEvents(objectBytesMax);
    const events = Array.from({ length: 20 }, (_, i) => ({
      position: i + 1,
      type: "T",
      tags: [`t:${i}`],
      data: { name: `\u00e9 ${i}` },
    }));
    const numbers = events.map((event) => kept.add(JSON.stringify(event)));
    assertEquals(numbers, events.map((_, i) => i));
    for (const number of [...numbers, ...numbers]) {
      const event = kept.get(number);
      assertEquals<unknown>(event, events[number]);
      assert(Object.isFrozen(event) && Object.isFrozen(event.data));
    }
    const { bytes } = kept;
    kept.dropObjects();
    assertEquals(kept.bytes < bytes, objectBytesMax > 0);
    assertEquals<unknown>(numbers.map((n) => kept.get(n)), events);
    assert(kept.get(0) !== kept.get(0));
  }
});

Deno.test("an arena gives every text back, also one larger than a buffer", () => {
  const arena = new TextArena();
  const texts = Array.from(
    { length: 3_000 },
    (_, i) =>
      i % 1_000 === 7 ? "\u{1F99D}x".repeat(400_000) : `text ${i} \u00e9`,
  );
  const places = texts.map((text) => arena.add(text));
  for (const [index, at] of places.entries()) {
    assert(arena.get(at) === texts[index], `text ${index}`);
  }
});

Deno.test("related events that do not fit as objects are not held by a list either", () => {
  const related = new RelatedEvents({} as Generation, {
    complete: true,
    bytesMax: 10_000,
  });
  const tags = ["t:hot"];
  for (let position = 1; position <= 100; position++) {
    const event = {
      position,
      type: "T",
      tags,
      id: "",
      timestamp: "",
      data: {},
    };
    related.keep(event);
  }
  const found = () => related.find(tags, Infinity);
  assertEquals(found().map(({ position }) => position).slice(-2), [99, 100]);
  // Made anew with each look, as only a few of them fit.
  assert(found().at(-1) !== found().at(-1));
  assert(found()[0] === found()[0]);
});
