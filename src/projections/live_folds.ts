/**
 * The folds of live updates, kept from one batch to the next: what a batch changed is at hand
 * when the next one changes it again.
 *
 * A fold stands for its generation only as long as nobody else writes there. Whoever does moves
 * the checkpoint, so a fold is kept while generation and checkpoint are those it left behind, and
 * is begun anew otherwise. It must be asked for with the projection's live lock held.
 *
 * @module
 */
import type { Checkpoint, ProjectionDefinition } from "./definition.ts";
import { Fold, type FoldOptions } from "./fold.ts";
import type { Generation } from "./projection_store.ts";

/** A fold, and where its generation stands. */
interface KeptFold {
  readonly fold: Fold;
  readonly generation: Generation;
  /** Of the last commit. */
  committed: Checkpoint;
  /** Whether that was made by this fold. */
  hasCommitted: boolean;
  /** Events applied by the fold up to then. */
  eventsCommitted: number;
}

/** Keeps a fold for each projection. */
export class LiveFolds {
  readonly #bytesMax: number;
  readonly #folds = new Map<string, KeptFold>();

  /** @param bytesMax Memory that all of them may take between commits, in bytes. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /**
   * The fold that goes on from a checkpoint.
   *
   * @param definition The projection.
   * @param generation Its current generation.
   * @param options How far that is, and who is told when its code runs.
   * @returns The fold; it may be ahead of the checkpoint by what is not committed yet.
   */
  at(
    definition: ProjectionDefinition,
    generation: Generation,
    options: Pick<FoldOptions, "checkpoint" | "watch">,
  ): Fold {
    const { checkpoint } = options;
    const kept = this.#folds.get(definition.name);
    if (kept?.generation === generation && kept.committed === checkpoint) {
      return kept.fold;
    }
    const fold = new Fold(definition, generation, options);
    this.#folds.set(definition.name, {
      fold,
      generation,
      committed: checkpoint,
      hasCommitted: false,
      eventsCommitted: 0,
    });
    return fold;
  }

  /** The checkpoint that a projection's last commit made here left behind. */
  committedAt(name: string): Checkpoint | undefined {
    const kept = this.#folds.get(name);
    return kept !== undefined && kept.hasCommitted ? kept.committed : undefined;
  }

  /** Whether all of them, with what they have not committed, take no more than they may. */
  get fit(): boolean {
    let bytes = 0;
    for (const { fold } of this.#folds.values()) bytes += fold.heldBytes;
    return bytes <= this.#bytesMax;
  }

  /**
   * Commits what a projection's fold holds.
   *
   * @param name The projection.
   * @param fold Its fold.
   * @returns The events applied since the last commit, or `undefined` when the fold was dropped.
   */
  async commit(name: string, fold: Fold): Promise<number | undefined> {
    const kept = this.#folds.get(name);
    if (kept?.fold !== fold) return undefined;
    const { eventsCommitted } = kept;
    await fold.flush();
    kept.committed = fold.checkpoint;
    kept.hasCommitted = true;
    kept.eventsCommitted = fold.eventsApplied;
    let others = -fold.heldBytes;
    for (const { fold } of this.#folds.values()) others += fold.heldBytes;
    // The others were let have theirs; each gets its share as it commits.
    const share = this.#bytesMax / this.#folds.size;
    fold.shed(Math.max(this.#bytesMax - others, share));
    return fold.eventsApplied - eventsCommitted;
  }

  /** Forgets a projection's fold, and what it has not committed: after an error it is useless. */
  drop(name: string): void {
    this.#folds.delete(name);
  }
}
