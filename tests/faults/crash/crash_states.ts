/**
 * Every disk that a crash may leave, or as many of them as are wanted.
 *
 * What was synced is there. Of what was not, anything may be: any prefix, any subset, in any
 * order, torn at sectors, zeros or garbage instead, the size without the data. Names that were
 * created, replaced or removed are kept or lost each by itself, whatever became of the data.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import {
  applyContent,
  applyEntries,
  type ContentChange,
  digestOf,
  type DiskView,
  type FileView,
  type FolderView,
  type NodeId,
} from "./disk_view.ts";
import type { Random } from "./random.ts";

/** Disks write so much at a time, all or nothing. */
const SECTOR_BYTES = 512;

/** Of one file or folder, so many outcomes are listed before chance takes over. */
const LISTED_MAX = 48;

/** Up to so many changes, all subsets of them are listed. */
const SUBSETS_OF_MAX = 5;

type Bytes = Uint8Array<ArrayBuffer>;
type Entries = ReadonlyMap<string, NodeId>;

/** One thing of which a crash leaves one of several outcomes. */
interface Uncertain {
  readonly outcomes: readonly ((disk: MutableDisk) => void)[];
}

interface MutableDisk {
  readonly files: Map<NodeId, FileView>;
  readonly folders: Map<NodeId, FolderView>;
}

/**
 * The disks that a crash at one moment may leave, each once.
 *
 * @param view The disk at that moment.
 * @param random Chooses where there are too many.
 * @param countMax So many at most.
 */
export function* crashStates(
  view: DiskView,
  random: Random,
  countMax: number,
): Generator<DiskView> {
  const uncertain = uncertaintiesOf(view, random);
  const total = uncertain.reduce((n, { outcomes }) => n * outcomes.length, 1);
  const isExhaustive = total <= countMax;
  const seen = new Set<string>();
  // Beyond what chance finds anew, there may be nothing left to find.
  const triesMax = isExhaustive ? total : countMax * 3;
  for (let i = 0; i < triesMax && seen.size < countMax; i++) {
    const choices = isExhaustive
      ? numbered(uncertain, i)
      : chosen(uncertain, i, random);
    const disk: MutableDisk = {
      files: new Map(view.files),
      folders: new Map(view.folders),
    };
    uncertain.forEach(({ outcomes }, n) => outcomes[choices[n] ?? 0]?.(disk));
    const digest = digestOf(disk);
    if (seen.has(digest)) continue;
    seen.add(digest);
    yield disk;
  }
}

/** The i-th combination. */
function numbered(uncertain: readonly Uncertain[], i: number): number[] {
  let rest = i;
  return uncertain.map(({ outcomes }) => {
    const choice = rest % outcomes.length;
    rest = Math.floor(rest / outcomes.length);
    return choice;
  });
}

/** Everything lost, everything kept, then only one of them different, then anything. */
function chosen(
  uncertain: readonly Uncertain[],
  i: number,
  random: Random,
): number[] {
  const kept = uncertain.map(({ outcomes }) => outcomes.length - 1);
  if (i === 0) return uncertain.map(() => 0);
  if (i === 1) return kept;
  const any = () =>
    uncertain.map(({ outcomes }) => random.below(outcomes.length));
  if (random.below(3) > 0) return any();
  const one = random.below(uncertain.length);
  const base = random.below(2) === 0 ? kept : uncertain.map(() => 0);
  return base.map((choice, n) =>
    n === one ? random.below(uncertain[n]?.outcomes.length ?? 1) : choice
  );
}

function uncertaintiesOf(view: DiskView, random: Random): Uncertain[] {
  const uncertain: Uncertain[] = [];
  for (const [node, folder] of view.folders) {
    if (folder.changes.length === 0) continue;
    const outcomes = entriesAfterCrash(folder, random).map(
      (entries) => (disk: MutableDisk) =>
        void disk.folders.set(node, { entries, changes: [] }),
    );
    uncertain.push({ outcomes });
  }
  for (const [node, file] of view.files) {
    if (file.changes.length === 0) continue;
    const outcomes = contentsAfterCrash(file, random).map(
      (base) => (disk: MutableDisk) =>
        void disk.files.set(node, { base, changes: [] }),
    );
    uncertain.push({ outcomes });
  }
  return uncertain;
}

/** What a folder may hold; nothing of its changes first, all of them last. */
export function entriesAfterCrash(
  { entries, changes }: FolderView,
  random: Random,
): Entries[] {
  return subsetsOf(changes, random).map((kept) => applyEntries(entries, kept));
}

