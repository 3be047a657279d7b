/**
 * The folders of projections on the real disk, of which every change is watched: SQLite works
 * there as well, past the port.
 *
 * What SQLite committed is taken for durable, as the pragmas of a generation ask for that: a
 * rollback journal with `synchronous = FULL` while it is built, WAL afterwards, whose last
 * commits a power cut may take back (here: with the name of the `-wal` file). A generation under
 * construction, however, counts as durable only once the port was asked to sync it, and names
 * only once the port was asked to sync their folder, although SQLite syncs some as well.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { denoFileSystem } from "../../../src/storage/deno_file_system.ts";
import type {
  FileHandle,
  FileSystem,
  OpenFileOptions,
} from "../../../src/storage/file_system.ts";
import {
  applyEntries,
  type DiskView,
  type EntryChange,
  type FileView,
  type FolderView,
  type NodeId,
  pathsOf,
  ROOT,
} from "./disk_view.ts";

/** The folders below the data folder that a crash may change, outermost first. */
const FOLDERS = ["", "projections", "projections/Sums"] as const;

/** Written by SQLite, and by nobody else. */
const BY_SQLITE = /\.sqlite(-wal|-journal)?$/;

/** Passes everything on to the machine, and remembers how the folders stood after each change. */
export class RecordedFolders implements FileSystem {
  readonly views: DiskView[] = [];
  /** What was done before each view. */
  readonly operations: string[] = [];

  readonly #path: string;
  readonly #nodes = new Map<string, NodeId>();
  readonly #files = new Map<NodeId, FileView>();
  readonly #folders = new Map<NodeId, FolderView>();

  /** What was under construction when it was looked at last. */
  readonly #builds = new Set<NodeId>();
  /** Files that were synced through the port, by what they held. */
  readonly #synced = new Map<NodeId, Uint8Array<ArrayBuffer>>();

  /** @param path The data folder, which is durable as it is, but for projections. */
  constructor(path: string) {
    this.#path = path;
    this.#folders.set(ROOT, { entries: new Map(), changes: [] });
    this.#record("begin");
  }

  open(path: string, options: OpenFileOptions): FileHandle {
    const inner = denoFileSystem.open(path, options);
    if (options.mode !== "read") this.#record(`open ${path}`);
    const node = this.#nodeOf(inner.stat().identity);
    return {
      readAt: (buffer, offset) => inner.readAt(buffer, offset),
      append: (bytes) => {
        const written = inner.append(bytes);
        this.#record(`append ${path}`);
        return written;
      },
      truncate: (size) => inner.truncate(size),
      stat: () => inner.stat(),
      size: () => inner.size(),
      sync: async () => {
        await inner.sync();
        this.#synced.set(node, Deno.readFileSync(path));
        this.#record(`sync ${path}`);
      },
      tryLock: () => inner.tryLock(),
      unlock: () => inner.unlock(),
      close: () => inner.close(),
      [Symbol.dispose]: () => inner.close(),
    };
  }

  makeDirectory(path: string): void {
    denoFileSystem.makeDirectory(path);
    this.#record(`makeDirectory ${path}`);
  }

  list(path: string): string[] {
    return denoFileSystem.list(path);
  }

  stat(path: string): ReturnType<FileSystem["stat"]> {
    return denoFileSystem.stat(path);
  }

  exists(path: string): boolean {
    return denoFileSystem.exists(path);
  }

  rename(from: string, to: string): void {
    denoFileSystem.rename(from, to);
    this.#record(`rename ${from} to ${to}`);
  }

  remove(path: string): void {
    if (!denoFileSystem.exists(path)) return;
    denoFileSystem.remove(path);
    this.#record(`remove ${path}`);
  }

  async syncDirectory(path: string): Promise<void> {
    // What SQLite did meanwhile is synced with the rest.
    this.#observe();
    await denoFileSystem.syncDirectory(path);
    const folder = this.#folderAt(path);
    if (folder !== undefined) {
      const { entries, changes } = this.#folders.get(folder) ?? NOTHING;
      const synced = applyEntries(entries, changes);
      this.#folders.set(folder, { entries: synced, changes: [] });
    }
    this.#record(`syncDirectory ${path}`);
  }

