/**
 * A file system in memory that knows what is durable: synced content, and entries of synced
 * folders. It remembers how the disk stood after each change, for crashes to be derived from.
 *
 * @module
 */
import type {
  Database,
  FileHandle,
  FileStat,
  FileSystem,
  OpenFileOptions,
} from "../../../src/storage/file_system.ts";
import {
  applyContent,
  applyEntries,
  type ContentChange,
  digestOf,
  type DiskView,
  EMPTY_DISK,
  type EntryChange,
  type FileView,
  type FolderView,
  type NodeId,
  renewed,
  ROOT,
  syncedFile,
} from "./disk_view.ts";
import type { SimulatedDatabases } from "./simulated_databases.ts";

/** A change of the disk, or a sync. */
export interface DiskOperation {
  readonly kind:
    | "append"
    | "truncate"
    | "sync"
    | "makeDirectory"
    | "create"
    | "rename"
    | "remove"
    | "rewrite"
    | "syncDirectory";
  readonly path: string;
}

/**
 * What is to go wrong: the error's code, after so many bytes of an append. `"SIGKILL"`, in a sync,
 * ends the program: it hears nothing more, and its locks are free.
 */
export interface DiskFault {
  readonly code: string;
  readonly bytesTaken?: number;
}

interface LiveFile {
  bytes: Uint8Array<ArrayBuffer>;
  holder: object | undefined;
}

/** A file system in memory. Two stores over the same one are two processes. */
export class SimulatedDisk implements FileSystem {
  /** Every change so far. */
  readonly operations: DiskOperation[] = [];
  /** How the disk stood after so many changes. */
  readonly views: DiskView[] = [];
  /** Called after each change, and asked for what is to go wrong before it. */
  onOperation: (operation: DiskOperation) => void = () => {};
  /** Asked before each change for what is to go wrong with it. */
  faultOf: (operation: DiskOperation) => DiskFault | undefined = () =>
    undefined;

  readonly #databases: SimulatedDatabases;
  readonly #isRecording: boolean;
  readonly #files: Map<NodeId, FileView>;
  readonly #folders: Map<NodeId, FolderView>;
  readonly #live = new Map<NodeId, LiveFile>();
  readonly #entries = new Map<NodeId, ReadonlyMap<string, NodeId>>();
  #lastNode: NodeId;

  /**
   * @param databases Where SQLite keeps what belongs here.
   * @param view What is there. Its changes are in the page cache: its writer was killed.
   * @param options Whether to remember each view.
   */
  constructor(
    databases: SimulatedDatabases,
    view: DiskView = EMPTY_DISK,
    { isRecording = true }: { readonly isRecording?: boolean } = {},
  ) {
    this.#databases = databases;
    this.#isRecording = isRecording;
    this.#files = new Map(view.files);
    this.#folders = new Map(view.folders);
    this.#lastNode = Math.max(...view.files.keys(), ...view.folders.keys());
    for (const [node, { base, changes }] of view.files) {
      const bytes = applyContent(base, changes);
      this.#live.set(node, { bytes, holder: undefined });
    }
    for (const [node, { entries, changes }] of view.folders) {
      this.#entries.set(node, applyEntries(entries, changes));
    }
    if (isRecording) this.views.push(this.view());
  }

