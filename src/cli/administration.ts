/**
 * What operators can do, wherever it happens: in a folder that this process opens, or on a server
 * that has it open. The commands know this port alone.
 *
 * @module
 */
import type { RebuildWindowStatus } from "../daemon/rebuild_window.ts";
import type { ScrubReport } from "../daemon/scrub.ts";
import type { Position } from "../events/event.ts";
import type {
  DeadLetter,
  ProjectionGeneration,
  ProjectionInfo,
} from "../projections/projections.ts";
import type {
  OperationState,
  RebuildOperation,
  RebuildPlan,
} from "../rebuild/operation.ts";
import type { RebuiltKeys } from "../rebuild/rebuilt_keys.ts";
import type { CaughtUp } from "./catch_up.ts";
import type { Progress } from "./progress.ts";

/** What to rebuild, and how. */
export interface RebuildRequest {
  /** These projections; `undefined`: those that need it. */
  readonly names: readonly string[] | undefined;
  /** Without names: also what is up to date. */
  readonly forceRebuild: boolean;
  readonly concurrency?: number;
  readonly priority?: number;
  readonly note?: string;
  readonly ignoreDiskSpace?: boolean;
  readonly verify?: boolean;
  readonly promote?: "automatic" | "manual";
}

/** An order to an operation. */
export type OperationOrder = "cancel" | "pause" | "resume" | "promote";

/** A page of operations, the newest first. */
export interface OperationPage {
  readonly operations: readonly RebuildOperation[];
  /** What to pass as `before` for the next page, or `null` on the last one. */
  readonly next: string | null;
}

/** How one projection stands, with its generations. */
export interface ProjectionDetail extends ProjectionInfo {
  readonly generations: readonly ProjectionGeneration[];
}

/** What operators can do. Dispose it to close what it opened. */
export interface Administration extends AsyncDisposable {
  /** Where it happens. */
  readonly place: "folder" | "server";
  /** Position of the last event; `null` if there is nothing to tell it by. */
  head(): Promise<Position | null>;
  /** How each projection stands, sorted by name. */
  projections(): Promise<readonly ProjectionInfo[]>;
  /** How one stands. */
  projection(name: string): Promise<ProjectionDetail>;
  /** The events that a projection passed over. */
  deadLetters(name: string): Promise<readonly DeadLetter[]>;
  /** Tries the event again that a projection stands still on. */
  retry(name: string, progress: Progress): Promise<ProjectionInfo>;
  /** Passes over the event that a projection stands still on. */
  skip(
    name: string,
    position: Position,
    progress: Progress,
  ): Promise<ProjectionInfo>;
  /**
   * Lets the previous generation serve again.
   *
   * @param name The projection.
   * @param from The generation that was seen to serve, or `null` if none was.
   */
  rollback(name: string, from: number | null): Promise<ProjectionInfo>;
  /**
   * Rebuilds single documents of a projection.
   *
   * @param name The projection.
   * @param keys Which; `undefined`: those that are missing or damaged.
   * @param progress Shows how far it is.
   */
  repair(
    name: string,
    keys: readonly string[] | undefined,
    progress: Progress,
  ): Promise<RebuiltKeys>;
  /** Looks for damage, and marks the projections that are damaged. */
  scrub(progress: Progress): Promise<ScrubReport>;
  /** What a rebuild would do and take. */
  plan(request: RebuildRequest): Promise<RebuildPlan>;
  /** Starts a rebuild. */
  start(request: RebuildRequest): Promise<RebuildOperation>;
  /** Brings up to date what was not rebuilt; a server does that by itself. */
  catchUp(
    operation: RebuildOperation,
    progress: Progress,
  ): Promise<readonly CaughtUp[]>;
  /** An operation. */
  operation(id: string): Promise<RebuildOperation>;
  /** The newest operations first. */
  operations(
    options: {
      readonly limit?: number;
      readonly before?: string;
      readonly state?: OperationState;
    },
  ): Promise<OperationPage>;
  /**
   * Waits until an operation has ended, or waits to be promoted.
   *
   * @returns The operation as it is then: the one that continued it after a restart.
   */
  watch(
    id: string,
    onChange: (operation: RebuildOperation) => void,
  ): Promise<RebuildOperation>;
  /** Gives an order. */
  order(id: string, order: OperationOrder): Promise<RebuildOperation>;
  /** When rebuilds are scheduled. */
  schedule(): Promise<readonly RebuildWindowStatus[]>;
}

/** Whether everything that an operation builds waits for an operator to have it swapped in. */
export function awaitsPromotion(
  { result, progress }: RebuildOperation,
): boolean {
  const open = progress.filter(({ phase }) => !FINAL.has(phase));
  return result === null && open.length > 0 &&
    open.every(({ phase }) => phase === "awaitingPromotion");
}

const FINAL: ReadonlySet<string> = new Set([
  "succeeded",
  "failed",
  "cancelled",
  "interrupted",
]);

/** Whether an operation has ended, or waits to be promoted. */
export function isAtRest(operation: RebuildOperation): boolean {
  return operation.result !== null || FINAL.has(operation.state) ||
    awaitsPromotion(operation);
}