  #folderAt(path: string): NodeId | undefined {
    if (path === this.#path) return ROOT;
    const stat = denoFileSystem.stat(path);
    const node = stat && this.#nodeOf(stat.identity);
    return node !== undefined && this.#folders.has(node) ? node : undefined;
  }

  #nodeOf(identity: string): NodeId {
    let node = this.#nodes.get(identity);
    if (node === undefined) {
      node = this.#nodes.size + 1;
      this.#nodes.set(identity, node);
    }
    return node;
  }

  #record(operation: string): void {
    this.#observe();
    this.operations.push(operation.replaceAll(`${this.#path}/`, ""));
    this.views.push({
      files: new Map(this.#files),
      folders: new Map(this.#folders),
    });
  }

  /** Notes what changed, whoever did it. */
  #observe(): void {
    for (const name of FOLDERS) {
      const path = join(this.#path, name);
      const folder = name === "" ? ROOT : this.#folderAt(path) ??
        this.#newFolder(path);
      if (folder === undefined) continue;
      const present = new Map<string, NodeId>();
      for (const entry of denoFileSystem.list(path)) {
        const isWatched = name === ""
          ? entry === "projections"
          : !entry.endsWith("-shm");
        const stat = isWatched
          ? denoFileSystem.stat(join(path, entry))
          : undefined;
        if (stat) present.set(entry, this.#nodeOf(stat.identity));
      }
      this.#noteEntries(folder, present);
      if (name === FOLDERS.at(-1)) this.#noteContents(path, present);
    }
  }

  #newFolder(path: string): NodeId | undefined {
    const stat = denoFileSystem.stat(path);
    if (!stat) return undefined;
    const node = this.#nodeOf(stat.identity);
    this.#folders.set(node, NOTHING);
    return node;
  }

  #noteEntries(folder: NodeId, present: ReadonlyMap<string, NodeId>): void {
    const { entries, changes } = this.#folders.get(folder) ?? NOTHING;
    const known = applyEntries(entries, changes);
    const gone = [...known].filter(([name]) => !present.has(name));
    const more: EntryChange[] = [];
    for (const [name, node] of present) {
      if (known.get(name) === node) continue;
      const from = gone.findIndex(([, old]) => old === node);
      const renamed = from < 0 ? undefined : gone.splice(from, 1)[0]?.[0];
      more.push(
        renamed === undefined
          ? { kind: "link", name, node }
          : { kind: "rename", from: renamed, to: name, node },
      );
    }
    for (const [name, node] of gone) more.push({ kind: "unlink", name, node });
    if (more.length === 0) return;
    this.#folders.set(folder, { entries, changes: [...changes, ...more] });
  }

  #noteContents(path: string, present: ReadonlyMap<string, NodeId>): void {
    for (const [name, node] of present) {
      const bytes = Deno.readFileSync(join(path, name));
      const synced = this.#synced.get(node);
      // What is written to a build after its sync is not part of it.
      const isSynced = synced !== undefined && equals(synced, bytes);
      const isBuilding = name.endsWith(".building.sqlite");
      const wasBuilding = this.#builds.delete(node);
      if (isBuilding) this.#builds.add(node);
      const isServing = BY_SQLITE.test(name) && !isBuilding && !wasBuilding &&
        !this.#isRenamedBuild(node);
      const isDurable = isSynced || isServing;
      this.#files.set(
        node,
        isDurable ? { base: bytes, changes: [] } : {
          base: new Uint8Array(),
          changes: [{ kind: "append", at: 0, bytes }],
        },
      );
    }
  }

  #isRenamedBuild(node: NodeId): boolean {
    return (this.#files.get(node)?.changes.length ?? 0) > 0;
  }
}

function equals(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

const NOTHING: FolderView = { entries: new Map(), changes: [] };

/** Writes what a crash left into a data folder that has nothing of it. */
export function materialise(disk: DiskView, path: string): void {
  for (const [name, node] of pathsOf(disk)) {
    const bytes = disk.files.get(node)?.base;
    if (bytes === undefined) Deno.mkdirSync(path + name);
    else Deno.writeFileSync(path + name, bytes);
  }
}
