/**
 * What a scanning worker is told, and what it answers: plain data that crosses threads.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import { LogCorruptionError, type LogDamage } from "../log/errors.ts";
import type { GenerationLocation } from "../projections/projection_store.ts";
import { ProjectionApplyError, toTellable } from "../projections/errors.ts";
import type { FlushTiming, PassProgress, PassSettings } from "./scan_pass.ts";

/** One projection of a job. */
export interface JobMember {
  /** The projection. */
  readonly projectionName: string;
  /** The version of its definition, which the worker's one must have. */
  readonly version: number;
  /** The fingerprint of its definition, which the worker's one must have. */
  readonly fingerprint: string;
  /** What its code is watched by. */
  readonly watchIndex: number;
  /** What it is built into. */
  readonly location: GenerationLocation;
}

/** A pass for a worker. */
export interface ScanJob extends PassSettings {
  /** Memory of the `ScanControl`. */
  readonly control: SharedArrayBuffer;
  /** Memory of the `CodeWatch`, if the code is watched. */
  readonly watch: SharedArrayBuffer | undefined;
  /** The data folder. */
  readonly path: string;
  /** The module that exports the definitions. */
  readonly projectionsUrl: string;
  /** The projections. */
  readonly members: readonly JobMember[];
  /** Whether somebody wants to know of flushes. */
  readonly tellsFlushes: boolean;
}

/** What a worker answers. */
export type ScanAnswer =
  | {
    /** A projection cannot be scanned in a worker. */
    readonly kind: "unsuitable";
    readonly member: number;
    /** Why not. */
    readonly reason: string;
  }
  | {
    /** What was folded for a projection is stored. */
    readonly kind: "flushed";
    readonly member: number;
    readonly flush: FlushTiming;
  }
  | {
    /** A projection's part is over. */
    readonly kind: "ended";
    readonly member: number;
    /** What went wrong, if anything. */
    readonly error: ErrorMessage | undefined;
    readonly progress: PassProgress;
  }
  | {
    /** Nothing more will come. */
    readonly kind: "done";
  };

/**
 * The temporary file for events that are put aside, beside the first projection's database. Its
 * name is one that the projection's next build sweeps.
 */
export function spillFileOf(location: GenerationLocation | undefined): string {
  return `${location?.file}.${crypto.randomUUID()}.spill.tmp`;
}

/** An error as data. */
export interface ErrorMessage {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly cause: ErrorMessage | undefined;
  /** Of an error in a definition's code: the projection, and the event it failed on. */
  readonly apply?: {
    readonly projectionName: string;
    readonly event: { readonly position: Position; readonly type: string };
  };
  /** Of a damaged log. */
  readonly damage?: LogDamage;
}

/** Causes of causes that are told: an error may be its own cause. */
const CAUSES_MAX = 8;

/** Turns an error into data. */
export function toErrorMessage(
  thrown: unknown,
  causesMax: number = CAUSES_MAX,
): ErrorMessage {
  const error = toTellable(thrown);
  if (!(error instanceof Error)) {
    return {
      name: "Error",
      message: String(error),
      stack: undefined,
      cause: undefined,
    };
  }
  const { name, message, stack, cause } = error;
  return {
    name,
    message,
    stack,
    cause: cause === undefined || causesMax === 0
      ? undefined
      : toErrorMessage(cause, causesMax - 1),
    ...error instanceof ProjectionApplyError
      ? {
        apply: { projectionName: error.projectionName, event: error.event },
      }
      : {},
    ...error instanceof LogCorruptionError ? { damage: damageOf(error) } : {},
  };
}

function damageOf(
  { file, offset, position, what }: LogCorruptionError,
): LogDamage {
  return { file, offset, position, what };
}

/** Turns the data back into an error of the same class, where the class is ours. */
export function fromErrorMessage(data: ErrorMessage): Error {
  const { name, message, stack, cause, apply, damage } = data;
  const options = cause === undefined ? {} : { cause: fromErrorMessage(cause) };
  if (apply) {
    return new ProjectionApplyError(apply.projectionName, apply.event, {
      cause: options.cause,
    });
  }
  if (damage) return new LogCorruptionError(damage, options);
  const error = new Error(message, options);
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}
