import { assertEquals, assertThrows } from "@std/assert";
import type { FileHandle } from "../../src/storage/file_system.ts";
import { readFully } from "../../src/storage/read_fully.ts";

/** A file of which each call does what is next in line. */
function file(
  { reads, sizes }: {
    readonly reads: readonly string[];
    readonly sizes: readonly number[];
  },
): FileHandle {
  const left = { reads: [...reads], sizes: [...sizes] };
  return {
    readAt: (buffer: Uint8Array) =>
      new TextEncoder().encodeInto(left.reads.shift() ?? "", buffer).written,
    size: () => left.sizes.shift() ?? 0,
  } as unknown as FileHandle;
}

function read(
  reads: readonly string[],
  sizes: readonly number[],
): string {
  const buffer = new Uint8Array(4);
  const length = readFully(file({ reads, sizes }), buffer, 0);
  return new TextDecoder().decode(buffer.subarray(0, length));
}

Deno.test("readFully() reads on as long as there is more, up to the end of the file", () => {
  assertEquals(read(["ab", "cd"], []), "abcd");
  assertEquals(read(["a", "b", ""], [2]), "ab");
  assertEquals(read([""], [0]), "");
});

Deno.test("readFully() does not take what is appended while it looks for what cannot be read", () => {
  assertEquals(read(["", "ab", "cd"], [4]), "abcd");
  assertEquals(read(["ab", "", "cd"], [4]), "abcd");
  // And cut off again.
  assertEquals(read(["", ""], [4, 0]), "");
  assertEquals(read(["", "a", "", "b", ""], [4, 2, 2]), "ab");
});

Deno.test("readFully() does not take bytes that the file does not give for its end", () => {
  for (const reads of [[], ["ab"], ["ab", "", ""]]) {
    assertThrows(() => read(reads, [4, 4, 4]), Error, "EIO");
  }
});
