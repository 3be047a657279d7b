/**
 * A bug that the tests must catch, put in by replacing a piece of code: see
 * `scripts/seeded_bugs.ts`.
 *
 * @module
 */

/** One bug. */
export interface SeededBug {
  /** What is wrong with it. */
  readonly name: string;
  /** The file, from the project's root. */
  readonly file: string;
  /** Code that stands in it exactly once. */
  readonly replace: string;
  /** What stands there instead. */
  readonly by: string;
  /** Tests of which one must turn red: files or folders. */
  readonly tests: readonly string[];
}
