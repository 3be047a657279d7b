/**
 * A file system whose process ends at its n-th change, for machines without a compiler. What
 * SQLite does by itself does not go through it: for that there is `shim.c`.
 *
 * @module
 */
import { denoFileSystem } from "../../../src/storage/deno_file_system.ts";
import type {
  FileHandle,
  FileSystem,
} from "../../../src/storage/file_system.ts";
import { FAULT_LINE, type FaultPoint } from "./messages.ts";

/**
 * Wraps the machine's file system.
 *
 * @param point When to end the process, and whether before, in the middle of or after the call.
 * @returns The file system.
 */
export function killingFileSystem(
  { at, kind, call: counted }: FaultPoint,
): FileSystem {
  let calls = 0;

  /** Whether this is the call. */
  function isNext(call: string): boolean {
    return (counted === undefined || counted === call) && ++calls === at;
  }

  /** Does something that has no middle. */
  function change<T>(call: string, path: string, action: () => T): T {
    const isDue = isNext(call);
    if (isDue && kind !== "after") end(call, path);
    const result = action();
    if (!isDue) return result;
    // Only what has been awaited has been done.
    if (!(result instanceof Promise)) end(call, path);
    return result.then(() => end(call, path)) as T;
  }

  function end(call: string, path: string): never {
    const line = `${FAULT_LINE} ${kind} ${call} ${path}\n`;
    Deno.stderr.writeSync(new TextEncoder().encode(line));
    Deno.kill(Deno.pid, "SIGKILL");
    throw new Error("This process should have ended");
  }

  function wrap(file: FileHandle, path: string): FileHandle {
    return {
      readAt: (buffer, offset) => file.readAt(buffer, offset),
      append(bytes) {
        const isDue = isNext("write");
        if (isDue && kind === "before") end("write", path);
        const part = isDue && kind === "half" ? bytes.length >> 1 : undefined;
        const written = file.append(bytes.subarray(0, part));
        if (isDue) end("write", path);
        return written;
      },
      truncate: (size) => change("ftruncate", path, () => file.truncate(size)),
      stat: () => file.stat(),
      size: () => file.size(),
      sync: () => change("fdatasync", path, () => file.sync()),
      tryLock: () => file.tryLock(),
      unlock: () => file.unlock(),
      close: () => file.close(),
      [Symbol.dispose]: () => file.close(),
    };
  }

  return {
    ...denoFileSystem,
    open(path, options) {
      const open = () => wrap(denoFileSystem.open(path, options), path);
      const creates = options.mode !== "read" && !denoFileSystem.exists(path);
      return creates ? change("create", path, open) : open();
    },
    makeDirectory: (path) =>
      change("mkdir", path, () => denoFileSystem.makeDirectory(path)),
    rename: (from, to) =>
      change("rename", to, () => denoFileSystem.rename(from, to)),
    remove: (path) => change("unlink", path, () => denoFileSystem.remove(path)),
    rewrite: (path, offset, bytes) =>
      change(
        "write",
        path,
        () => denoFileSystem.rewrite?.(path, offset, bytes),
      ),
    syncDirectory: (path) =>
      change("fsync", path, () => denoFileSystem.syncDirectory(path)),
  };
}
