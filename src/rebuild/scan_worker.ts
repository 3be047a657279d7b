/**
 * The worker that scans: opens the log and the generations by itself, so that no event crosses
 * threads.
 *
 * @module
 */
import { listSegments } from "../log/segments.ts";
import { scanLines } from "../log/event_scan.ts";
import { CodeWatch } from "../projections/code_watch.ts";
import { EventSpill } from "../projections/event_spill.ts";
import { MisguessedKeyError } from "../projections/key_guess.ts";
import { fingerprintOf } from "../projections/fingerprint.ts";
import {
  loadProjections,
  ProjectionRegistry,
} from "../projections/registry.ts";
import { SqliteGeneration } from "../projections/sqlite_generation.ts";
import { denoFileSystem } from "../storage/deno_file_system.ts";
import { RebuildMemoryError, StoppedError } from "./errors.ts";
import { heapUse } from "./heap_use.ts";
import { Pacer } from "./pace.ts";
import { ScanControl } from "./scan_control.ts";
import {
  type JobMember,
  type ScanAnswer,
  type ScanJob,
  spillFileOf,
  toErrorMessage,
} from "./scan_job.ts";
import { type PassMember, type PassProgress, scanPass } from "./scan_pass.ts";
import { lowerThreadPriority } from "./thread_priority.ts";

/** The part of a worker's global scope that is used here. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ScanJob>) => void) | null;
  postMessage(answer: ScanAnswer): void;
}

/** What is shared with other threads. */
interface Shared {
  readonly control: ScanControl;
  readonly watch: CodeWatch | undefined;
  readonly tellsFlushes: boolean;
}

const scope = globalThis as unknown as WorkerScope;

scope.onmessage = ({ data }) => void run(data);

/** How often the memory is looked at, in milliseconds. */
const HEAP_INTERVAL_MS = 50;

const NOTHING_DONE: PassProgress = {
  position: 0,
  eventsApplied: 0,
  bytesRead: 0,
  worked: 0,
};

async function run(job: ScanJob): Promise<void> {
  lowerThreadPriority();
  const control = new ScanControl(job.control);
  const watch = job.watch && new CodeWatch(job.watch);
  const shared = { control, watch, tellsFlushes: job.tellsFlushes };
  const members: WorkerMember[] = [];
  try {
    const registry = await loadRegistry(job);
    for (const [index, member] of job.members.entries()) {
      const begun = await begin(index, member, registry, shared);
      if (begun) members.push(begun);
    }
    if (members.length > 0) await scan(job, members, control);
    for (const member of members) await member.end(undefined);
    await scanAgain(job, members, shared);
  } catch (error) {
    for (const member of members) await member.end(error);
  }
  scope.postMessage({ kind: "done" });
}

