/**
 * File systems that other machines share. Locks and memory maps keep apart the processes of one
 * machine; across a network they are emulated, if at all, and a cache may serve what another
 * machine replaced.
 *
 * @module
 */
import type { FileSystem } from "./file_system.ts";

/** Of `statfs(2)` on Linux. */
const NETWORK_TYPES: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "SMB (cifs)"],
  [0xfe534d42, "SMB (smb2)"],
  [0x5346414f, "AFS"],
  [0x6b414653, "AFS (kafs)"],
  [0x00c36400, "Ceph"],
  [0x0bd00bd0, "Lustre"],
  [0x47504653, "GPFS"],
  [0x19830326, "BeeGFS"],
  [0x73757245, "Coda"],
  [0x7461636f, "OCFS2"],
  [0x01161970, "GFS2"],
]);

/** Of a network, or of this machine: these do not tell. */
const UNCLEAR_TYPES: ReadonlyMap<number, string> = new Map([
  [0x65735546, "FUSE"],
  [0x01021997, "9p"],
]);

/**
 * The data folder is on a file system that other machines share. Move it to a local disk, or, when
 * no other machine ever opens it, set `allowNetworkFileSystem`.
 */
export class NetworkFileSystemError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "NetworkFileSystemError";

  /**
   * Creates the error.
   *
   * @param path The data folder.
   * @param fileSystem What it is on: `"NFS"`.
   */
  constructor(
    /** The data folder. */
    readonly path: string,
    /** What it is on: `"NFS"`. */
    readonly fileSystem: string,
  ) {
    super(
      `Cannot open the store at "${path}" as it is on a network file system (${fileSystem}), ` +
        "where locks are not to be relied on: move it to a local disk, or set " +
        "'allowNetworkFileSystem' when only one machine opens it",
    );
  }
}

/** What to make of a network file system. */
export interface LocalCheckOptions {
  readonly fileSystem: FileSystem;
  /** Whether not to refuse it. */
  readonly allowNetworkFileSystem: boolean;
}

/**
 * Refuses a folder on a file system that other machines share, as far as the system tells.
 *
 * @param path The folder; it need not exist yet.
 * @param options What to make of it.
 * @returns What to warn of: the name of a file system that is, or may be, on a network.
 * @throws {NetworkFileSystemError} If it is on one, and that is not allowed.
 */
export function assertLocal(
  path: string,
  { fileSystem, allowNetworkFileSystem }: LocalCheckOptions,
): string | undefined {
  const type = fileSystem.type?.(path);
  if (type === undefined) return undefined;
  const network = NETWORK_TYPES.get(type);
  if (network !== undefined && !allowNetworkFileSystem) {
    throw new NetworkFileSystemError(path, network);
  }
  return network ?? UNCLEAR_TYPES.get(type);
}