/** What a file may hold; nothing of its changes first, all of them last. */
export function contentsAfterCrash(
  { base, changes }: FileView,
  random: Random,
): Bytes[] {
  const whole = applyContent(base, changes);
  const found = new Map<string, Bytes>();
  const add = (bytes: Bytes) => {
    const key = textOf(bytes);
    if (found.size < LISTED_MAX) found.set(key, bytes);
  };
  add(base);
  for (const [i, change] of changes.entries()) {
    const before = changes.slice(0, i);
    for (const part of partsOf(change)) {
      add(applyContent(base, [...before, part]));
    }
    // The size is written, the data is not.
    add(resized(base, applyContent(base, [...before, change]).length));
  }
  for (const kept of subsetsOf(changes, random)) {
    add(applyContent(base, kept));
  }
  const uncertainFrom = Math.min(
    base.length,
    ...changes.map((change) =>
      change.kind === "append" ? change.at : change.size
    ),
  );
  const fillings = fillingsOf(base, changes, random);
  const listed = Math.min(LISTED_MAX, found.size + 16);
  for (let i = 0; i < 64 && found.size < listed; i++) {
    const cut = random.below(3) === 0
      ? uncertainFrom + random.below(whole.length - uncertainFrom + 1)
      : whole.length;
    add(scrambled(whole.slice(0, cut), uncertainFrom, fillings, random));
  }
  found.delete(textOf(whole));
  return [...found.values(), whole];
}

function textOf({ buffer, byteOffset, length }: Bytes): string {
  return Buffer.from(buffer, byteOffset, length).toString("latin1");
}

/** What a sector that was not written may hold instead. */
type Filling = (sector: Bytes, at: number) => void;

function fillingsOf(
  base: Bytes,
  changes: readonly ContentChange[],
  random: Random,
): Filling[] {
  const earlier = changes.map((_, i) =>
    applyContent(base, changes.slice(0, i + 1))
  );
  const old = [base, ...earlier];
  return [
    () => {},
    (sector) => void sector.fill(0),
    (sector) => sector.set(random.bytes(sector.length)),
    // What stood there before it was cut off or written again.
    (sector, at) => {
      const bytes = random.of(old).subarray(at, at + sector.length);
      sector.fill(0);
      sector.set(bytes);
    },
    // What once belonged to something else: here, to the same file.
    (sector) => {
      const bytes = base.subarray(0, sector.length);
      sector.fill(0);
      sector.set(bytes);
    },
  ];
}

/** The same bytes with each uncertain sector written, or filled with something else. */
function scrambled(
  bytes: Bytes,
  from: number,
  fillings: readonly Filling[],
  random: Random,
): Bytes {
  for (let at = from; at < bytes.length;) {
    const end = Math.min(
      bytes.length,
      (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES,
    );
    random.of(fillings)(bytes.subarray(at, end), at);
    at = end;
  }
  return bytes;
}

/** A change that happened in part: cut at its ends, in its middle, and at each sector. */
function* partsOf(change: ContentChange): Generator<ContentChange> {
  if (change.kind === "append") {
    const { at, bytes } = change;
    const { length } = bytes;
    const cuts = new Set([1, length >> 1, length - 1]);
    const first = SECTOR_BYTES - at % SECTOR_BYTES;
    for (let cut = first; cut < length; cut += SECTOR_BYTES) cuts.add(cut);
    for (const cut of cuts) {
      if (cut > 0 && cut < length) {
        yield { ...change, bytes: bytes.slice(0, cut) };
      }
    }
  }
  yield change;
}

function resized(bytes: Bytes, size: number): Bytes {
  const result = new Uint8Array(size);
  result.set(bytes.subarray(0, size));
  return result;
}

/** All subsets in order where they are few, else none, all, each prefix and some by chance. */
function subsetsOf<T>(changes: readonly T[], random: Random): T[][] {
  const { length } = changes;
  const subsets: T[][] = [];
  if (length <= SUBSETS_OF_MAX) {
    for (let mask = 0; mask < 1 << length; mask++) {
      subsets.push(changes.filter((_, i) => mask >> i & 1));
    }
    return subsets;
  }
  for (let i = 0; i < length; i++) subsets.push(changes.slice(0, i));
  for (let i = 0; i < LISTED_MAX / 2; i++) {
    subsets.push(changes.filter(() => random.below(2) === 0));
  }
  subsets.push([...changes]);
  return subsets;
}
