/**
 * What came of each projection's last build, also of one by another process: from the history,
 * of which only what is new is read.
 *
 * @module
 */
import type {
  ProjectionLastBuild,
  ProjectionLastError,
} from "../projections/build_info.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { ProjectionRebuildDetail, RebuildOperation } from "./operation.ts";
import type { OperationStore } from "./operation_store.ts";

/** A projection that somebody else was building had no build of its own. */
const NOT_BUILT = "RebuildConflictError";

/** Knows the last builds. */
export class LastBuilds {
  readonly #history: OperationStore;
  readonly #builds = new Map<string, ProjectionLastBuild>();
  readonly #errors = new Map<string, ProjectionLastError>();
  /** Operations that will not change any more. */
  #read = new Set<string>();
  #readAtMs = -1;
  readonly #logger: Logger;
  #hasFailed = false;

  /**
   * @param history Where they are found.
   * @param logger Told when it cannot be read.
   */
  constructor(history: OperationStore, logger: Logger) {
    this.#history = history;
    this.#logger = logger;
  }

  /** What came of a projection's last build, and of the last that failed. */
  of(name: string): {
    readonly lastBuild: ProjectionLastBuild | null;
    readonly lastError: ProjectionLastError | null;
  } {
    try {
      this.#refresh();
      this.#hasFailed = false;
    } catch (error) {
      // How projections stand must be told also when their history cannot be.
      if (!this.#hasFailed) {
        const words = "The history of operations could not be read";
        this.#logger.log("warn", words, { error });
      }
      this.#hasFailed = true;
    }
    return {
      lastBuild: this.#builds.get(name) ?? null,
      lastError: this.#errors.get(name) ?? null,
    };
  }

  /** Takes note of an operation that has ended. */
  add({ id, result }: Pick<RebuildOperation, "id" | "result">): void {
    if (!result) return;
    this.#read.add(id);
    const { startedAt, completedAt } = result;
    for (const detail of result.details) {
      if (detail.error?.name === NOT_BUILT) continue;
      this.#note(detail, { operationId: id, startedAt, completedAt });
    }
  }

  #note(
    { projectionName, state, duration, eventsProcessed, ...detail }:
      ProjectionRebuildDetail,
    of: Pick<ProjectionLastBuild, "operationId" | "startedAt" | "completedAt">,
  ): void {
    const { completedAt } = of;
    const last = this.#builds.get(projectionName);
    if (!last || last.completedAt <= completedAt) {
      this.#builds.set(
        projectionName,
        Object.freeze({ ...of, state, duration, eventsProcessed }),
      );
    }
    const { error } = detail;
    const lastError = this.#errors.get(projectionName);
    if (!error || (lastError && lastError.at > completedAt)) return;
    const { message, position, eventType } = error;
    this.#errors.set(
      projectionName,
      Object.freeze({ message, position, eventType, at: completedAt }),
    );
  }

  #refresh(): void {
    const changedAtMs = this.#history.changedAtMs();
    if (changedAtMs === this.#readAtMs) return;
    // As much as the history remembers, and no more.
    this.#read = this.#read.intersection(new Set(this.#history.ids()));
    // Not one by one by their ids: each of these would be looked for among all.
    for (const operation of this.#history.newest(undefined, this.#read)) {
      this.add(operation);
    }
    this.#readAtMs = changedAtMs;
  }
}
