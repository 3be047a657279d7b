/**
 * What more cores would give: a simulation of projections that are spread over workers, from what
 * each of them took alone.
 *
 * @module
 */

/** What the rebuild of one projection took alone, in milliseconds. */
export interface MeasuredPart {
  /** The projection. */
  readonly name: string;
  /** Duration, the scan included. */
  readonly duration: number;
  /** Time on processors, the scan included. */
  readonly cpu: number;
}

/** Projections spread over workers. */
export interface Simulation {
  /** The names on each worker. */
  readonly workers: readonly (readonly string[])[];
  /** When the last worker ends, in milliseconds. */
  readonly duration: number;
  /** Whether the cores would be busy all the time: more workers would not help. */
  readonly isBoundByCores: boolean;
}

/**
 * Spreads projections over as many workers as there are cores: the longest first, each to the
 * worker that has least to do. A worker scans the log once and then does what its projections add
 * to that. The result is never shorter than all time on processors divided by the cores.
 *
 * @param parts What each projection took alone.
 * @param scan What the scan alone took.
 * @param cores How many cores there are.
 * @returns How it went.
 */
export function simulate(
  parts: readonly MeasuredPart[],
  scan: Omit<MeasuredPart, "name">,
  cores: number,
): Simulation {
  const workers = Array.from(
    { length: Math.min(cores, parts.length) },
    () => ({ names: [] as string[], duration: scan.duration }),
  );
  const longestFirst = [...parts].sort((a, b) => b.duration - a.duration);
  for (const { name, duration } of longestFirst) {
    const next = workers.reduce((least, worker) =>
      worker.duration < least.duration ? worker : least
    );
    next.names.push(name);
    next.duration += Math.max(duration - scan.duration, 0);
  }
  const cpu = workers.length * scan.cpu +
    parts.reduce((sum, part) => sum + Math.max(part.cpu - scan.cpu, 0), 0);
  const makespan = Math.max(...workers.map(({ duration }) => duration));
  return {
    workers: workers.map(({ names }) => names),
    duration: Math.max(makespan, cpu / cores),
    isBoundByCores: cpu / cores > makespan,
  };
}
