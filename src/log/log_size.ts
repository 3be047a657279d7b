/**
 * How large a log is, without looking at all of its files each time.
 *
 * @module
 */
import type { FileSystem } from "../storage/file_system.ts";
import type { SegmentedLog } from "./segmented_log.ts";

/** The size of a log. Sealed segments never change: each is looked at once. */
export class LogSize {
  readonly #log: SegmentedLog;
  readonly #fileSystem: FileSystem;
  #sealed = 0;
  #sealedBytes = 0;

  /**
   * @param log The log.
   * @param fileSystem Where its segments are.
   */
  constructor(log: SegmentedLog, fileSystem: FileSystem) {
    this.#log = log;
    this.#fileSystem = fileSystem;
  }

  /** Size of all segments, in bytes, up to the end of the last frame. */
  get bytes(): number {
    const { segments, offset } = this.#log;
    const last = segments.length - 1;
    for (; this.#sealed < last; this.#sealed++) {
      const path = segments[this.#sealed]?.path ?? "";
      this.#sealedBytes += this.#fileSystem.stat(path)?.size ?? 0;
    }
    return this.#sealedBytes + offset;
  }
}
