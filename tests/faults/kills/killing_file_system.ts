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
 * @param point When to end the process, and whether before, in the middle of or after the call; or
 * which call fails, and when to end it after that.
 * @returns The file system.
 */
export function killingFileSystem(
  { at, kind, call: counted, killAfter = Infinity }: FaultPoint,
): FileSystem {
  let calls = 0;
  let callsSince: number | undefined;

  /** Whether this is the call to be killed at. Fails itself where that is what is to happen. */
  function isNext(call: string, path: string): boolean {
    if (callsSince !== undefined) {
      if (++callsSince === killAfter) end(call, path);
      return false;
    }
    const counts = counted === undefined || call.endsWith(counted);
    if (!counts || ++calls !== at) return false;
    if (kind === "before" || kind === "half" || kind === "after") return true;
    callsSince = 0;
    tell(call, path);
    throw Object.assign(new Error(`${kind}: injected`), { code: kind });
  }

  /** Does something that has no middle. */
  function change<T>(call: string, path: string, action: () => T): T {
    const isDue = isNext(call, path);
    if (isDue && kind !== "after") end(call, path);
    const result = action();
    if (!isDue) return result;
    // Only what has been awaited has been done.
    if (!(result instanceof Promise)) end(call, path);
    return result.then(() => end(call, path)) as T;
  }

  function tell(call: string, path: string): void {
    const line = `${FAULT_LINE} ${kind} ${call} ${path}\n`;
    Deno.stderr.writeSync(new TextEncoder().encode(line));
  }

  function end(call: string, path: string): never {
    tell(call, path);
    Deno.kill(Deno.pid, "SIGKILL");
    throw new Error("This process should have ended");
  }

  function wrap(file: FileHandle, path: string): FileHandle {
    return {
      readAt: (buffer, offset) => file.readAt(buffer, offset),
      append(bytes) {
        const isDue = isNext("write", path);
        if (isDue && kind === "before") end("write", path);
        const part = isDue && kind === "half" ? bytes.length >> 1 : undefined;
        const written = file.append(bytes.subarray(0, part));
        if (isDue) end("write", path);
        return written;
      },
      truncate: (size) => change("ftruncate", path, () => file.truncate(size)),
      stat: () => file.stat(),
      size: () => file.size(),
      sync: async () => await change("fdatasync", path, () => file.sync()),
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
    syncDirectory: async (path) =>
      await change("fsync", path, () => denoFileSystem.syncDirectory(path)),
  };
}
