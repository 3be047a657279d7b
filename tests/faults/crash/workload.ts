/**
 * Work that is interrupted by a crash, and what it is made of.
 *
 * @module
 */
import type { EventInput } from "../../../mod.ts";
import type { CheckState } from "./explore.ts";
import type { Recording } from "./recording.ts";

/** Work to be interrupted. */
export interface Workload {
  readonly name: string;
  /** Does it, on an empty disk. */
  readonly run: (recording: Recording, seed: number) => Promise<void>;
  /** Checks what is left of it. */
  readonly check: CheckState;
  /** What the program does that finds a crashed disk. @default {only the first crash is looked at} */
  readonly recover?: (recording: Recording) => Promise<void>;
  /** Size at which segments are sealed. @default {the product's} */
  readonly segmentBytesMax?: number;
}

/** Work on the log alone. */
export type LogWorkload = Omit<Workload, "check" | "recover">;

/** Whatever is smaller than a segment header seals a segment after each append. */
export const ONE_APPEND = 64;

/** Events that conditions ask for. */
export const TAGGED = { items: [{ tags: ["n:1"] }] };

/** Makes events with ids of their own, of different sizes. */
export class Events {
  #count = 0;

  constructor(readonly seed: number) {}

  /** So many events. */
  some(count: number, tag = "n:0"): EventInput[] {
    return Array.from({ length: count }, () => {
      const n = ++this.#count;
      // From far less than a sector to more than two.
      const length = (n * 397 + this.seed * 131) % 1_300;
      return {
        id: crypto.randomUUID(),
        type: `Type${n % 3}`,
        tags: [tag, `id:${n}`],
        data: { text: "x".repeat(length) },
      };
    });
  }
}
