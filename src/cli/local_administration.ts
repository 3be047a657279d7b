/**
 * Administers a folder, opened by this process.
 *
 * @module
 */
import { systemClock } from "../events/clock.ts";
import type { Position } from "../events/event.ts";
import type { Opossum } from "../opossum.ts";
import type { DeadLetter, ProjectionInfo } from "../projections/projections.ts";
import type { RebuildOperation, RebuildPlan } from "../rebuild/operation.ts";
import type { RebuildAllOptions } from "../rebuild/rebuilder.ts";
import { UnknownOperationError } from "../rebuild/refusals.ts";
import type { RebuiltKeys } from "../rebuild/rebuilt_keys.ts";
import type { RebuildWindowStatus } from "../daemon/rebuild_window.ts";
import type { ScrubReport } from "../daemon/scrub.ts";
import {
  type Administration,
  isAtRest,
  type OperationOrder,
  type OperationPage,
  type ProjectionDetail,
  type RebuildRequest,
} from "./administration.ts";
import { catchUp, type CaughtUp } from "./catch_up.ts";
import type { CommandIo } from "./io.ts";
import { OperationConflictError } from "./operation_conflict.ts";
import type { Progress } from "./progress.ts";
import { showRepair } from "./repair_progress.ts";
import { showScrub } from "./scrub_progress.ts";

/** How often an operation of this process is looked at, in milliseconds. */
const OWN_MS = 100;
/** How often one of another process is, whose file has to be read. */
const FOREIGN_MS = 500;

const ORDERED: Readonly<Record<OperationOrder, string>> = {
  cancel: "cancelled",
  pause: "paused",
  resume: "resumed",
  promote: "promoted",
};

/** Administers an open store. Its daemon must not run. */
export class LocalAdministration implements Administration {
  readonly place = "folder";
  readonly #opossum: Opossum;
  readonly #io: Pick<CommandIo, "signal">;
  /** Operations that end with this process's signal. */
  readonly #started = new Set<string>();

  /**
   * @param opossum The store. It is closed with this.
   * @param io Who stops it.
   */
  constructor(opossum: Opossum, io: Pick<CommandIo, "signal">) {
    this.#opossum = opossum;
    this.#io = io;
  }

  async head(): Promise<Position> {
    return await this.#opossum.events.head();
  }

  async projections(): Promise<readonly ProjectionInfo[]> {
    const { projections } = this.#opossum;
    return await Promise.all(
      projections.names.map((name) => projections.info(name)),
    );
  }

  async projection(name: string): Promise<ProjectionDetail> {
    const { projections } = this.#opossum;
    const info = await projections.info(name);
    return { ...info, generations: await projections.generations(name) };
  }

  async deadLetters(name: string): Promise<readonly DeadLetter[]> {
    return await this.#opossum.projections.deadLetters(name);
  }

  async retry(name: string, progress: Progress): Promise<ProjectionInfo> {
    await this.#opossum.daemon.retry(name);
    return await this.#advance(name, progress);
  }

  async skip(
    name: string,
    position: Position,
    progress: Progress,
  ): Promise<ProjectionInfo> {
    // Whether it stands still there is known by trying.
    await this.#advance(name, progress);
    await this.#opossum.daemon.skip(name, position);
    return await this.#advance(name, progress);
  }

  async rollback(name: string, from: number | null): Promise<ProjectionInfo> {
    const { projections, rebuilder } = this.#opossum;
    await rebuilder.rollback(name, from === null ? {} : { from });
    return await projections.info(name);
  }

  async repair(
    name: string,
    keys: readonly string[] | undefined,
    progress: Progress,
  ): Promise<RebuiltKeys> {
    const { rebuilder } = this.#opossum;
    const { signal } = this.#io;
    const options = { signal, onProgress: showRepair(progress) };
    return keys === undefined
      ? await rebuilder.repair(name, options)
      : await rebuilder.rebuildKeys(name, keys, options);
  }