  /** The disk at this moment. */
  view(): DiskView {
    return { files: new Map(this.#files), folders: new Map(this.#folders) };
  }

  open(path: string, { mode }: OpenFileOptions): FileHandle {
    const node = this.#find(path);
    if (node !== undefined) {
      if (mode === "createNew") throw systemError("EEXIST", "open", path);
      return this.#handle(node, path);
    }
    if (mode === "read") throw systemError("ENOENT", "open", path);
    const operation = { kind: "create", path } as const;
    this.#fail(operation);
    const { folder, name } = this.#parentOf(path);
    const created = ++this.#lastNode;
    this.#files.set(created, { base: new Uint8Array(), changes: [] });
    this.#live.set(created, { bytes: new Uint8Array(), holder: undefined });
    this.#changeEntry(folder, { kind: "link", name, node: created });
    this.#record(operation);
    return this.#handle(created, path);
  }

  makeDirectory(path: string): void {
    if (this.#find(path) !== undefined) return;
    const parent = path.slice(0, path.lastIndexOf("/"));
    if (parent !== "") this.makeDirectory(parent);
    const operation = { kind: "makeDirectory", path } as const;
    this.#fail(operation);
    const { folder, name } = this.#parentOf(path);
    const node = ++this.#lastNode;
    this.#folders.set(node, { entries: new Map(), changes: [] });
    this.#entries.set(node, new Map());
    this.#changeEntry(folder, { kind: "link", name, node });
    this.#record(operation);
  }

  list(path: string): string[] {
    const node = this.#find(path);
    const entries = node === undefined ? undefined : this.#entries.get(node);
    return [...entries?.keys() ?? []].sort();
  }

  stat(path: string): FileStat | undefined {
    const node = this.#find(path);
    return node === undefined ? undefined : this.#statOf(node);
  }

  exists(path: string): boolean {
    return this.#find(path) !== undefined;
  }

  rename(from: string, to: string): void {
    const operation = { kind: "rename", path: to } as const;
    this.#fail(operation);
    const node = this.#find(from);
    const source = this.#parentOf(from);
    const target = this.#parentOf(to);
    if (node === undefined) throw systemError("ENOENT", "rename", from);
    if (source.folder !== target.folder) {
      throw systemError("EXDEV", "rename", to);
    }
    this.#changeEntry(source.folder, {
      kind: "rename",
      from: source.name,
      to: target.name,
      node,
    });
    this.#record(operation);
  }

  remove(path: string): void {
    this.#databases.remove(path);
    const node = this.#find(path);
    if (node === undefined) return;
    const operation = { kind: "remove", path } as const;
    this.#fail(operation);
    const { folder, name } = this.#parentOf(path);
    this.#changeEntry(folder, { kind: "unlink", name, node });
    this.#record(operation);
  }

  rewrite(path: string, offset: number, bytes: Uint8Array): void {
    const operation = { kind: "rewrite", path } as const;
    this.#fail(operation);
    const node = this.#find(path);
    const file = node === undefined ? undefined : this.#files.get(node);
    if (node === undefined || file === undefined) {
      throw systemError("ENOENT", "rewrite", path);
    }
    const there = this.#live.get(node)?.bytes.subarray(offset) ?? [];
    if (bytes.some((byte, i) => byte !== there[i])) {
      throw new TypeError(`Not what stands in "${path}" at byte ${offset}`);
    }
    const end = offset + bytes.length;
    const changes = file.changes
      .flatMap((change) => renewed(change, offset, end));
    this.#files.set(node, { base: file.base, changes });
    this.#record(operation);
  }

  async syncDirectory(path: string): Promise<void> {
    const node = this.#find(path);
    const before = node === undefined ? undefined : this.#folders.get(node);
    if (node === undefined || before === undefined) {
      throw systemError("ENOENT", "syncDirectory", path);
    }
    const operation = { kind: "syncDirectory", path } as const;
    const fault = this.faultOf(operation);
    const count = before.changes.length;
    await this.#untilSynced(fault);
    const { entries, changes } = this.#folders.get(node) ?? before;
    // Names are journaled: after a failure they are still to be written, unlike data.
    if (!fault) {
      this.#folders.set(node, {
        entries: applyEntries(entries, changes.slice(0, count)),
        changes: changes.slice(count),
      });
    }
    this.#record(operation);
    if (fault) throw systemError(fault.code, "syncDirectory", path);
  }

  openDatabase(path: string): Database {
    return this.#databases.open(path);
  }

  /** Tells the disk from every other one by what programs see there. */
  digest(): string {
    return digestOf(this.view());
  }

  #find(path: string): NodeId | undefined {
    let node: NodeId | undefined = ROOT;
    for (const name of path.split("/")) {
      if (name === "") continue;
      node = this.#entries.get(node)?.get(name);
      if (node === undefined) return undefined;
    }
    return node;
  }

  #parentOf(path: string): { folder: NodeId; name: string } {
    const slash = path.lastIndexOf("/");
    const folder = this.#find(path.slice(0, slash));
    if (folder === undefined) throw systemError("ENOENT", "find", path);
    return { folder, name: path.slice(slash + 1) };
  }

  #statOf(node: NodeId): FileStat {
    const size = this.#live.get(node)?.bytes.length ?? 0;
    return { size, identity: `1:${node}`, modifiedMs: 0 };
  }

  #changeEntry(folder: NodeId, change: EntryChange): void {
    const { entries, changes } = this.#folders.get(folder) ??
      { entries: new Map(), changes: [] };
    this.#folders.set(folder, { entries, changes: [...changes, change] });
    const live = this.#entries.get(folder) ?? new Map();
    this.#entries.set(folder, applyEntries(live, [change]));
  }

  #changeContent(node: NodeId, change: ContentChange): void {
    const file = this.#files.get(node);
    const live = this.#live.get(node);
    if (!file || !live) throw new TypeError(`No file ${node}`);
    const changes = [...file.changes, change];
    this.#files.set(node, { base: file.base, changes });
    live.bytes = applyContent(live.bytes, [change]);
  }

  async #sync(node: NodeId, path: string): Promise<void> {
    const operation = { kind: "sync", path } as const;
    const fault = this.faultOf(operation);
    const count = this.#files.get(node)?.changes.length ?? 0;
    // What is written meanwhile is not part of it.
    await this.#untilSynced(fault);
    const file = this.#files.get(node);
    if (!file) throw new TypeError(`No file ${node}`);
    if (fault) {
      const changes = file.changes.map((change, i) =>
        i < count && change.kind === "append"
          ? { ...change, lapsed: true }
          : change
      );
      this.#files.set(node, { base: file.base, changes });
    } else this.#files.set(node, syncedFile(file, count));
    this.#record(operation);
    if (fault) throw systemError(fault.code, "sync", path);
  }

  #handle(node: NodeId, path: string): FileHandle {
    const live = this.#live.get(node);
    if (!live) throw systemError("EISDIR", "open", path);
    const close = () => {
      if (live.holder === handle) live.holder = undefined;
    };
    const handle: FileHandle = {
      readAt: (buffer, offset) => {
        const read = live.bytes.subarray(offset, offset + buffer.length);
        buffer.set(read);
        return read.length;
      },
      append: (bytes) => {
        const operation = { kind: "append", path } as const;
        const fault = this.faultOf(operation);
        const taken = bytes.slice(0, fault ? fault.bytesTaken ?? 0 : undefined);
        if (taken.length > 0) {
          const at = live.bytes.length;
          this.#changeContent(node, { kind: "append", at, bytes: taken });
          this.#record(operation);
        }
        if (fault) throw systemError(fault.code, "append", path);
        return taken.length;
      },
      truncate: (size) => {
        const operation = { kind: "truncate", path } as const;
        this.#fail(operation);
        this.#changeContent(node, { kind: "truncate", size });
        this.#record(operation);
      },
      stat: () => this.#statOf(node),
      size: () => live.bytes.length,
      sync: () => this.#sync(node, path),
      tryLock: () => {
        live.holder ??= handle;
        return live.holder === handle;
      },
      unlock: close,
      close,
      [Symbol.dispose]: close,
    };
    return handle;
  }

  async #untilSynced(fault: DiskFault | undefined): Promise<void> {
    if (fault?.code !== "SIGKILL") return;
    for (const file of this.#live.values()) file.holder = undefined;
    await new Promise<never>(() => {});
  }

  #fail(operation: DiskOperation): void {
    const fault = this.faultOf(operation);
    if (fault) throw systemError(fault.code, operation.kind, operation.path);
  }

  #record(operation: DiskOperation): void {
    if (!this.#isRecording) return;
    this.operations.push(operation);
    this.views.push(this.view());
    this.onOperation(operation);
  }
}

function systemError(code: string, action: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${action} "${path}"`), { code });
}
