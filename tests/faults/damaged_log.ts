/**
 * Damage to the segments of a log, and what must be done about it: worked out from the bytes
 * themselves, by other means than the store does.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  LogCorruptionError,
  StoreReadOnlyError,
} from "../../src/log/errors.ts";
import type { FileEventStore } from "../../src/log/file_event_store.ts";
import {
  copyFolder,
  event,
  positions,
  range,
  TestFolder,
  unsynced,
} from "../log/support.ts";

/** Where a frame lies, and what it says. */
interface FramePlace {
  readonly offset: number;
  readonly end: number;
  readonly first: number;
  readonly last: number;
  readonly durable: number;
}

/** The frames of a whole segment, read with a pattern. */
export function framesOf(segment: Uint8Array): FramePlace[] {
  const text = new TextDecoder("latin1").decode(segment);
  const header =
    /^\{"frame":(\d+),"count":(\d+),"bytes":(\d+),.*"durable":(\d+),.*\n/gm;
  return [...text.matchAll(header)].map((match) => {
    const [line, first, count, bytes, durable] = match;
    const end = match.index + line.length + Number(bytes);
    const last = Number(first) + Number(count) - 1;
    return {
      offset: match.index,
      end,
      first: Number(first),
      last,
      durable: Number(durable),
    };
  });
}

/** What must be done about a damaged active segment. */
export type Verdict =
  | { readonly kind: "whole" }
  | { readonly kind: "cut"; readonly head: number; readonly offset: number }
  | { readonly kind: "refuse"; readonly offset: number; readonly at: number };

/**
 * What must be done about a damaged last segment, by the rule: what nobody can prove to have been
 * acknowledged is cut off, anything else is refused.
 *
 * @param whole The segment as it was.
 * @param damaged The segment as it is.
 * @param provenElsewhere What the index proves to have been durable.
 */
export function verdictOn(
  whole: Uint8Array,
  damaged: Uint8Array,
  provenElsewhere = 0,
): Verdict {
  const frames = framesOf(whole);
  const isSame = (from: number, to: number) =>
    to <= damaged.length &&
    whole.subarray(from, to).every((byte, i) => byte === damaged[from + i]);
  const headerEnd = frames[0]?.offset ?? whole.length;
  const intact = frames.filter(({ offset, end }) => isSame(offset, end));
  const proven = Math.max(
    provenElsewhere,
    ...intact.map(({ durable }) => durable),
  );
  if (!isSame(0, headerEnd)) {
    const at = frames[0]?.first ?? 1;
    // A begun segment holds nothing; one with whole frames in it was used.
    return intact.length > 0 || proven >= at
      ? { kind: "refuse", offset: 0, at }
      : { kind: "cut", head: at - 1, offset: 0 };
  }
  const bad = frames.find(({ offset, end }) => !isSame(offset, end));
  if (!bad) return { kind: "whole" };
  if (proven >= bad.first) {
    return { kind: "refuse", offset: bad.offset, at: bad.first };
  }
  return { kind: "cut", head: bad.first - 1, offset: bad.offset };
}

/** A folder as a crash left it, or as closing left it. */
export interface LogTemplate extends AsyncDisposable {
  readonly folder: TestFolder;
  /** The bytes of the last segment. */
  readonly whole: Uint8Array<ArrayBuffer>;
  /** First position in the last segment. */
  readonly first: number;
}

/** Appends of one, two and three events: ASCII and not, one after the other. */
export async function openLogTemplate(
  { closed, segments }: { closed: boolean; segments: 1 | 2 },
): Promise<LogTemplate> {
  const folder = new TestFolder();
  const options = { segmentBytesMax: 900, fileSystem: unsynced };
  const fill = async (store: FileEventStore) => {
    if (segments === 2) {
      await store.append(range(1, 6).map((n) => event("Z", [], n)));
    }
    const large = { ...event("Big"), data: { text: "ä".repeat(150) } };
    await store.append([event("A", ["t:1"]), event("Bücher", ["t:ü"])]);
    await store.append([event("C")]);
    await store.append([large]);
    await store.append([event("D"), event("E", ["t:1"]), event("F")]);
  };
  if (closed) {
    await folder.with(fill, { ...options, segmentBytesMax: 2_000 });
  } else {
    await using origin = new TestFolder();
    await origin.with(async (store) => {
      await fill(store);
      copyFolder(origin.path, folder.path);
    }, { ...options, segmentBytesMax: segments === 2 ? 900 : 8_192 });
    // What was not flushed yet is not in the index.
    folder.removeIndex();
  }
  const whole = Deno.readFileSync(folder.segment(-1));
  return {
    folder,
    whole,
    first: framesOf(whole)[0]?.first ?? 1,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/**
 * Opens a copy of the folder with another last segment, and checks that it is judged rightly.
 *
 * @param template The folder.
 * @param damaged The bytes of the last segment.
 * @param provenElsewhere What the index proves.
 * @returns What had to be done.
 */
export async function checkVerdict(
  template: LogTemplate,
  damaged: Uint8Array,
  provenElsewhere = 0,
): Promise<Verdict["kind"]> {
  const { whole, first } = template;
  const verdict = verdictOn(whole, damaged, provenElsewhere);
  await using folder = new TestFolder();
  copyFolder(template.folder.path, folder.path);
  const segment = folder.segment(-1);
  const file = `events/${folder.segmentName(-1)}`;
  Deno.writeFileSync(segment, damaged);
  const open = () => folder.open({ fileSystem: unsynced });
  if (verdict.kind === "refuse") {
    const refusal = await refusalOf(open, verdict.at, first);
    assertEquals(
      [refusal.file, refusal.offset, refusal.position],
      [file, verdict.offset, verdict.at],
    );
    assertEquals(Deno.readFileSync(segment), new Uint8Array(damaged));
    assertEquals(folder.names("quarantine"), []);
    return verdict.kind;
  }
  const head = verdict.kind === "cut"
    ? verdict.head
    : framesOf(whole).at(-1)?.last ?? 0;
  {
    await using store = await open();
    assertEquals(store.readOnlyCause, undefined);
    assertEquals(await positions(store), range(1, head));
    const { last } = await store.append([event("New", ["t:1"])]);
    assertEquals(last, head + 1);
    assertEquals((await store.verify()).problems, []);
  }
  if (verdict.kind === "cut") {
    const cut = damaged.subarray(verdict.offset);
    const kept = folder.names("quarantine");
    assertEquals(kept.length, cut.length === 0 ? 0 : 1);
    if (kept[0] !== undefined) {
      const copy = Deno.readFileSync(`${folder.path}/quarantine/${kept[0]}`);
      assertEquals(copy, new Uint8Array(cut));
    }
  }
  return verdict.kind;
}

/** What the store says when it refuses; reads of what stands before go on. */
async function refusalOf(
  open: () => Promise<FileEventStore>,
  at: number,
  first: number,
): Promise<LogCorruptionError> {
  if (at === 1 && first === 1) {
    // Nothing stands before it.
    return await assertRejects(open, LogCorruptionError);
  }
  await using store = await open();
  assertEquals(await positions(store), range(1, at - 1));
  const error = await assertRejects(
    () => store.append([event("New")]),
    StoreReadOnlyError,
  );
  assert(error.cause instanceof LogCorruptionError);
  return error.cause;
}

/** Every way of losing a part of a segment that is tried, at every byte or only some of them. */
export function* damagesOf(
  whole: Uint8Array<ArrayBuffer>,
  step: number,
  sectorBytes: number,
): Generator<{ readonly what: string; readonly bytes: Uint8Array }> {
  const borders = framesOf(whole).flatMap(({ offset, end }) => [
    offset,
    offset + 1,
    end - 1,
  ]);
  const steps = range(0, Math.ceil(whole.length / step) - 1).map((n) =>
    n * step
  );
  for (const at of new Set([...borders, ...steps])) {
    const flipped = whole.slice();
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
    yield { what: `byte ${at} flipped`, bytes: flipped };
  }
  for (let at = 0; at < whole.length; at += sectorBytes) {
    const end = Math.min(at + sectorBytes, whole.length);
    yield { what: `zeros from ${at}`, bytes: whole.slice().fill(0, at, end) };
    const old = whole.slice();
    // What stood elsewhere in the file, as of a page that was never written.
    old.copyWithin(at, (at + sectorBytes * 3 + 7) % (whole.length >> 1), end);
    yield { what: `old content from ${at}`, bytes: old };
  }
  for (let size = 0; size <= whole.length; size += step) {
    yield { what: `cut to ${size} bytes`, bytes: whole.subarray(0, size) };
  }
}
