/**
 * An Opossum whose rebuilds end when a test says so, for what is hard to provoke with a real one.
 *
 * @module
 */
import {
  type AppendHealth,
  type AuditEntry,
  type AuditLog,
  type Daemon,
  type DaemonState,
  type DeadLetter,
  type LogAttributes,
  type LogLevel,
  type OperationState,
  type Opossum,
  type Position,
  type ProjectionInfo,
  type ProjectionRebuildResult,
  type ProjectionRebuildStatus,
  type Projections,
  ProjectionSkipError,
  type ProjectionState,
  RebuildConflictError,
  type Rebuilder,
  type RebuildOperation,
  UnknownOperationError,
  UnknownProjectionError,
} from "../../mod.ts";
import { resolveOptions } from "../../src/options.ts";
import { fakeInfo } from "./fake_info.ts";
import { FakeClock, MemoryEventStore } from "../../src/testing/mod.ts";

/** What was logged. */
export interface LogRecord {
  readonly level: LogLevel;
  readonly message: string;
  readonly attributes: LogAttributes | undefined;
}

/** What a rebuild was started with. */
export interface Started {
  readonly names: readonly string[] | undefined;
  readonly options: Parameters<Rebuilder["start"]>[1];
}

interface Entry {
  operation: RebuildOperation;
  readonly ended: PromiseWithResolvers<ProjectionRebuildResult>;
}

const STARTED_AT = "2026-01-01T00:00:00.000Z";

/** The fake, with what a test may look at and change. */
export class FakeOpossum implements Opossum {
  readonly clock = new FakeClock();
  readonly logs: LogRecord[] = [];
  readonly options = resolveOptions({
    path: "unused",
    clock: this.clock,
    logger: {
      log: (level, message, attributes) => {
        this.logs.push({ level, message, attributes });
      },
    },
  });
  readonly events = new MemoryEventStore();
  readonly started: Started[] = [];
  /** What was written to the audit log, the oldest first. */
  readonly audited: AuditEntry[] = [];
  /** Thrown by the audit log. */
  auditError: unknown;
  readonly audit: AuditLog = {
    record: (entry) => {
      if (this.auditError !== undefined) return Promise.reject(this.auditError);
      this.audited.push(entry);
      return Promise.resolve();
    },
    list: ({ limit = 50 } = {}) =>
      Promise.resolve({
        records: this.audited.map((entry, i) => ({
          id: `000000000000000-00000000-${i}`,
          at: STARTED_AT,
          ...entry,
        })).reverse().slice(0, limit),
        next: null,
      }),
  };
  readonly checkpoints = new Map<string, number>();
  readonly states = new Map<string, ProjectionState>();
  /** Ends rebuilds as soon as they start, in this state. */
  endAtOnce: OperationState | undefined = "succeeded";
  /** Thrown by everything that reads the status. */
  statusError: unknown;
  daemonState: DaemonState = "running";
  /** What every projection passed over. */
  letters: readonly DeadLetter[] = [];
  appendHealth: AppendHealth = { state: "accepted", cause: undefined };
  readonly projections: Projections;
  readonly rebuilder: Rebuilder;
  readonly daemon: Daemon;
  readonly #names: readonly string[];
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(operation: RebuildOperation) => void>();

