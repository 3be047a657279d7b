/**
 * The format of the event log, and the only description of it.
 *
 * A segment is a file of UTF-8 lines that each hold one JSON value and end in `\n`. It is named
 * by its first position in 20 digits: `00000000000000000001.ndjson`. Sealed segments (all but
 * the last) never change; no file is ever reused.
 *
 * The first line is the **segment header**:
 *
 * ```text
 * {"segment":1,"format":1,"store":"8f5e2c1a-7b1d-4e0a-9c53-2f6d1a0b4e77","created":"2026-11-24T09:00:00.000Z","previous":0,"previousBytes":0,"prev":"00000000","crc":"9d4c9a5f"}
 * ```
 *
 * - `segment`: its first position. `store`: the id in `store.json`.
 * - `previous`, `previousBytes`: first position and size of the segment before; 0 in the first.
 *   Together with the file names they reveal a missing or shortened segment without reading it.
 * - `prev`: CRC of the last frame (or, without frames, the header) of the segment before.
 * - `crc`: CRC-32 of the line up to and without `"crc"`.
 *
 * Then come **frames**, one for each append call, which is thereby atomic: a header line and
 * `count` event lines.
 *
 * ```text
 * {"frame":1,"count":2,"bytes":348,"prev":"9d4c9a5f","durable":0,"crc":"2821d18f"}
 * {"position":1,"type":"CourseCreated","tags":["courseId:1"],"id":"00000000-0000-4000-8000-000000000001","timestamp":"2026-11-24T09:00:01.000Z","data":{"name":"Geografía"}}
 * {"position":2,"type":"CourseStudentLimitModified","tags":["courseId:1"],"id":"00000000-0000-4000-8000-000000000002","timestamp":"2026-11-24T09:00:01.000Z","data":{"limit":30}}
 * {"frame":3,"count":1,"bytes":169,"prev":"2821d18f","durable":2,"crc":"af506bf4"}
 * {"position":3,"type":"StudentEnrolled","tags":["courseId:1","studentId:7"],"id":"00000000-0000-4000-8000-000000000003","timestamp":"2026-11-24T09:00:01.000Z","data":{}}
 * ```
 *
 * These are the 854 bytes of a whole segment: the example is checked by a test.
 *
 * - `frame`: position of its first event. `bytes`: length of its event lines, line ends included.
 * - `prev`: CRC of the frame before, or of the segment header in the first frame: a frame cannot
 *   be lost, repeated or moved unnoticed.
 * - `durable`: highest position that was synced when this frame was written. It tells a torn
 *   tail from corruption: a damaged frame that a later one calls durable had been acknowledged.
 * - `crc`: CRC-32 of the header line up to and without `"crc"`, then of the event lines.
 *
 * Keys, their order and the absence of white space are part of the format: an event's type
 * stands at a known offset, so that readers skip what nobody wants without parsing it. CRCs are
 * 8 lower-case hexadecimal digits, positions and sizes integers up to 2^53 - 1.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import type { Position } from "../events/event.ts";
import type { CheckedEvent } from "../events/validation.ts";

/** The version of the format that this code writes and the newest it reads. */
export const FORMAT_VERSION = 1;

/** No frame header is longer, in bytes. */
export const FRAME_HEADER_BYTES_MAX = 192;

/** No segment header is longer, in bytes. */
export const SEGMENT_HEADER_BYTES_MAX = 512;

/** No frame's event lines are longer together, in bytes. Checked before memory is taken. */
export const FRAME_PAYLOAD_BYTES_MAX = 64 * 1_024 * 1_024;

/** The CRC that stands before anything was written. */
export const NO_CRC = 0;

/** What the first line of a segment says. */
export interface SegmentHeader {
  /** First position in the segment. */
  readonly segment: Position;
  /** The store's id. */
  readonly store: string;
  /** When it was created, ISO 8601. */
  readonly created: string;
  /** First position of the segment before; 0 in the first. */
  readonly previous: Position;
  /** Size of the segment before, in bytes; 0 in the first. */
  readonly previousBytes: number;
  /** CRC of what stands before this segment. */
  readonly prev: number;
}

/** What the header line of a frame says. */
export interface FrameHeader {
  /** Position of the first event. */
  readonly first: Position;
  /** How many events. */
  readonly count: number;
  /** Length of the event lines, in bytes. */
  readonly bytes: number;
  /** CRC of the frame before. */
  readonly prev: number;
  /** Highest position synced when the frame was written. */
  readonly durable: Position;
  /** CRC of header and event lines. */
  readonly crc: number;
  /** Length of the part of the header line that `crc` covers, in bytes. */
  readonly coveredBytes: number;
  /** Length of the header line with its line end, in bytes. */
  readonly headerBytes: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });
