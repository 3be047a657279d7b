/**
 * The builds of this process by projection, who may wait for which, and who has to begin one.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import type { ProjectionStore } from "../projections/projection_store.ts";
import type { ProjectionRegistry } from "../projections/registry.ts";
import { runInContext, type TelemetryContext } from "../telemetry/spans.ts";
import { BuildTask } from "./build_task.ts";
import type {
  PlannedRebuild,
  ProjectionRebuildDetail,
  RebuildTrigger,
} from "./operation.ts";
import type { OperationStore } from "./operation_store.ts";
import { lockBuild } from "./plan.ts";
import { isOpen } from "./promotion.ts";
import { type RebuildAllOptions, RebuildConflictError } from "./rebuilder.ts";
import type { RunningOperation } from "./running_operation.ts";
import { refusedDetail } from "./task_outcomes.ts";

/** What they are made of. */
export interface BuildTasksOptions {
  readonly registry: ProjectionRegistry;
  readonly store: ProjectionStore;
  readonly history: OperationStore;
  readonly clock: Clock;
  /** Told how each of them ended. */
  readonly onEnd: (
    detail: ProjectionRebuildDetail,
    operation: {
      /** The operation that began it. */
      readonly operationId: string;
      /** Who asked for that. */
      readonly trigger: RebuildTrigger;
    },
  ) => void;
}

/** Who wants builds, and what of them. */
export interface Wanting {
  readonly operation: RunningOperation;
  /** Who gets a free place first; `null`: as each definition says. */
  readonly priority: number | null;
  readonly trigger: RebuildTrigger;
  readonly whenRunning: RebuildAllOptions["whenRunning"] | undefined;
  /** Whether it goes on with what an earlier process began. */
  readonly continues: boolean;
  /** Whether they are compared with what serves. */
  readonly verify: boolean;
  /** Whether they wait to be promoted. */
  readonly manual: boolean;
  /** The span of the operation. */
  readonly context: TelemetryContext;
  /** Called when one begins to wait to be promoted. */
  readonly onPark: () => void;
}

/** Keeps the builds that have not ended. */
export class BuildTasks {
  readonly #options: BuildTasksOptions;
  readonly #tasks = new Map<string, BuildTask>();

  /** @param options What they are made of. */
  constructor(options: BuildTasksOptions) {
    this.#options = options;
  }

  /** The build of a projection, or `undefined`. */
  get(name: string): BuildTask | undefined {
    return this.#tasks.get(name);
  }

  /** Whether a projection is being built here. */
  has(name: string): boolean {
    return this.#tasks.has(name);
  }

  /** Those that have not ended. */
  values(): Iterable<BuildTask> {
    return this.#tasks.values();
  }

  /** Whether a build of a projection waits, or is to wait, to be promoted, also elsewhere. */
  isAwaiting(name: string): boolean {
    const { store, history } = this.#options;
    const task = this.#tasks.get(name);
    if (task) return task.isManual;
    const id = store.operationBuilding(name);
    const operation = id === null ? undefined : history.get(id);
    return operation?.promote === "manual" && isOpen(operation);
  }

  /**
   * Lets an operation wait for the build of a projection.
   *
   * @param plan What is to be done.
   * @param wanting Who wants it.
   * @returns The build if it was made for this operation and is to be begun.
   * @throws {RebuildConflictError} If others build it, and the operation does not take that.
   */
  join(plan: PlannedRebuild, wanting: Wanting): BuildTask | undefined {
    const task = this.#tasks.get(plan.projectionName);
    if (!task) return this.#add(plan, wanting);
    // Not for one that may wait as long as it likes, nor for one that does less than is wanted.
    const mayJoin = !task.isManual && !wanting.manual &&
      (task.verifies || !wanting.verify);
    if (mayJoin) wanting.operation.add(task);
    else this.#refuse(conflictWith(task), plan, wanting);
    return undefined;
  }

  /**
   * The end of builds that were told to stop: one after the other, as long as there are any.
   *
   * @param wanted The projections that count; asked each time.
   */
  *ending(
    wanted: () => readonly PlannedRebuild[],
  ): Generator<Promise<ProjectionRebuildDetail>, void, void> {
    const find = () =>
      wanted().map(({ projectionName }) => this.#tasks.get(projectionName))
        .find((task) => task?.signal.aborted);
    for (let task = find(); task; task = find()) yield task.ended;
  }

  /** @throws {RebuildConflictError} If any of the projections is being built here. */
  assertNoneOf(wanted: readonly PlannedRebuild[]): void {
    for (const { projectionName } of wanted) {
      const task = this.#tasks.get(projectionName);
      if (task) throw conflictWith(task);
    }
  }

  #add(plan: PlannedRebuild, wanting: Wanting): BuildTask | undefined {
    const { registry, store, clock, onEnd } = this.#options;
    const { projectionName, reason, events } = plan;
    const { operation, verify, manual, context, onPark } = wanting;
    const { priority, trigger, continues } = wanting;
    const lock = lockBuild(store, projectionName, operation.id);
    if (lock instanceof Error) {
      this.#refuse(lock, plan, wanting);
      return undefined;
    }
    const task = new BuildTask({
      projectionName,
      reason,
      priority: priority ?? registry.get(projectionName).priority ?? 0,
      target: events,
      lock,
      clock,
      context,
      verify,
      manual: manual
        ? {
          continues,
          isPromoted: operation.promotedAt !== null,
          onPark,
          onDemote: () => operation.promoteAt(null),
        }
        : undefined,
    });
    // Known from now on, not only once it is queued: whoever asks next joins it.
    this.#tasks.set(projectionName, task);
    task.ended.then((detail) => {
      this.#tasks.delete(projectionName);
      runInContext(
        task.workContext,
        () => onEnd(detail, { operationId: operation.id, trigger }),
      );
    });
    operation.add(task);
    return task;
  }

  /** Takes note of a projection that cannot be built for an operation. */
  #refuse(
    error: Error,
    plan: PlannedRebuild,
    { operation, whenRunning, trigger }: Wanting,
  ): void {
    if (whenRunning === "reject") throw error;
    const detail = refusedDetail(plan, error);
    operation.settle(detail);
    // Others build it then: nothing has failed.
    if (error instanceof RebuildConflictError) return;
    this.#options.onEnd(detail, { operationId: operation.id, trigger });
  }
}

function conflictWith(
  { projectionName, operationId }: BuildTask,
): RebuildConflictError {
  return new RebuildConflictError(projectionName, operationId);
}
