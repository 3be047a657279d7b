/**
 * What an inspection finds in a data folder, besides damage to the log. Types only.
 *
 * @module
 */
import type { Position } from "../events/event.ts";

/**
 * What helps:
 *
 * - `"cut"`: cut off a torn end, with a copy in `quarantine/`; opening the store does the same;
 * - `"remake"`: delete the index, which is made again from the log;
 * - `"move"`: move the file to `quarantine/`; what was there is made again from the log;
 * - `"delete"`: delete what an interrupted action left;
 * - `"rebuild"`: rebuild the projection, as every start does unless told otherwise;
 * - `"none"`: nothing is wrong with it.
 */
export type Remedy = "cut" | "remake" | "move" | "delete" | "rebuild" | "none";

/** Something worth knowing about a file. */
export interface Finding {
  /** The file, within the data folder. */
  readonly file: string;
  /** What is the case. */
  readonly what: string;
  /** What helps. */
  readonly remedy: Remedy;
  /** Whether it is no fault: what a crash may leave, or what others put there. */
  readonly harmless: boolean;
  /** Where in the file, in bytes. */
  readonly offset?: number;
  /** How many bytes are concerned. */
  readonly bytes?: number;
  /** The first position concerned. */
  readonly first?: Position;
  /** The last position concerned. */
  readonly last?: Position;
}
