/**
 * What a disk holds for certain, and what it may or may not hold: everything that was written
 * since the last sync.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** Tells a file or folder from every other one, whatever its name. */
export type NodeId = number;

/** A change of a file's content. */
export type ContentChange =
  | {
    readonly kind: "append";
    readonly at: number;
    readonly bytes: Bytes;
    /** Whether a sync of it failed: the system takes it for written, and no later sync writes it. */
    readonly lapsed?: boolean;
  }
  | { readonly kind: "truncate"; readonly size: number };

/** A change of what a folder holds. */
export type EntryChange =
  | { readonly kind: "link"; readonly name: string; readonly node: NodeId }
  | { readonly kind: "unlink"; readonly name: string; readonly node: NodeId }
  | {
    readonly kind: "rename";
    readonly from: string;
    readonly to: string;
    readonly node: NodeId;
  };

type Bytes = Uint8Array<ArrayBuffer>;

/** A file: what was synced, and what was changed since, in order. */
export interface FileView {
  readonly base: Bytes;
  readonly changes: readonly ContentChange[];
}

/** A folder: the entries that were synced, and what was changed since, in order. */
export interface FolderView {
  readonly entries: ReadonlyMap<string, NodeId>;
  readonly changes: readonly EntryChange[];
}

/** A whole disk at one moment. Without changes, it is what a crash left. */
export interface DiskView {
  readonly files: ReadonlyMap<NodeId, FileView>;
  readonly folders: ReadonlyMap<NodeId, FolderView>;
}

/** The folder that all others are in. */
export const ROOT: NodeId = 0;

/** An empty disk. */
export const EMPTY_DISK: DiskView = {
  files: new Map(),
  folders: new Map([[ROOT, { entries: new Map(), changes: [] }]]),
};

/** The content after some changes; what was skipped before them reads as zeros. */
export function applyContent(
  base: Bytes,
  changes: readonly ContentChange[],
): Bytes {
  let bytes = base;
  for (const change of changes) {
    const size = change.kind === "truncate"
      ? change.size
      : Math.max(bytes.length, change.at + change.bytes.length);
    const next = new Uint8Array(size);
    next.set(bytes.subarray(0, Math.min(bytes.length, size)));
    if (change.kind === "append") next.set(change.bytes, change.at);
    bytes = next;
  }
  return bytes;
}

/** The entries after some changes, each of which happens as far as it still can. */
export function applyEntries(
  entries: ReadonlyMap<string, NodeId>,
  changes: readonly EntryChange[],
): ReadonlyMap<string, NodeId> {
  if (changes.length === 0) return entries;
  const result = new Map(entries);
  for (const change of changes) {
    const { node } = change;
    if (change.kind === "link") result.set(change.name, node);
    else if (change.kind === "rename") {
      if (result.get(change.from) === node) result.delete(change.from);
      result.set(change.to, node);
    } else if (result.get(change.name) === node) result.delete(change.name);
  }
  return result;
}

/**
 * What is certain of a file, and what stays open, after a sync of its first changes succeeded.
 *
 * @param file The file.
 * @param count How many changes the sync was asked to write.
 */
export function syncedFile(
  { base, changes }: FileView,
  count: number,
): FileView {
  let open: Append[] = [];
  let synced = base;
  for (const change of changes.slice(0, count)) {
    if (change.kind === "append" && change.lapsed) open.push(change);
    else {
      synced = applyContent(synced, [change]);
      open = open.flatMap((earlier) => leftOf(earlier, change));
    }
  }
  return { base: synced, changes: [...open, ...changes.slice(count)] };
}

type Append = Extract<ContentChange, { kind: "append" }>;

/**
 * What becomes of a change when a program writes over itself what stands from `offset` to `end`:
 * where a sync of it failed, the next one writes it nevertheless.
 */
export function renewed(
  change: ContentChange,
  offset: number,
  end: number,
): ContentChange[] {
  if (change.kind === "truncate" || !change.lapsed) return [change];
  const { at, bytes } = change;
  const cut = (position: number) =>
    Math.min(bytes.length, Math.max(0, position - at));
  const [from, to] = [cut(offset), cut(end)];
  const parts: Append[] = [
    { ...change, bytes: bytes.slice(0, from) },
    { kind: "append", at: at + from, bytes: bytes.slice(from, to) },
    { ...change, at: at + to, bytes: bytes.slice(to) },
  ];
  return parts.filter((part) => part.bytes.length > 0);
}

/** What a later change that was written leaves of one that was not. */
function leftOf(earlier: Append, written: ContentChange): Append[] {
  const end = earlier.at + earlier.bytes.length;
  const [from, to] = written.kind === "truncate"
    ? [written.size, Infinity]
    : [written.at, written.at + written.bytes.length];
  if (to <= earlier.at || from >= end) return [earlier];
  // What stands behind it in the same write is of no use without it.
  const bytes = earlier.bytes.slice(0, Math.max(0, from - earlier.at));
  return bytes.length === 0 ? [] : [{ ...earlier, bytes }];
}

/** The path of every file and folder that can be reached. */
export function* pathsOf(
  disk: DiskView,
  folder: NodeId = ROOT,
  prefix = "",
): Generator<readonly [path: string, node: NodeId]> {
  const view = disk.folders.get(folder);
  if (view === undefined) return;
  const entries = applyEntries(view.entries, view.changes);
  for (const [name, node] of [...entries].sort(([a], [b]) => a < b ? -1 : 1)) {
    const path = `${prefix}/${name}`;
    yield [path, node];
    if (disk.folders.has(node)) yield* pathsOf(disk, node, path);
  }
}

/** The content of a file, as programs see it. */
export function contentOf(disk: DiskView, node: NodeId): Bytes | undefined {
  const file = disk.files.get(node);
  return file && applyContent(file.base, file.changes);
}

/** Tells disks apart by everything that programs see on them. */
export function digestOf(disk: DiskView): string {
  const hash = createHash("sha1");
  for (const [path, node] of pathsOf(disk)) {
    const bytes = contentOf(disk, node);
    hash.update(`${path} ${bytes?.length}\n`);
    if (bytes) hash.update(bytes);
  }
  return hash.digest("base64");
}