  async scrub(progress: Progress): Promise<ScrubReport> {
    return await this.#opossum.scrub({
      signal: this.#io.signal,
      onProgress: showScrub(progress),
    });
  }

  async plan(
    { names, forceRebuild, concurrency }: RebuildRequest,
  ): Promise<RebuildPlan> {
    return await this.#opossum.rebuilder.estimate(names, {
      forceRebuild,
      ...concurrency === undefined ? {} : { concurrency },
    });
  }

  async start(
    { names, forceRebuild, ...how }: RebuildRequest,
  ): Promise<RebuildOperation> {
    const { signal } = this.#io;
    const options: RebuildAllOptions = { ...how, trigger: "cli", signal };
    const operation = await this.#opossum.rebuilder.start(names, {
      ...options,
      ...names === undefined ? { forceRebuild } : {},
      // As over HTTP: one projection by name is not rebuilt twice.
      ...names?.length === 1 ? { whenRunning: "reject" } : {},
    });
    this.#started.add(operation.id);
    return operation;
  }

  async catchUp(
    { projectionNames }: RebuildOperation,
    progress: Progress,
  ): Promise<readonly CaughtUp[]> {
    const { signal } = this.#io;
    if (signal.aborted) return [];
    const others = this.#opossum.projections.names
      .filter((name) => !projectionNames.includes(name));
    return await catchUp(this.#opossum, others, progress, signal);
  }

  async operation(id: string): Promise<RebuildOperation> {
    const operation = await this.#opossum.rebuilder.getOperation(id);
    if (operation === undefined) throw new UnknownOperationError(id);
    return operation;
  }

  async operations(
    options: Parameters<Administration["operations"]>[0],
  ): Promise<OperationPage> {
    const { rebuilder } = this.#opossum;
    const operations = await rebuilder.listOperations(options);
    const last = operations.at(-1)?.id;
    const rest = last === undefined ? [] : await rebuilder.listOperations({
      ...options,
      before: last,
      limit: 1,
    });
    return { operations, next: rest.length > 0 ? last ?? null : null };
  }

  async watch(
    id: string,
    onChange: (operation: RebuildOperation) => void,
  ): Promise<RebuildOperation> {
    const { rebuilder } = this.#opossum;
    const { signal } = this.#io;
    let watched = id;
    let ended: AbortSignal | undefined;
    for (;;) {
      const operation = await this.operation(watched);
      if (operation.resumedBy !== undefined) {
        watched = operation.resumedBy;
        ended = undefined;
        continue;
      }
      onChange(operation);
      if (isAtRest(operation)) return operation;
      const { operationIds } = await rebuilder.getRebuildStatus();
      const isOwn = operationIds.includes(watched);
      if (signal.aborted && this.#started.has(watched)) {
        // It was cancelled with the signal: what it came to is worth knowing.
        await rebuilder.wait(watched);
        return await this.operation(watched);
      }
      signal.throwIfAborted();
      if (isOwn) ended ??= this.#whenEnded(watched);
      await systemClock.sleep(
        isOwn ? OWN_MS : FOREIGN_MS,
        ended ? AbortSignal.any([signal, ended]) : signal,
      );
    }
  }

  async order(id: string, order: OperationOrder): Promise<RebuildOperation> {
    const before = await this.operation(id);
    const isOpen = before.result === null || before.state === "interrupted";
    if (!isOpen) throw hasEnded(id, order, before);
    if (await this.#give(id, order)) return await this.operation(id);
    const continued = await this.#takeUp(id);
    if (continued.id !== id) {
      if (order === "resume") return continued;
      if (order === "promote") await this.watch(continued.id, () => {});
      if (await this.#give(continued.id, order)) {
        return await this.operation(continued.id);
      }
    }
    const now = await this.operation(continued.id);
    if (now.result !== null) throw hasEnded(id, order, now);
    throw new OperationConflictError(
      id,
      ORDERED[order],
      "another process has it: ask that one by '--url'",
    );
  }

  schedule(): Promise<readonly RebuildWindowStatus[]> {
    return Promise.resolve(this.#opossum.daemon.schedule());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opossum[Symbol.asyncDispose]();
  }

  /** Aborts when an operation of this process has ended. */
  #whenEnded(id: string): AbortSignal {
    const ended = new AbortController();
    this.#opossum.rebuilder.wait(id)
      .finally(() => ended.abort())
      // What came of it is read from the operation.
      .catch(() => {});
    return ended.signal;
  }

  async #give(id: string, order: OperationOrder): Promise<boolean> {
    const { rebuilder } = this.#opossum;
    return order === "promote"
      ? await rebuilder.promote(id) !== undefined
      : await rebuilder[order](id);
  }

  /**
   * Takes up what was interrupted, as every server does at its start.
   *
   * @returns The operation that continues this one; this one if nobody does, as with those of
   * processes that are alive.
   */
  async #takeUp(id: string): Promise<RebuildOperation> {
    const { daemon } = this.#opossum;
    const { signal } = this.#io;
    await daemon.start();
    let isStarted = false;
    daemon.whenStarted().then(() => isStarted = true).catch(() => {});
    for (;;) {
      const wasStarted = isStarted;
      const operation = await this.operation(id);
      if (operation.resumedBy !== undefined) {
        return await this.operation(operation.resumedBy);
      }
      if (wasStarted) return operation;
      await systemClock.sleep(OWN_MS, signal);
      signal.throwIfAborted();
    }
  }

  /** Applies what can be applied, and says how the projection stands then. */
  async #advance(name: string, progress: Progress): Promise<ProjectionInfo> {
    await catchUp(this.#opossum, [name], progress, this.#io.signal);
    return await this.#opossum.projections.info(name);
  }
}

function hasEnded(
  id: string,
  order: OperationOrder,
  { state }: RebuildOperation,
): OperationConflictError {
  return new OperationConflictError(
    id,
    ORDERED[order],
    `it has ended: ${state}`,
  );
}
