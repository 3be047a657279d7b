import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { EventSpill, SPILL_PARTS } from "../../src/projections/event_spill.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";

interface PutAside {
  readonly part: number;
  readonly mask: number;
  readonly text: string;
}

function withSpill(action: (spill: EventSpill, path: string) => void): void {
  const directory = Deno.makeTempDirSync();
  const path = `${directory}/spill`;
  try {
    using spill = new EventSpill({ fileSystem: denoFileSystem, path });
    action(spill, path);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

function readAll(spill: EventSpill, part: number): Omit<PutAside, "part">[] {
  const found: Omit<PutAside, "part">[] = [];
  for (
    const _ of spill.read(part, (mask, text) => found.push({ mask, text }))
  ) { /* What is found is collected by the callback. */ }
  return found;
}

Deno.test("what is put aside comes back by part, in order and unchanged", () => {
  // Small, as long as a piece, and longer; a character of one to four bytes each.
  const text = fc.tuple(
    fc.constantFrom("x", "\u00e9", "\u0142", "\u{1F99D}"),
    fc.constantFrom(1, 40, 4_000, 16_370, 16_384, 40_000),
    fc.nat(9),
  ).map(([unit, count, tail]) => `${unit.repeat(count)}${tail}`);
  const putAside = fc.record<PutAside>({
    part: fc.constantFrom(0, 1, SPILL_PARTS - 1),
    mask: fc.constantFrom(1, 3, 1 << 30, (1 << 30) | 5),
    text,
  });
  fc.assert(
    fc.property(fc.array(putAside, { maxLength: 40 }), (events) => {
      withSpill((spill) => {
        for (const { part, mask, text } of events) spill.add(part, mask, text);
        for (const part of [0, 1, 2, SPILL_PARTS - 1]) {
          assertEquals(
            readAll(spill, part),
            events.filter((event) => event.part === part)
              .map(({ mask, text }) => ({ mask, text })),
          );
        }
      });
    }),
    { numRuns: 60 },
  );
});

Deno.test("parts are read while others wait in memory, many pieces each", () => {
  withSpill((spill) => {
    const textOf = (i: number) =>
      `{"position":${i},"data":"${"d".repeat(300)}"}`;
    for (let i = 0; i < 20_000; i++) spill.add(i % SPILL_PARTS, 1, textOf(i));
    for (let part = 0; part < SPILL_PARTS; part++) {
      const expected: string[] = [];
      for (let i = part; i < 20_000; i += SPILL_PARTS) expected.push(textOf(i));
      assertEquals(readAll(spill, part).map(({ text }) => text), expected);
    }
  });
});

Deno.test("equal keys have equal parts, and keys spread over all of them", () => {
  const counts = new Map<number, number>();
  for (let i = 0; i < SPILL_PARTS * 100; i++) {
    const part = EventSpill.partOf(`student-${i}`);
    assertEquals(part, EventSpill.partOf(["student", i].join("-")));
    counts.set(part, (counts.get(part) ?? 0) + 1);
  }
  assertEquals(counts.size, SPILL_PARTS);
  assertEquals([...counts.values()].filter((count) => count > 300), []);
});

Deno.test("the file must be new, and is gone after disposal", () => {
  const directory = Deno.makeTempDirSync();
  const path = `${directory}/spill`;
  try {
    const spill = new EventSpill({ fileSystem: denoFileSystem, path });
    assertThrows(
      () => new EventSpill({ fileSystem: denoFileSystem, path }),
      Deno.errors.AlreadyExists,
    );
    spill.add(0, 1, "x".repeat(1_000_000));
    spill[Symbol.dispose]();
    assertThrows(() => Deno.statSync(path), Deno.errors.NotFound);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("a file that was cut off is told, with its name", () => {
  withSpill((spill, path) => {
    for (let i = 0; i < 100; i++) spill.add(7, 1, "x".repeat(15_000));
    Deno.truncateSync(path, 10);
    assertThrows(() => readAll(spill, 7), Error, path);
  });
});
