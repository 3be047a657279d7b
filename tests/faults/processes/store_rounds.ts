/**
 * Rounds of several processes with open stores: daemons that are stopped and killed, and rebuilds
 * that two ask for at once while others append and read.
 *
 * @module
 */
import { systemClock } from "../../../mod.ts";
import { SeededRandom } from "../../../examples/course_management/seeding/random.ts";
import { type AppendCall, checkFolder } from "../invariants.ts";
import { LineProcess } from "./line_process.ts";
import { counted, projections } from "./projections.ts";
import type { Owner, StoreAnswer, StoreCommand } from "./store_program.ts";

const PROGRAM = "tests/faults/processes/store_program.ts";

/** A process with an open store. */
type StoreProcess = LineProcess<StoreCommand, StoreAnswer>;

/** What to do. */
export interface StoreRoundOptions {
  /** The data folder. */
  readonly path: string;
  /** Decides who is disturbed, and when. */
  readonly seed: number;
  /** So many kills and stops, or races. */
  readonly times: number;
}

/** How long a process is stopped, in milliseconds. */
const STOPPED_MS_MAX = 400;

/** A few processes on one folder. */
class StoreProcesses {
  readonly violations: string[] = [];
  readonly #path: string;
  readonly #processes: StoreProcess[] = [];
  readonly #calls: AppendCall[] = [];
  #made = 0;
  #last = 0;

  constructor(path: string, count: number) {
    this.#path = path;
    for (let i = 0; i < count; i++) {
      this.#processes.push(new LineProcess(PROGRAM, [path], this.violations));
    }
  }

  get all(): readonly StoreProcess[] {
    return this.#processes;
  }

  at(index: number): StoreProcess {
    const process = this.#processes[index];
    if (!process) throw new RangeError(`No process ${index}`);
    return process;
  }

  /** What one of them answers; `undefined` when it was killed. */
  async ask(
    process: StoreProcess,
    command: StoreCommand,
  ): Promise<StoreAnswer | undefined> {
    const answer = await process.call(command).catch(() => undefined);
    if (answer?.is === "error") this.violations.push(answer.message);
    return answer;
  }

