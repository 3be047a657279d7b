/**
 * Scanning in workers, seen from the serving thread: hands out the work, passes on progress, stops
 * and pauses, and gives up workers that crash or hang.
 *
 * A worker that hangs in a definition's code cannot be killed on this runtime: its projections
 * fail, and its thread is abandoned until that code returns.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import type { CodeWatch } from "../projections/code_watch.ts";
import type { ProjectionDefinition } from "../projections/definition.ts";
import { GROUP_SIZE_MAX } from "../projections/put_aside.ts";
import type {
  BuildIdentity,
  GenerationLocation,
} from "../projections/projection_store.ts";
import { distribute } from "./distribute.ts";
import { RebuildWorkerError } from "./errors.ts";
import { ScanControl } from "./scan_control.ts";
import { fromErrorMessage, type ScanAnswer, type ScanJob } from "./scan_job.ts";
import type { FlushTiming, PassProgress, PassSettings } from "./scan_pass.ts";
import type { RebuildThrottle } from "./throttle.ts";

/** How often progress is passed on and signs of life are looked for, in milliseconds. */
const WATCH_INTERVAL_MS = 100;

/** A worker that has not begun after so many milliseconds is given up. */
const START_TIMEOUT_MS = 60_000;

/** What workers need to do without the serving thread. */
export interface ScanWorkersOptions {
  /** The module that exports the definitions. */
  readonly projectionsUrl: string;
  /** The data folder. */
  readonly path: string;
  /** Times the watch. */
  readonly clock: Clock;
  /** Without a sign of life for so long, a worker is given up; milliseconds. */
  readonly stallTimeout: number;
  /** Says how fast a pass may go. */
  readonly throttle: RebuildThrottle;
  /** Has a worker's code watched; `undefined` when nothing is. @default {nothing is} */
  readonly watch?: () => CodeWatch | undefined;
}

/** A projection to be scanned in a worker. */
export interface WorkerAssignment {
  /** Its definition, and what tells a build of it. */
  readonly definition: ProjectionDefinition;
  readonly identity: BuildIdentity;
  /** Its index among all names, which it is watched by. */
  readonly watchIndex: number;
  /** What it is built into; not open in this thread. */
  readonly location: GenerationLocation;
  /** Whether the work of the projection is to stop; aborts then. */
  readonly signal: AbortSignal;
  /** Whether it is to wait. */
  readonly isPaused: boolean;
  /** Calls back when `isPaused` changes. Dispose to stop. */
  onPause(listener: () => void): Disposable;
  /** Told how far it is. */
  advance(progress: PassProgress): void;
  /** Told that it failed, while others may go on. */
  fail(error: unknown): void;
  /** Told what was stored, and how long that took. @default {nobody asks} */
  readonly flushed?: ((flush: FlushTiming) => void) | undefined;
}

/** How an assignment ended, or why it is better done in the serving thread. */
export type WorkerOutcome = "done" | "failed" | { readonly unsuitable: string };

/** Scans in workers. */
export class ScanWorkers {
  readonly #options: ScanWorkersOptions;
  #active = 0;
  /** Of workers that ended in good order: each is watched for as long as the store is open. */
  readonly #idleWatches: CodeWatch[] = [];

  /** @param options What they need. */
  constructor(options: ScanWorkersOptions) {
    this.#options = options;
  }

  /** How many workers scan. */
  get active(): number {
    return this.#active;
  }

  /**
   * Scans a group, spread over as many workers as there are cores left.
   *
   * @param group The projections.
   * @param settings The pass.
   * @returns How each ended, in the same order.
   */
  async scan(
    group: readonly WorkerAssignment[],
    settings: PassSettings,
  ): Promise<WorkerOutcome[]> {
    const cores = Math.max(navigator.hardwareConcurrency - this.#active, 1);
    const count = Math.max(cores, Math.ceil(group.length / GROUP_SIZE_MAX));
    const outcomes = new Map<WorkerAssignment, WorkerOutcome>();
    const shares = distribute(group, ({ definition }) => definition, count);
    await Promise.all(shares.map(async (share) => {
      this.#active++;
      try {
        const memoryBytesMax = Math.floor(
          settings.memoryBytesMax * share.length / group.length,
        );
        const watch = this.#idleWatches.pop() ?? this.#options.watch?.();
        using pass = new WorkerPass(this.#options, share, watch);
        const ended = await pass.run({ ...settings, memoryBytesMax });
        if (watch && pass.isOver) this.#idleWatches.push(watch);
        for (const [index, assignment] of share.entries()) {
          outcomes.set(assignment, ended[index] ?? "failed");
        }
      } finally {
        this.#active--;
      }
    }));
    return group.map((assignment) => outcomes.get(assignment) ?? "failed");
  }
}

/** One worker's pass. */
class WorkerPass implements Disposable {
  readonly #options: ScanWorkersOptions;
  readonly #members: readonly WorkerAssignment[];
  readonly #control: ScanControl;
  readonly #outcomes = new Map<number, WorkerOutcome>();
  readonly #done = Promise.withResolvers<void>();
  readonly #over = new AbortController();
  readonly #worker: Worker;
  readonly #cleanUp = new DisposableStack();
  readonly #watch: CodeWatch | undefined;
  /** Whether it ended in good order: its code runs no more. */
  isOver = false;

  constructor(
    options: ScanWorkersOptions,
    members: readonly WorkerAssignment[],
    watch: CodeWatch | undefined,
  ) {
    this.#options = options;
    this.#watch = watch;
    this.#members = members;
    this.#control = new ScanControl(ScanControl.allocate(members.length));
    this.#worker = new Worker(new URL("./scan_worker.ts", import.meta.url), {
      type: "module",
      name: "opossum-scan",
    });
    this.#cleanUp.defer(() => this.#worker.terminate());
    this.#worker.onmessage = ({ data }) => this.#take(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      // Before anything was begun it may be the worker itself that cannot be had here.
      if (this.#control.beats === 0) this.#refuse(event.message);
      else this.#giveUp(`crashed: ${event.message}`);
    };
    this.#worker.onmessageerror = () => this.#giveUp("sent what is unreadable");
  }

