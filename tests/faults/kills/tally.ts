/**
 * What was disturbed, how often.
 *
 * @module
 */
import type { VictimReport } from "./victim.ts";

/** Counts by name. */
export class Tally {
  readonly #counts = new Map<string, Map<string, number>>();
  readonly #struck = new Set<string>();

  /**
   * Counts once.
   *
   * @param group What is counted.
   * @param name Which of them.
   */
  add(group: string, name: string): void {
    const counts = this.#counts.get(group) ?? new Map<string, number>();
    this.#counts.set(group, counts);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }

  /**
   * Counts a run that was disturbed.
   *
   * @param scenario Of which kind.
   * @param report What became of it.
   */
  addRun(scenario: string, { strike, wasKilled, phase }: VictimReport): void {
    if (!strike) return;
    this.add("scenario", scenario);
    this.add("kind", strike.kind);
    this.add("call", strike.call);
    // One that was not killed went on to its end.
    if (wasKilled) this.add("phase", phase);
    this.add("file", fileKind(strike.file));
    this.#struck.add(`${strike.call} ${fileKind(strike.file)}`);
  }

  /**
   * What was never disturbed, of what must be where durability is real.
   *
   * @param expected Calls and kinds of files: `"fdatasync events/*.ndjson"`.
   * @returns Those that are missing.
   */
  missing(expected: readonly string[]): string[] {
    return expected.filter((struck) => !this.#struck.has(struck));
  }

  /** A line a group, the most frequent first. */
  toString(): string {
    return [...this.#counts].map(([group, counts]) => {
      const sorted = [...counts].toSorted(([, a], [, b]) => b - a);
      const words = sorted.map(([name, count]) => `${name} ${count}`);
      return `  by ${group}: ${words.join(", ")}`;
    }).join("\n");
  }
}

/** What kind of file it is: the name without what differs from one to the next. */
function fileKind(file: string): string {
  return file
    .replace(/^projections\/\w+/, "projections/*")
    .replace(/\d{15}-[0-9a-f]{32}/, "*")
    .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/, "*")
    .replace(/\d{20}/, "*")
    .replace(/\d{6}\./, "*.")
    .replace(/^quarantine\/.+/, "quarantine/*");
}
