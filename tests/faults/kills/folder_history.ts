/**
 * A data folder that is disturbed again and again, and all that is known of what was done there.
 *
 * @module
 */
import { join } from "node:path";
import {
  openOpossum,
  type Position,
  type ProjectionDefinition,
  silentLogger,
} from "../../../mod.ts";
import { denoFileSystem } from "../../../src/storage/deno_file_system.ts";
import * as counting from "../../rebuild/worker_fixtures/counting.ts";
import {
  type AppendCall,
  checkFolder,
  checkNothingLeft,
  InvariantError,
} from "../invariants.ts";
import { mendSums } from "./damage_sums.ts";
import { promoteWaiting } from "./promote_waiting.ts";
import type { VictimReport } from "./victim.ts";

const PROJECTIONS = import.meta.resolve(
  "../../rebuild/worker_fixtures/counting.ts",
);

/** One data folder and its history. */
export class FolderHistory {
  readonly #calls: AppendCall[];
  readonly #seen = new Map<Position, string>();
  #acknowledged = 0;
  #isDamaged = false;

  /**
   * @param path The data folder.
   * @param calls What was appended there before.
   */
  constructor(readonly path: string, calls: readonly AppendCall[] = []) {
    this.#calls = [...calls];
  }

  /** Appends that a disturbed program was told are stored: not what was there before. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Takes note of a run. */
  add({ calls, seen, isDamaged }: VictimReport): void {
    this.#isDamaged ||= isDamaged;
    this.#calls.push(...calls);
    const stored = calls.filter(({ first }) => first !== undefined);
    this.#acknowledged += stored.length;
    for (const [position, id] of seen) this.#see(position, id);
  }

  /**
   * Opens the folder as a program would after a crash, and checks all that must hold.
   *
   * @returns The number of events there.
   */
  async check(): Promise<number> {
    // Whoever was told that it is mended relies on that.
    if (this.#isDamaged) await mendSums(this.path);
    this.#isDamaged = false;
    const events = await checkFolder({
      path: this.path,
      witness: { calls: this.#calls, seen: this.#seen },
      projections: Object.values(counting) as ProjectionDefinition[],
    });
    // From now on somebody has seen them.
    for (const { position, id } of events) this.#see(position, id);
    return events.length;
  }

  /** Goes on where it was interrupted, rebuilds all, and checks that nothing is left over. */
  async rebuildAndCheck(): Promise<void> {
    this.#ageTemporaries();
    {
      await using opossum = await openOpossum({
        path: this.path,
        projections: PROJECTIONS,
        logger: silentLogger,
      });
      const { rebuilder, projections, events } = opossum;
      await promoteWaiting(opossum);
      await projections.waitFor(await events.head());
      await this.#checkServing(projections);
      const { success } = await rebuilder.rebuildAll({ forceRebuild: true });
      if (!success) throw new Error("The rebuild afterwards failed");
    }
    await this.check();
    checkNothingLeft(this.path);
  }

  /** As if all crashes were long ago: where several processes write, what is fresh is left alone. */
  #ageTemporaries(): void {
    const directory = join(this.path, "operations");
    const longAgo = new Date(Date.now() - 3_600_000);
    // Not there when the first run was killed early.
    for (const name of denoFileSystem.list(directory)) {
      if (!name.endsWith(".tmp")) continue;
      Deno.utimeSync(join(directory, name), longAgo, longAgo);
    }
  }

  async #checkServing(
    projections: Awaited<ReturnType<typeof openOpossum>>["projections"],
  ): Promise<void> {
    for (const name of projections.names) {
      const { state } = await projections.info(name);
      if (state !== "ready") {
        throw new InvariantError("I7", `"${name}" is ${state} once reopened`);
      }
    }
  }

  #see(position: Position, id: string): void {
    const before = this.#seen.get(position);
    if (before !== undefined && before !== id) {
      throw new InvariantError("I3", `${position} was ${before}, now ${id}`);
    }
    this.#seen.set(position, id);
  }
}
