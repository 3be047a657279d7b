/**
 * One round: several processes append to one folder and read from it, are stopped and killed, and
 * in the end the log and the whole history are checked.
 *
 * @module
 */
import { systemClock } from "../../../mod.ts";
import { SeededRandom } from "../../../examples/course_management/seeding/random.ts";
import { checkFolder } from "../invariants.ts";
import { AppenderProcess } from "./appender_process.ts";
import { act, World } from "./clients.ts";
import { History } from "./history.ts";
import { checkHistory } from "./linearizability.ts";

/** What to do. */
export interface RoundOptions {
  /** The data folder. */
  readonly path: string;
  /** Decides what is asked for, and who is disturbed when; the processes' speed decides, too. */
  readonly seed: number;
  /** Processes at once. */
  readonly processes: number;
  /** Ends after so many operations. */
  readonly operations: number;
  /** About so many operations from one disturbance to the next. */
  readonly disturbedEvery: number;
}

/** What came of it. */
export interface RoundReport {
  readonly operations: number;
  readonly appended: number;
  readonly refused: number;
  /** Appends of which nobody learned what became of them. */
  readonly unanswered: number;
  readonly reads: number;
  readonly staleReads: number;
  readonly kills: number;
  readonly stops: number;
  /** Events in the log in the end. */
  readonly events: number;
  readonly violations: readonly string[];
}

/** Things that each process is asked for at once. */
const CLIENTS = 2;
/** How long a process is stopped at most, in milliseconds: it may keep all others waiting. */
const STOPPED_MS_MAX = 250;

/**
 * Plays one round.
 *
 * @param options What to do.
 * @returns What came of it.
 * @throws {InvariantError} If an invariant of the folder does not hold.
 */
export async function playRound(options: RoundOptions): Promise<RoundReport> {
  const { path, seed } = options;
  const history = new History();
  const failures: string[] = [];
  const processes = Array.from(
    { length: options.processes },
    () => new AppenderProcess(path, history, failures),
  );
  const isOver = () => history.operations.length >= options.operations;
  const world = new World(new SeededRandom(seed));
  const disturbed = disturb(processes, history, isOver, options);
  await Promise.all(
    processes.flatMap((process) =>
      Array.from({ length: CLIENTS }, async () => {
        while (!isOver()) await act(process, world);
      })
    ),
  );
  const disturbances = await disturbed;
  await Promise.all(processes.map((process) => process.close()));
  const calls = history.operations.flatMap(({ command, answer }) => {
    if (command.do !== "append" || answer?.is === "refused") return [];
    const { events, condition } = command;
    return [{
      ids: events.map(({ id }) => id),
      ...answer?.is === "appended" ? { first: answer.first } : {},
      ...condition ? { condition } : {},
    }];
  });
  const seen = new Map(
    history.operations.flatMap(({ answer }) =>
      answer?.is === "events" ? answer.events : []
    ),
  );
  const log = await checkFolder({ path, witness: { calls, seen } });
  const { violations, staleReads } = checkHistory(log, history);
  const count = (is: string) =>
    history.operations.filter(({ answer }) => answer?.is === is).length;
  return {
    operations: history.operations.length,
    appended: count("appended"),
    refused: count("refused"),
    unanswered:
      history.operations.filter(({ command, answer }) =>
        command.do === "append" && !answer
      ).length,
    reads: count("events") + count("head"),
    staleReads,
    ...disturbances,
    events: log.length,
    violations: [...failures, ...violations],
  };
}

/** Kills and stops processes until the round is over. */
async function disturb(
  processes: readonly AppenderProcess[],
  history: History,
  isOver: () => boolean,
  { seed, operations, disturbedEvery }: RoundOptions,
): Promise<{ kills: number; stops: number }> {
  const random = new SeededRandom(seed + 1);
  let [kills, stops] = [0, 0];
  /** Some operations later, or at the end of the round. */
  const later = (countMax: number) => {
    const count = history.operations.length + random.integer(1, countMax);
    return history.reaches(Math.min(count, operations));
  };
  while (!isOver()) {
    await later(disturbedEvery * 2);
    const victim = processes[random.integer(0, processes.length - 1)];
    if (victim === undefined || isOver()) break;
    const isToBeKilled = random.fraction() < 0.5;
    const isToBeStopped = !isToBeKilled || random.fraction() < 0.3;
    if (isToBeStopped) {
      victim.stop();
      stops++;
      const woken = new AbortController();
      await Promise.race([
        later(disturbedEvery),
        // All others may be waiting for it.
        systemClock.sleep(random.integer(1, STOPPED_MS_MAX), woken.signal),
      ]);
      woken.abort();
    }
    if (isToBeKilled) {
      await victim.kill();
      kills++;
    } else {
      victim.goOn();
    }
  }
  return { kills, stops };
}