const SEGMENT_NAME = /^(\d{20})\.ndjson$/;

/** The file name of the segment that begins at a position. */
export function segmentName(first: Position): string {
  return `${String(first).padStart(20, "0")}.ndjson`;
}

/** The position a segment begins at by its file name; `undefined` when it is no segment's. */
export function parseSegmentName(name: string): Position | undefined {
  const digits = SEGMENT_NAME.exec(name)?.[1];
  if (digits === undefined) return undefined;
  const first = Number(digits);
  return Number.isSafeInteger(first) && first > 0 ? first : undefined;
}

/** The first line of a segment, and its CRC. */
export function encodeSegmentHeader(
  header: SegmentHeader,
): { readonly bytes: Uint8Array<ArrayBuffer>; readonly crc: number } {
  const { segment, store, created, previous, previousBytes, prev } = header;
  const covered =
    `{"segment":${segment},"format":${FORMAT_VERSION},"store":${
      JSON.stringify(store)
    },"created":${JSON.stringify(created)},"previous":${previous},` +
    `"previousBytes":${previousBytes},"prev":"${toHex(prev)}",`;
  const crc = crc32(covered);
  return { bytes: encoder.encode(`${covered}"crc":"${toHex(crc)}"}\n`), crc };
}

/**
 * Reads the first line of a segment.
 *
 * @param bytes The beginning of the file.
 * @returns What it says, its CRC and its length with the line end; `undefined` when it is
 * incomplete, damaged or of another format.
 */
export function parseSegmentHeader(
  bytes: Uint8Array,
):
  | (SegmentHeader & { readonly crc: number; readonly headerBytes: number })
  | undefined {
  const end = bytes.indexOf(NEWLINE);
  if (end < 0 || end >= SEGMENT_HEADER_BYTES_MAX) return undefined;
  try {
    const line = decoder.decode(bytes.subarray(0, end + 1));
    const header: SegmentHeader & { prev: unknown } = JSON.parse(line);
    const parsed = { ...header, prev: parseInt(String(header.prev), 16) };
    const again = encodeSegmentHeader(parsed);
    // Writing it again must give the same bytes: that checks the CRC, the keys and their order.
    if (decoder.decode(again.bytes) !== line) return undefined;
    return { ...parsed, crc: again.crc, headerBytes: end + 1 };
  } catch {
    return undefined;
  }
}

/**
 * An event as text, but for its position, which is known only at the moment of writing.
 *
 * @param event The event.
 * @param id Its id: a UUID that was checked, so that nothing in it must be escaped.
 * @param timestamp Its time: ISO 8601, likewise.
 * @returns What follows the position in the event's line.
 */
export function encodeEventRest(
  { type, tags, data }: Pick<CheckedEvent, "type" | "tags" | "data">,
  id: string,
  timestamp: string,
): string {
  const text = JSON.stringify(data);
  if (text === undefined) {
    // The data was checked, and is another one now.
    const must = "'data' must be plain JSON: current value is undefined";
    throw new TypeError(`Cannot append as ${must}`);
  }
  return `,"type":${JSON.stringify(type)},"tags":${JSON.stringify(tags)},` +
    `"id":"${id}","timestamp":"${timestamp}",` +
    `"data":${text}}\n`;
}

/** What every event line begins with; the position and {@linkcode AFTER_POSITION} follow. */
export const EVENT_START = '{"position":';

/** What stands between the position and the text of the type in an event line. */
export const AFTER_POSITION = ',"type":"';

/** What is needed to write a frame. */
export interface FrameToEncode {
  /** Position of its first event. */
  readonly first: Position;
  /** Its events, from {@linkcode encodeEventRest}. */
  readonly rests: readonly string[];
  /** CRC of the frame before. */
  readonly prev: number;
  /** Highest position that is synced now. */
  readonly durable: Position;
}

/** A frame as text, which is well-formed, and what is to be known of it. */
export interface EncodedFrame {
  /** Header line and event lines. */
  readonly text: string;
  /** Length of the text in UTF-8. */
  readonly bytes: number;
  /** The CRC that the next frame refers to. */
  readonly crc: number;
}

/** Writes a frame. */
export function encodeFrame(
  { first, rests, prev, durable }: FrameToEncode,
): EncodedFrame {
  let lines = "";
  for (let i = 0; i < rests.length; i++) {
    lines += EVENT_START + (first + i) + rests[i];
  }
  const payloadBytes = Buffer.byteLength(lines);
  const covered =
    `{"frame":${first},"count":${rests.length},"bytes":${payloadBytes},` +
    `"prev":"${toHex(prev)}","durable":${durable},`;
  const crc = crc32(covered + lines);
  // The header is ASCII: as many bytes as characters.
  const header = `${covered}"crc":"${toHex(crc)}"}\n`;
  return { text: header + lines, bytes: header.length + payloadBytes, crc };
}

