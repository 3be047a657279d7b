/**
 * Taking up the operations of processes that have ended: those that were interrupted go on, and
 * those that wait for an operator wait for one here.
 *
 * @module
 */
import { Semaphore } from "@std/async/unstable-semaphore";
import { findInterrupted, type InterruptedOperation } from "./interrupted.ts";
import type { RebuildOperation } from "./operation.ts";
import type {
  OperationStarter,
  OperationStarterOptions,
} from "./operation_starter.ts";
import type { OperationsUnderWay, UnderWay } from "./operations_under_way.ts";

/** What they are taken up with. */
export interface TakingUpPeers {
  readonly starter: OperationStarter;
  readonly running: OperationsUnderWay;
}

/** Takes operations up. */
export class TakingUp {
  readonly #options: OperationStarterOptions;
  readonly #peers: TakingUpPeers;
  /** One after the other, and each once. */
  readonly #turns = new Semaphore(1);

  /**
   * @param options What operations are begun with.
   * @param peers What they are taken up with.
   */
  constructor(options: OperationStarterOptions, peers: TakingUpPeers) {
    this.#options = options;
    this.#peers = peers;
  }

  /**
   * Takes all of them up.
   *
   * @param isLeft Which of those that were interrupted are only put down as such.
   * @returns Those that go on by themselves.
   */
  async all(
    isLeft: (operation: RebuildOperation) => boolean,
  ): Promise<readonly UnderWay[]> {
    const { history } = this.#options;
    const goingOn: UnderWay[] = [];
    using _turn = await this.#turns.acquire();
    // First, so that nothing is begun that is to wait.
    for (const found of await this.#takeUpHeld(await this.#find())) {
      if (isLeft(found.operation)) {
        if (found.operation.state === "interrupted") continue;
        await history.save({ ...found.operation, state: "interrupted" });
        continue;
      }
      const begun = await this.#continue(found);
      // What waits for the same build as a paused one waits with it; what waits to be promoted, for
      // an operator.
      const waits = begun.operation.tasks.some((task) =>
        task.isPaused || task.isManual
      );
      if (!waits) goingOn.push(begun);
    }
    return goingOn;
  }

  /** Takes up those that are paused, or wait to be promoted. */
  async held(): Promise<void> {
    using _turn = await this.#turns.acquire();
    await this.#takeUpHeld(await this.#find());
  }

  /** Takes one up if it is paused. */
  async paused(id: string): Promise<void> {
    const { starter, running } = this.#peers;
    const isNeeded = () =>
      !running.get(id) && !starter.isClosed &&
      (this.#options.history.get(id)?.pausedAt ?? null) !== null;
    if (!isNeeded()) return;
    using _turn = await this.#turns.acquire();
    if (!isNeeded()) return;
    for (const found of await this.#find(id)) {
      await starter.begin(found.names, { adopts: found });
    }
  }

  #find(only?: string): Promise<InterruptedOperation[]> {
    const { running } = this.#peers;
    const isRunning = (id: string) => running.get(id) !== undefined;
    return findInterrupted({ ...this.#options, isRunning, only });
  }

  /** Takes up what waits for an operator; returns what does not. */
  async #takeUpHeld(
    all: readonly InterruptedOperation[],
  ): Promise<InterruptedOperation[]> {
    const left: InterruptedOperation[] = [];
    for (const found of all) {
      const { operation, names } = found;
      if (operation.pausedAt !== null) {
        await this.#peers.starter.begin(names, { adopts: found });
        this.#options.logger.log("info", "Rebuild stays paused", {
          operationId: operation.id,
          projections: names,
        });
      } else if (operation.promote === "manual" && names.length > 0) {
        await this.#continue(found);
      } else left.push(found);
    }
    return left;
  }

  /** Continues an interrupted operation by another one. */
  async #continue(found: InterruptedOperation): Promise<UnderWay> {
    const { history, logger } = this.#options;
    const { operation, names } = found;
    logger.log("info", "Resuming interrupted rebuild", {
      operationId: operation.id,
      projections: names,
    });
    const { note, requestedBy, priority } = operation;
    const { verify = false, promote = "automatic", promotedAt = null } =
      operation;
    const begun = await this.#peers.starter.begin(names, {
      trigger: "resume",
      resumes: operation.id,
      traceparent: operation.traceparent,
      tracestate: operation.tracestate,
      concurrency: this.#peers.starter.lowered(operation),
      verify,
      promote,
      promotedAt,
      ...(note === null ? {} : { note }),
      ...(requestedBy === null ? {} : { requestedBy }),
      ...(priority === null ? {} : { priority }),
    });
    const resumedBy = begun.operation.id;
    await history.save({ ...operation, state: "interrupted", resumedBy });
    return begun;
  }
}
