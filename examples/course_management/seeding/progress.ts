/**
 * How far the seeder is: a bar on a terminal, a line now and then elsewhere.
 *
 * @module
 */
import { SingleBar } from "cli-progress";

/** Shows progress. */
export interface Progress {
  /** Shows that `written` events are written. */
  update(written: number): void;
  /** Ends the bar, wherever it is. */
  stop(): void;
}

/** Of a bar, what is used here: the package brings no types. */
interface Bar {
  start(total: number, value: number): void;
  update(value: number): void;
  stop(): void;
}

/** How many lines there are from nothing to everything. */
const LINES = 10;

/**
 * A progress bar on standard error.
 *
 * @param total Events to write in all.
 * @returns The bar, at zero.
 */
export function startProgressBar(total: number): Progress {
  const bar: Bar = new SingleBar({
    format: "Seeding {bar} {percentage} % | {value} of {total} events | " +
      "{duration_formatted}, {eta_formatted} to go",
    barCompleteChar: "█",
    barIncompleteChar: "░",
    hideCursor: true,
  });
  bar.start(total, 0);
  return { update: (written) => bar.update(written), stop: () => bar.stop() };
}

/**
 * A line for every tenth of the events.
 *
 * @param total Events to write in all.
 * @param print Takes a line.
 * @returns The progress, at zero.
 */
export function startProgressLines(
  total: number,
  print: (line: string) => void,
): Progress {
  let printed = 0;
  return {
    update(written) {
      const tenth = Math.floor(written * LINES / total);
      if (tenth === printed) return;
      printed = tenth;
      print(`Seeded ${written} of ${total} events`);
    },
    stop() {},
  };
}
