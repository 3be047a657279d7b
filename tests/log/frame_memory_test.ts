import { assertEquals, assertLess } from "@std/assert";
import { FRAME_PAYLOAD_BYTES_MAX } from "../../src/log/format.ts";
import { FrameReader } from "../../src/log/frame_reader.ts";
import type { FileHandle } from "../../src/storage/file_system.ts";

const MiB = 1_048_576;

/** A file that begins with a text and goes on with zeros, and the largest buffer it was given. */
function fileOf(text: string, bytes: number) {
  const beginning = new TextEncoder().encode(text);
  const seen = { bufferBytesMax: 0 };
  const file: Pick<FileHandle, "readAt" | "size"> = {
    size: () => bytes,
    readAt(buffer, offset) {
      const { byteLength } = buffer.buffer;
      seen.bufferBytesMax = Math.max(seen.bufferBytesMax, byteLength);
      const length = Math.min(buffer.length, bytes - offset);
      buffer.fill(0, 0, length);
      buffer.set(beginning.subarray(offset, offset + length));
      return length;
    },
  };
  return { file: file as FileHandle, seen };
}

function headerOf(bytes: number): string {
  return `{"frame":1,"count":1,"bytes":${bytes},"prev":"00000000",` +
    `"durable":0,"crc":"00000000"}\n`;
}

Deno.test("a frame that says it is longer than its file is refused before memory is taken for it", () => {
  const { file, seen } = fileOf(headerOf(60 * MiB), 200_000);
  using reader = new FrameReader(file, { offset: 0, first: 1 });
  assertEquals(reader.read(), undefined);
  assertEquals(reader.damage, { offset: 0, what: "the frame is cut off" });
  assertLess(seen.bufferBytesMax, MiB);
});

Deno.test("a frame that is longer than any is refused before memory is taken for it", () => {
  const bytes = FRAME_PAYLOAD_BYTES_MAX + 1;
  const { file, seen } = fileOf(headerOf(bytes), 2 * bytes);
  using reader = new FrameReader(file, { offset: 0, first: 1 });
  assertEquals(reader.read(), undefined);
  assertEquals(reader.damage?.what, `a frame of ${bytes} bytes is too large`);
  assertLess(seen.bufferBytesMax, MiB);
});