  async append(process: StoreProcess, count: number): Promise<void> {
    const events = Array.from({ length: count }, () => counted(this.#made++));
    const ids = events.map(({ id }) => id);
    const answer = await this.ask(process, { do: "append", events });
    if (answer?.is === "appended") {
      const { first } = answer;
      this.#calls.push({ ids, first });
      this.#last = Math.max(this.#last, first + count - 1);
    } else {
      this.#calls.push({ ids });
    }
  }

  /** Waits until a process shows all that was acknowledged. */
  async catchUp(process: StoreProcess): Promise<void> {
    await this.ask(process, { do: "wait", position: this.#last });
  }

  /** Who owns the first projection, in the eyes of a process. */
  async ownerSeenBy(process: StoreProcess): Promise<StoreProcess | undefined> {
    const answer = await this.ask(process, { do: "owners" });
    const pid = answer?.is === "owners" ? answer.owners[0]?.pid : undefined;
    return this.all.find((candidate) => candidate.pid === pid);
  }

  /** Lets all come up to the end, and checks the folder. */
  async finish(): Promise<{ readonly events: number; owners: Owner[][] }> {
    await this.append(this.at(0), 1);
    await Promise.all(this.all.map((process) => this.catchUp(process)));
    const owners: Owner[][] = [];
    for (const process of this.all) {
      const answer = await this.ask(process, { do: "owners" });
      if (answer?.is === "owners") owners.push([...answer.owners]);
    }
    await Promise.all(this.all.map((process) => process.close()));
    const witness = { calls: this.#calls };
    const log = await checkFolder({ path: this.#path, witness, projections });
    return { events: log.length, owners };
  }
}

/** What came of daemons that were disturbed. */
export interface DaemonReport {
  readonly kills: number;
  readonly stops: number;
  readonly events: number;
  /** The longest from a kill of who owned a projection to what was appended then being applied. */
  readonly takeOverMsMax: number;
  readonly violations: readonly string[];
}

/**
 * Three daemons on one folder, stopped and killed again and again, while one appends.
 *
 * @param options What to do.
 * @returns What came of it.
 */
export async function disturbDaemons(
  { path, seed, times }: StoreRoundOptions,
): Promise<DaemonReport> {
  const processes = new StoreProcesses(path, 3);
  const random = new SeededRandom(seed);
  let [kills, stops, takeOverMsMax] = [0, 0, 0];
  for (let i = 0; i < times; i++) {
    const any = processes.at(random.integer(0, 2));
    await processes.append(any, 3);
    const owner = await processes.ownerSeenBy(any);
    const victim = owner && random.fraction() < 0.7 ? owner : any;
    const others = processes.all.filter((process) => process !== victim);
    const other = others[random.integer(0, others.length - 1)] ?? victim;
    // Wherever it is with what is appended now.
    const appending = processes.append(other, random.integer(1, 60));
    await systemClock.sleep(random.integer(0, 15));
    if (random.fraction() < 0.5) {
      kills++;
      const startMs = performance.now();
      const restarting = victim.kill();
      await appending;
      await processes.append(other, 1);
      await processes.catchUp(other);
      takeOverMsMax = Math.max(takeOverMsMax, performance.now() - startMs);
      await restarting;
    } else {
      stops++;
      victim.stop();
      await systemClock.sleep(random.integer(1, STOPPED_MS_MAX));
      victim.goOn();
      await appending;
    }
  }
  const { events, owners } = await processes.finish();
  const { violations } = processes;
  for (const [index] of projections.entries()) {
    const selves = owners.filter((seen) => seen[index]?.isSelf);
    const pids = new Set(owners.map((seen) => seen[index]?.pid));
    if (selves.length !== 1 || pids.size !== 1) {
      violations.push(`Owners of ${index}: ${JSON.stringify(owners)}`);
    }
  }
  return { kills, stops, events, takeOverMsMax, violations };
}

/** What came of rebuilds that two asked for at once. */
export interface RaceReport {
  /** Rebuilt by both, one after the other. */
  readonly both: number;
  /** Rebuilt by one; the other was told who is at it. */
  readonly refused: number;
  readonly reads: number;
  readonly events: number;
  readonly violations: readonly string[];
}

const READS_A_TIME = 25;

/**
 * Two processes rebuild the same projections at once, again and again, while each appends and a
 * third one reads.
 *
 * @param options What to do; `reads` at least are done meanwhile.
 * @returns What came of it.
 */
export async function raceRebuilds(
  { path, times, reads: readsMin }: StoreRoundOptions & {
    readonly reads: number;
  },
): Promise<RaceReport> {
  const processes = new StoreProcesses(path, 3);
  const { violations } = processes;
  const [one, other, reader] = [0, 1, 2].map((i) => processes.at(i));
  if (!one || !other || !reader) throw new RangeError("Three are needed");
  await processes.append(one, 200);
  // Each rebuilds what is missing when it starts.
  await Promise.all(processes.all.map((each) => processes.catchUp(each)));
  let [both, refused, reads, isOver] = [0, 0, 0, false];
  const reading = (async () => {
    while (!isOver || reads < readsMin) {
      const command = { do: "read", times: READS_A_TIME } as const;
      const answer = await processes.ask(reader, command);
      if (answer?.is !== "read") break;
      violations.push(...answer.torn);
      reads += READS_A_TIME * projections.length;
    }
  })();
  for (let i = 0; i < times; i++) {
    const appending = processes.append(other, 5);
    const answers = await Promise.all(
      [one, other].map((process) => processes.ask(process, { do: "rebuild" })),
    );
    await appending;
    const ids = answers.flatMap((answer) =>
      answer?.is === "rebuilt" ? [answer.operationId] : []
    );
    for (const answer of answers) {
      if (answer?.is === "rebuilt") violations.push(...answer.failed);
      if (answer?.is !== "conflict") continue;
      refused++;
      if (answer.operationId !== ids[0]) {
        violations.push(`Refused for ${answer.operationId}, not for ${ids}`);
      }
    }
    if (ids.length === 2) both++;
    if (ids.length === 0) violations.push("Both were refused");
  }
  isOver = true;
  await reading;
  const { events } = await processes.finish();
  return { both, refused, reads, events, violations };
}