  async run(settings: PassSettings): Promise<(WorkerOutcome | undefined)[]> {
    const { path, projectionsUrl } = this.#options;
    const job: ScanJob = {
      ...settings,
      path,
      projectionsUrl,
      control: this.#control.memory,
      watch: this.#watch?.memory,
      tellsFlushes: this.#members.some(({ flushed }) => flushed !== undefined),
      members: this.#members.map(({ identity, location, watchIndex }) => ({
        watchIndex,
        projectionName: identity.projectionName,
        version: identity.version,
        fingerprint: identity.fingerprint,
        location: {
          number: location.number,
          file: location.file,
          displayName: location.displayName,
        },
      })),
    };
    this.#listen();
    this.#worker.postMessage(job);
    const watching = this.#lookAfter();
    await this.#done.promise;
    this.#over.abort();
    await watching;
    this.#giveUp("ended without an answer");
    return this.#members.map((_, index) => this.#outcomes.get(index));
  }

  [Symbol.dispose](): void {
    this.#cleanUp[Symbol.dispose]();
  }

  /** Passes on who is to stop or to wait. */
  #listen(): void {
    // One that is to stop holds up nobody any more.
    const setPaused = () =>
      this.#control.pause(
        this.#members.some(({ isPaused, signal }) =>
          isPaused && !signal.aborted
        ),
      );
    for (const [index, member] of this.#members.entries()) {
      const stop = () => {
        this.#control.stop(index);
        setPaused();
      };
      member.signal.addEventListener("abort", stop, { once: true });
      this.#cleanUp.defer(() =>
        member.signal.removeEventListener("abort", stop)
      );
      if (member.signal.aborted) stop();
      this.#cleanUp.use(member.onPause(setPaused));
    }
    setPaused();
    const { throttle } = this.#options;
    this.#cleanUp.use(throttle.enter((pace) => this.#control.setPace(pace)));
  }

  #take(answer: ScanAnswer): void {
    if (answer.kind === "done") {
      this.isOver = true;
      return this.#done.resolve();
    }
    const { member: index } = answer;
    const member = this.#members[index];
    // It was given up already, or its worker was.
    if (!member || this.#outcomes.has(index)) return;
    if (answer.kind === "flushed") return member.flushed?.(answer.flush);
    if (answer.kind === "unsuitable") {
      this.#outcomes.set(index, { unsuitable: answer.reason });
      return;
    }
    member.advance(answer.progress);
    if (answer.error === undefined) this.#outcomes.set(index, "done");
    else this.#fail(index, fromErrorMessage(answer.error));
  }

  #fail(index: number, error: Error): void {
    this.#outcomes.set(index, "failed");
    this.#members[index]?.fail(error);
  }

  /** Passes on progress, and gives the worker up when it shows no sign of life. */
  async #lookAfter(): Promise<void> {
    const { clock, stallTimeout } = this.#options;
    const { signal } = this.#over;
    let beats = this.#control.beats;
    let beatMs = clock.monotonicMs();
    while (!signal.aborted) {
      await clock.sleep(WATCH_INTERVAL_MS, signal);
      for (const [index, member] of this.#members.entries()) {
        if (!this.#outcomes.has(index)) {
          member.advance(this.#control.progress(index));
        }
      }
      if (this.#control.beats !== beats || this.#control.isStoring) {
        beats = this.#control.beats;
        beatMs = clock.monotonicMs();
        continue;
      }
      // Before the first beat it loads its modules, which takes long on a busy machine.
      const timeout = beats === 0
        ? Math.max(stallTimeout, START_TIMEOUT_MS)
        : stallTimeout;
      if (clock.monotonicMs() - beatMs >= timeout) {
        this.#giveUp(`shows no sign of life for ${timeout} ms`);
      }
    }
  }

  #refuse(message: string): void {
    for (const index of this.#members.keys()) {
      const unsuitable = `its worker cannot start: ${message}`;
      if (!this.#outcomes.has(index)) this.#outcomes.set(index, { unsuitable });
    }
    this.#done.resolve();
  }

  #giveUp(what: string): void {
    const { atWork } = this.#control;
    const culprit = atWork === undefined ? undefined : this.#members[atWork];
    for (const [index, { identity }] of this.#members.entries()) {
      if (this.#outcomes.has(index)) continue;
      const { projectionName } = identity;
      const { position } = this.#control.progress(index);
      const where = culprit === undefined
        ? ""
        : `, in the code of projection "${culprit.identity.projectionName}" ` +
          `after position ${position}`;
      this.#fail(index, new RebuildWorkerError(projectionName, what + where));
      this.#control.stop(index);
    }
    this.#done.resolve();
  }
}