  constructor(...names: string[]) {
    this.#names = names.sort();
    for (const name of names) this.checkpoints.set(name, 10);
    // deno-lint-ignore no-this-alias -- the getter below needs both
    const fake = this;
    this.daemon = {
      get state() {
        return fake.daemonState;
      },
      schedule: () => [],
      start: () => Promise.resolve(),
      stop: () => Promise.resolve(),
      retry: async (name) => void await this.#info(name),
      skip: (name, position) => this.#skip(name, position),
      whenStarted: () => Promise.resolve(),
    };
    const notFaked = () => Promise.reject(new Error("Not faked"));
    this.projections = {
      names: this.#names,
      get: notFaked,
      getMany: notFaked,
      list: notFaked,
      queryByTag: notFaked,
      documents: () => {
        throw new Error("Not faked");
      },
      deadLetters: async (name) => {
        await this.#info(name);
        return this.letters;
      },
      generations: async (name) => {
        await this.#info(name);
        return [];
      },
      info: (name) => this.#info(name),
      waitFor: notFaked,
    };
    this.rebuilder = {
      rebuildAll: notFaked,
      rebuild: notFaked,
      start: (names, options) => this.#start(names, options),
      wait: (id, options) => this.#wait(id, options?.signal),
      promote: notFaked,
      rollback: notFaked,
      cancel: (id) => Promise.resolve(this.#cancel(id)),
      rebuildKeys: notFaked,
      repair: notFaked,
      lastRepair: () => Promise.resolve(undefined),
      pause: (id) => Promise.resolve(this.#setPaused(id, "paused")),
      resume: (id) => Promise.resolve(this.#setPaused(id, "running")),
      watch: (listener) => {
        this.#listeners.add(listener);
        return {
          [Symbol.dispose]: () => void this.#listeners.delete(listener),
        };
      },
      plan: (_names, options) =>
        Promise.resolve(this.#names.map((projectionName) => ({
          projectionName,
          reason: options?.forceRebuild ? "forced" : "upToDate",
          rebuild: options?.forceRebuild === true,
          events: 0,
          checkpoint: 10,
        }))),
      estimate: async (names, options) => ({
        projections: await this.rebuilder.plan(names, options),
        events: 20,
        estimatedDuration: 1_000,
        estimatedBytes: 4_096,
        freeBytes: 1_000_000,
      }),
      getOperation: (id) => Promise.resolve(this.#entries.get(id)?.operation),
      listOperations: ({ limit = 50, before, state } = {}) => {
        const all = [...this.#entries.values()]
          .map(({ operation }) => operation).reverse();
        const at = all.findIndex(({ id }) => id === before);
        if (before !== undefined && at < 0) {
          return Promise.reject(new UnknownOperationError(before));
        }
        return Promise.resolve(
          all.slice(at + 1)
            .filter((each) => state === undefined || each.state === state)
            .slice(0, limit),
        );
      },
      getRebuildStatus: () => this.#status(),
      getCheckpoint: (name) => Promise.resolve(this.checkpoints.get(name) ?? 0),
      getRegisteredProjections: () => this.#names,
    };
  }

  /** Ends a running operation. */
  end(id: string, state: OperationState): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new Error(`No operation ${id}`);
    const { operation } = entry;
    const success = state === "succeeded";
    const result: ProjectionRebuildResult = {
      operationId: id,
      state,
      totalRebuilt: success ? operation.projectionNames.length : 0,
      duration: 12.5,
      details: operation.projectionNames.map((projectionName) => ({
        projectionName,
        success,
        state: success ? "succeeded" : "failed",
        duration: 12.5,
        eventsProcessed: 3,
        eventsScanned: 10,
        documents: success ? 2 : 0,
        checkpoint: success ? 10 : 0,
        reason: "requested",
        errorMessage: success ? null : "Out of cheese",
        error: success ? null : {
          name: "CheeseError",
          message: "Out of cheese",
          position: 4,
          eventType: "CheeseEaten",
        },
      })),
      success,
      failedProjections: success ? [] : operation.projectionNames,
      nothingToDo: false,
      startedAt: STARTED_AT,
      completedAt: STARTED_AT,
    };
    entry.operation = {
      ...operation,
      state,
      completedAt: STARTED_AT,
      result,
    };
    entry.ended.resolve(result);
    this.#tell(entry.operation);
  }

  /** Whether anybody is told of operations. */
  get isWatched(): boolean {
    return this.#listeners.size > 0;
  }

  /** Changes a running operation. */
  change(id: string, changes: Partial<RebuildOperation>): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new Error(`No operation ${id}`);
    entry.operation = { ...entry.operation, ...changes };
  }

  #tell(operation: RebuildOperation): void {
    for (const listener of this.#listeners) listener(operation);
  }

