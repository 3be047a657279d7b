import { assert, assertEquals } from "@std/assert";
import { TagIndex } from "../../src/projections/tag_index.ts";
import { TextArena } from "../../src/projections/text_arena.ts";
import { hashText } from "../../src/projections/text_hash.ts";

Deno.test("find() gives an event once that bears two tags of the same hash", () => {
  const tags = ["studentId:326748", "studentId:1206830"] as const;
  assertEquals(hashText(tags[0]), hashText(tags[1]));
  const index = new TagIndex();
  for (const tag of tags) index.add(tag, { position: 1, at: 70 });
  for (const tag of tags) index.add(tag, { position: 2, at: 80 });
  for (const tag of tags) {
    assertEquals(index.find(tag, 2), [70]);
    assertEquals(index.find(tag, 3), [70, 80]);
  }
});

Deno.test("find() gives all entries of a tag in order, however many tags there are", () => {
  const index = new TagIndex();
  for (let position = 1; position <= 9_000; position++) {
    index.add(`t:${position % 3_000}`, { position, at: position * 10 });
  }
  for (const tag of [1, 2, 1_500, 2_999]) {
    assertEquals(index.find(`t:${tag}`, tag + 6_000), [
      tag * 10,
      (tag + 3_000) * 10,
    ]);
  }
  assertEquals(index.find("t:none", Infinity), []);
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
