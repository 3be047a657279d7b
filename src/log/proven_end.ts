/**
 * How much of the last segment some later frame proves to be durable.
 *
 * Each frame says how far the log had been synced when it was written. So what the last group of
 * frames does not prove is that group itself: its sync may have succeeded, or failed, or never
 * been called, and whoever opens the files cannot tell. After a failed sync the system counts the
 * pages as clean: they are read as if they were stored, a later sync "succeeds" without writing
 * them, and a power cut takes them. They are therefore written once more before anything relies on
 * them: the same bytes at the same place, so that a crash meanwhile changes nothing.
 *
 * What this relies on: that the system reads back what it wrote (file systems that show the old
 * content after a failed sync make the frames vanish, which nobody was told of); that a segment is
 * begun only after the one before was synced; and that a file system stops by itself when it
 * cannot write names of files, as ext4 and XFS do.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { FrameVisitor } from "./segmented_log.ts";

/** Watches frames being read. */
export class ProvenEnd {
  /** Position up to which the frames read so far prove the log durable. */
  durable: Position = 0;
  #segment: Position | undefined;
  /** Frames that are not proven durable: of one group only, as they stop the next. */
  #open: { readonly last: Position; readonly offset: number }[] = [];
  #end = 0;

  /** Where in the last segment the first frame begins that is not proven; its end if none. */
  get offset(): number {
    return this.#open[0]?.offset ?? this.#end;
  }

  /** Takes frames in order. */
  readonly visit: FrameVisitor = (segment, { frames }) => {
    if (this.#segment !== segment.first) {
      this.#segment = segment.first;
      this.#open = [];
    }
    for (
      const { first, count, durable, offset, headerBytes, bytes } of frames
    ) {
      this.#open.push({ last: first + count - 1, offset });
      this.#end = offset + headerBytes + bytes;
      if (durable <= this.durable) continue;
      this.durable = durable;
      this.#open = this.#open.filter(({ last }) => last > durable);
    }
  };
}