  #setPaused(id: string, state: "paused" | "running"): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.operation.result !== null) return false;
    const pausedAt = state === "paused" ? STARTED_AT : null;
    entry.operation = { ...entry.operation, state, pausedAt };
    this.#tell(entry.operation);
    return true;
  }

  readonly verify: Opossum["verify"] = () =>
    Promise.reject(new Error("Not faked"));

  readonly scrub: Opossum["scrub"] = () =>
    Promise.reject(new Error("Not faked"));

  readonly lastScrub: Opossum["lastScrub"] = () => Promise.resolve(undefined);

  scrubbingSince: Opossum["scrubbingSince"];

  scrubProgress: Opossum["scrubProgress"];

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #start(
    names: readonly string[] | undefined,
    options: Started["options"],
  ): Promise<RebuildOperation> {
    const unknown = names?.filter((name) => !this.#names.includes(name)) ?? [];
    if (unknown.length > 0) {
      return Promise.reject(new UnknownProjectionError(unknown, this.#names));
    }
    for (const { operation } of this.#entries.values()) {
      const name = operation.projectionNames.find((name) =>
        names?.includes(name)
      );
      if (
        operation.state === "running" && name !== undefined &&
        options?.whenRunning === "reject"
      ) {
        return Promise.reject(new RebuildConflictError(name, operation.id));
      }
    }
    this.started.push({ names, options });
    const id = crypto.randomUUID().replaceAll("-", "");
    const operation: RebuildOperation = {
      id,
      state: "running",
      trigger: options?.trigger ?? "code",
      projectionNames: names ?? this.#names,
      note: options?.note ?? null,
      requestedBy: options?.requestedBy ?? null,
      priority: options?.priority ?? null,
      concurrency: options?.concurrency ?? 4,
      pausedAt: null,
      resumes: null,
      startedAt: STARTED_AT,
      completedAt: null,
      progress: [{
        projectionName: this.#names[0] ?? "",
        phase: "scanning",
        position: 5,
        target: 10,
        eventsScanned: 5,
        eventsProcessed: 3,
        percent: 50,
        paused: false,
        stalled: false,
        runsIn: "process",
        eventsPerSecond: 1,
        estimatedCompletionAt: "2026-01-01T00:00:07.000Z",
      }],
      result: null,
    };
    const ended = Promise.withResolvers<ProjectionRebuildResult>();
    this.#entries.set(id, { operation, ended });
    this.#tell(operation);
    if (this.endAtOnce !== undefined) this.end(id, this.endAtOnce);
    return Promise.resolve(operation);
  }

  #wait(
    id: string,
    signal: AbortSignal | undefined,
  ): Promise<ProjectionRebuildResult | undefined> {
    const entry = this.#entries.get(id);
    if (entry === undefined) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason), {
        once: true,
      });
      entry.ended.promise.then(resolve, reject);
    });
  }

  #cancel(id: string): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.operation.result !== null) return false;
    this.end(id, "cancelled");
    return true;
  }

  async #skip(name: string, position: Position): Promise<void> {
    await this.#info(name);
    throw new ProjectionSkipError(name, position, "notFaulted");
  }

  #info(name: string): Promise<ProjectionInfo> {
    if (!this.#names.includes(name)) {
      return Promise.reject(new UnknownProjectionError([name], this.#names));
    }
    return Promise.resolve({
      ...fakeInfo(name),
      state: this.states.get(name) ?? "ready",
      checkpoint: this.checkpoints.get(name) ?? 0,
    });
  }

  #status(): Promise<ProjectionRebuildStatus> {
    if (this.statusError !== undefined) {
      return Promise.reject(this.statusError);
    }
    const running = [...this.#entries.values()]
      .map(({ operation }) => operation)
      .filter(({ state }) => state === "running");
    return Promise.resolve({
      isRebuilding: running.length > 0,
      inProgressProjections: running.flatMap((each) => each.projectionNames),
      queuedProjections: [],
      startedAt: running[0]?.startedAt ?? null,
      estimatedCompletionAt: null,
      progress: [],
      operationIds: running.map(({ id }) => id),
      lastResult: null,
      throttle: { share: 1, reason: null, eventsPerSecondMax: null },
    });
  }
}