/** The definitions, or why there are none: then the serving thread does the work. */
async function loadRegistry(
  { projectionsUrl }: ScanJob,
): Promise<ProjectionRegistry | Error> {
  try {
    return new ProjectionRegistry(await loadProjections(projectionsUrl));
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function begin(
  index: number,
  { projectionName, version, fingerprint, location, watchIndex }: JobMember,
  registry: ProjectionRegistry | Error,
  { control, watch, tellsFlushes }: Shared,
  again?: WorkerMember,
): Promise<WorkerMember | undefined> {
  const refuse = (reason: string) => {
    scope.postMessage({ kind: "unsuitable", member: index, reason });
    return undefined;
  };
  if (registry instanceof Error) {
    return refuse(`its module cannot be loaded: ${registry.message}`);
  }
  if (!registry.names.includes(projectionName)) {
    return refuse("its module exports no definition of that name there");
  }
  const definition = registry.get(projectionName);
  const isSame = definition.version === version &&
    fingerprintOf(definition) === fingerprint;
  if (!isSame) return refuse("its module exports another definition there");
  try {
    const generation = SqliteGeneration.open(
      { ...location, use: "building", onStoring: () => control.store() },
      projectionName,
    );
    const { checkpoint, eventsApplied } = await generation.status();
    return new WorkerMember(
      {
        definition,
        generation,
        watch: watch?.of(watchIndex),
        checkpoint,
        eventsStored: eventsApplied,
        eventsAtStart: again?.eventsAtStart ?? eventsApplied,
        flushed: tellsFlushes
          ? (flush) =>
            scope.postMessage({ kind: "flushed", member: index, flush })
          : undefined,
      },
      index,
      control,
    );
  } catch (error) {
    postEnd(index, error, NOTHING_DONE);
    return undefined;
  }
}

/** Those for which guessed keys were wrong begin anew, without guesses. */
async function scanAgain(
  job: ScanJob,
  members: WorkerMember[],
  shared: Shared,
): Promise<void> {
  const { control } = shared;
  for (const misguessed of members.filter(({ isMisguessed }) => isMisguessed)) {
    const { index, definition } = misguessed;
    const member = job.members[index];
    const registry = new ProjectionRegistry([definition]);
    const begun = member &&
      await begin(index, member, registry, shared, misguessed);
    if (!begun) continue;
    members.push(begun);
    await scan(job, [begun], control, { guessKeys: false });
    await begun.end(undefined);
  }
}

async function scan(
  { path, upTo, batchSize, ...settings }: ScanJob,
  members: readonly WorkerMember[],
  control: ScanControl,
  { guessKeys } = { guessKeys: true },
): Promise<void> {
  const [first] = settings.members;
  const segments = listSegments(denoFileSystem, path);
  const isOver = () => members.every(({ isRunning }) => !isRunning);
  let lookedMs = performance.now();
  const pacer = new Pacer(() => control.pace, () => performance.now());
  await scanPass({
    ...settings,
    upTo,
    batchSize,
    members,
    guessKeys,
    monotonicMs: () => performance.now(),
    openSpill: () =>
      new EventSpill({
        fileSystem: denoFileSystem,
        path: spillFileOf(first?.location),
      }),
    read: (types, after) =>
      scanLines({
        fileSystem: denoFileSystem,
        segments,
        types,
        after,
        upTo,
        batchSize,
      }),
    breathe: async (eventsRead) => {
      const isAsked = () => members.some((member) => member.isAsked);
      const isAskedOrOver = () => isAsked() || isOver();
      control.beat();
      let restMs = pacer.rest(eventsRead);
      while (restMs > 0 && !isAskedOrOver()) {
        control.rest(restMs, isAskedOrOver);
        restMs = pacer.restOn();
      }
      // One that is stopped does not wait until the others go on.
      for (;;) {
        control.waitWhilePaused(isAskedOrOver);
        if (!isAsked()) break;
        for (const member of members) await member.stopIfAsked();
      }
      pacer.goOn();
      if (performance.now() - lookedMs < HEAP_INTERVAL_MS || isOver()) return;
      lookedMs = performance.now();
      const { used, limit, isCritical } = heapUse();
      if (isCritical) throw new RebuildMemoryError(used, limit);
    },
  });
}

/** A projection in this worker. */
class WorkerMember implements PassMember {
  readonly definition: PassMember["definition"];
  readonly generation: SqliteGeneration;
  readonly watch: PassMember["watch"];
  readonly flushed: PassMember["flushed"];
  readonly checkpoint: number;
  readonly index: number;
  readonly eventsAtStart: number;
  readonly #eventsBefore: number;
  isRunning = true;
  /** Whether a guess at the key of an event was wrong. */
  isMisguessed = false;
  readonly #control: ScanControl;

  constructor(
    { eventsStored, ...begun }:
      & Pick<PassMember, "definition" | "watch" | "checkpoint" | "flushed">
      & {
        readonly generation: SqliteGeneration;
        /** Events that the generation has applied, and had when the job began. */
        readonly eventsStored: number;
        readonly eventsAtStart: number;
      },
    index: number,
    control: ScanControl,
  ) {
    this.definition = begun.definition;
    this.generation = begun.generation;
    this.watch = begun.watch;
    this.flushed = begun.flushed;
    this.checkpoint = begun.checkpoint;
    this.eventsAtStart = begun.eventsAtStart;
    this.#eventsBefore = eventsStored - begun.eventsAtStart;
    this.index = index;
    this.#control = control;
    control.report(index, {
      ...NOTHING_DONE,
      position: begun.checkpoint,
      worked: begun.checkpoint,
    });
  }

  /** Whether it is to end, and has not yet. */
  get isAsked(): boolean {
    return this.isRunning && this.#control.isStopped(this.index);
  }

  throwIfStopped(): void {
    this.#control.beat();
    this.#control.enter(this.index);
    if (this.#control.isStopped(this.index)) throw new StoppedError();
  }

  /** Ends it at once when it is to stop, without waiting for its next batch. */
  async stopIfAsked(): Promise<void> {
    if (this.isAsked) await this.end(new StoppedError());
  }

  advance(progress: PassProgress): void {
    const eventsApplied = this.#eventsBefore + progress.eventsApplied;
    this.#control.report(this.index, { ...progress, eventsApplied });
  }

  async fail(error: unknown): Promise<void> {
    if (!(error instanceof MisguessedKeyError)) return await this.end(error);
    this.isMisguessed = true;
    this.isRunning = false;
    this.generation.close();
  }

  /** Lets go of the generation: what is not committed is undone. */
  // deno-lint-ignore require-await -- the pass leaves room for others
  async end(error: unknown): Promise<void> {
    if (!this.isRunning) return;
    this.isRunning = false;
    let outcome = error;
    try {
      // Here, since it takes long for many documents.
      if (error === undefined) this.generation.makeFindable();
    } catch (cause) {
      outcome = cause;
    }
    this.generation.close();
    postEnd(this.index, outcome, this.#control.progress(this.index));
  }
}

function postEnd(member: number, error: unknown, progress: PassProgress): void {
  scope.postMessage({
    kind: "ended",
    member,
    error: error === undefined ? undefined : toErrorMessage(error),
    progress,
  });
}