/**
 * Reads the header line of a frame. The CRC is not checked here: see
 * {@linkcode frameCrcMatches}.
 *
 * @param bytes Bytes of a segment.
 * @param at Where in them the header begins.
 * @param end Where in them to stop.
 * @returns What it says; `undefined` when it is incomplete or no frame header.
 */
export function parseFrameHeader(
  bytes: Uint8Array,
  at: number,
  end: number,
): FrameHeader | undefined {
  const cursor = new ByteCursor(bytes, at, end);
  const first = cursor.integerAfter(KEY_FRAME);
  const count = cursor.integerAfter(KEY_COUNT);
  const payloadBytes = cursor.integerAfter(KEY_BYTES);
  const prev = cursor.hexAfter(KEY_PREV);
  const durable = cursor.integerAfter(KEY_DURABLE);
  // The covered part includes the comma that the next key begins with.
  const coveredBytes = cursor.at + 1 - at;
  const crc = cursor.hexAfter(KEY_CRC);
  cursor.skip(HEADER_END);
  if (cursor.failed || first < 1 || count < 1) return undefined;
  const headerBytes = cursor.at - at;
  return {
    first,
    count,
    bytes: payloadBytes,
    prev,
    durable,
    crc,
    coveredBytes,
    headerBytes,
  };
}

/** Whether the CRC of a frame, which lies whole in `bytes` at `at`, is right. */
export function frameCrcMatches(
  bytes: Uint8Array,
  at: number,
  header: FrameHeader,
): boolean {
  const payloadAt = at + header.headerBytes;
  const covered = crc32(bytes.subarray(at, at + header.coveredBytes));
  const payload = bytes.subarray(payloadAt, payloadAt + header.bytes);
  return crc32(payload, covered) === header.crc;
}

/** The byte that ends lines. */
export const NEWLINE = 0x0a;

/** What every frame header begins with. */
export const KEY_FRAME: Uint8Array = encoder.encode('{"frame":');
const KEY_COUNT = encoder.encode(',"count":');
const KEY_BYTES = encoder.encode(',"bytes":');
const KEY_PREV = encoder.encode(',"prev":"');
const KEY_DURABLE = encoder.encode('","durable":');
const KEY_CRC = encoder.encode(',"crc":"');
const HEADER_END = encoder.encode('"}\n');

/** Steps through bytes of a known layout; once anything differs, `failed` stays set. */
class ByteCursor {
  failed = false;
  readonly #bytes: Uint8Array;
  readonly #end: number;

  constructor(bytes: Uint8Array, public at: number, end: number) {
    this.#bytes = bytes;
    this.#end = end;
  }

  skip(literal: Uint8Array): void {
    if (this.at + literal.length > this.#end) this.failed = true;
    for (let i = 0; !this.failed && i < literal.length; i++) {
      if (this.#bytes[this.at + i] !== literal[i]) this.failed = true;
    }
    this.at += literal.length;
  }

  integerAfter(key: Uint8Array): number {
    this.skip(key);
    const start = this.at;
    let value = 0;
    while (!this.failed && this.at < this.#end) {
      const digit = (this.#bytes[this.at] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      this.at++;
    }
    const length = this.at - start;
    // One way to write each number: no sign, no leading zero.
    const canonical = length === 1 || this.#bytes[start] !== 0x30;
    if (length === 0 || !canonical || !Number.isSafeInteger(value)) {
      this.failed = true;
    }
    return value;
  }

  hexAfter(key: Uint8Array): number {
    this.skip(key);
    if (this.at + 8 > this.#end) this.failed = true;
    let value = 0;
    for (let i = 0; !this.failed && i < 8; i++) {
      const byte = this.#bytes[this.at + i] ?? 0;
      const digit = byte <= 0x39 ? byte - 0x30 : byte - 0x61 + 10;
      const valid = digit >= 0 && digit <= 15 &&
        (byte <= 0x39 ? digit <= 9 : digit >= 10);
      if (!valid) this.failed = true;
      value = value * 16 + digit;
    }
    this.at += 8;
    return value;
  }
}

/** The bytes as text: a number beyond 31 bits is slow to write. */
const HEX = Array.from(
  { length: 256 },
  (_, byte) => byte.toString(16).padStart(2, "0"),
);

function toHex(crc: number): string {
  return `${HEX[crc >>> 24]}${HEX[(crc >>> 16) & 0xff]}${
    HEX[(crc >>> 8) & 0xff]
  }${HEX[crc & 0xff]}`;
}
