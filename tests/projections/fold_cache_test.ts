import { assert, assertEquals } from "@std/assert";
import { FoldCache } from "../../src/projections/fold_cache.ts";

/** A state whose text has so many characters, and which counts how often it was asked for it. */
function counting(length: number): {
  readonly texts: number;
  toJSON(): unknown;
} {
  let texts = 0;
  return {
    get texts() {
      return texts;
    },
    toJSON() {
      texts++;
      return "x".repeat(length);
    },
  };
}

function change(cache: FoldCache, key: string, state: unknown): void {
  const document = cache.documents.get(key) ??
    cache.addDocument(key, undefined, []);
  document.state = state;
  cache.markDirty(key, document);
  cache.grow(document, 100);
}

Deno.test("small events that make large documents are noticed, and reckoned with from then on", () => {
  const cache = new FoldCache(true, { keepsTexts: false });
  for (let i = 0; i < 100; i++) change(cache, `a${i}`, "x".repeat(20_000));
  assert(cache.bytes < 100_000);
  cache.calibrate();
  const { bytes } = cache;
  assert(bytes > 1_500_000 && bytes < 6_000_000, `${bytes}`);
  for (let i = 0; i < 100; i++) change(cache, `b${i}`, "x".repeat(20_000));
  assert(cache.bytes > bytes * 1.5, `${cache.bytes}`);
});

Deno.test("documents that only count do not make those light that were not looked at", () => {
  const cache = new FoldCache(true, { keepsTexts: false });
  const events = 10_000;
  for (let i = 0; i < events; i++) change(cache, "list", []);
  for (let i = 0; i < 100; i++) change(cache, `counter${i}`, i);
  const before = cache.documents.get("list")?.bytes ?? 0;
  for (let i = 0; i < 10; i++) cache.calibrate();
  assertEquals(cache.documents.get("list")?.bytes, before);
});

Deno.test("a large document is turned into text again only when it has grown a good deal", () => {
  const cache = new FoldCache(true, { keepsTexts: false });
  const large = counting(1_000_000);
  change(cache, "large", large);
  for (let i = 0; i < 50; i++) cache.calibrate();
  assertEquals(large.texts, 1);
  const document = cache.documents.get("large");
  assert(document);
  cache.grow(document, document.bytes * 4);
  cache.calibrate();
  assertEquals(large.texts, 2);
});

Deno.test("what cannot be turned into text does not end the estimate", () => {
  const cache = new FoldCache(true, { keepsTexts: false });
  const circular: unknown[] = [];
  circular.push(circular);
  for (const [i, state] of [circular, undefined, 1n, () => 1].entries()) {
    change(cache, `k${i}`, state);
  }
  cache.calibrate();
  assert(Number.isSafeInteger(cache.bytes) && cache.bytes > 0);
});

Deno.test("FoldCache lets go of what is written alone, and forgets a closed part's weight", () => {
  const cache = new FoldCache(true, { keepsTexts: false });
  cache.addDocument("a", '"written"', []);
  const dirty = cache.addDocument("b", '"changed"', []);
  cache.markDirty("b", dirty);
  cache.shed(0);
  assertEquals([...cache.documents.keys()], ["b"]);
  assertEquals(cache.bytes, dirty.bytes);
  assert(!cache.complete);
  cache.closePart();
  assertEquals([cache.documents.size, cache.bytes], [0, 0]);
});
