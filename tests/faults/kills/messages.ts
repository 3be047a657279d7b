/**
 * What the program that is killed and the one that kills it tell each other.
 *
 * @module
 */
import type { AppendCondition, Position } from "../../../mod.ts";

/** How a call is disturbed: see `shim.c`. */
export type FaultKind = "before" | "half" | "after" | FailureKind;

/** The errors by which a call fails. */
export type FailureKind = "EIO" | "ENOSPC" | "EDQUOT";

/** Which call is disturbed, and how. */
export interface FaultPoint {
  /** Which one of those that change the data folder, an integer from 1. */
  readonly at: number;
  /** How. */
  readonly kind: FaultKind;
  /** Only such calls count; writes only through the port. @default {all} */
  readonly call?: "write" | "sync";
  /**
   * Of a call that fails: kills the program before so many calls after it, an integer from 1.
   * @default {never}
   */
  readonly killAfter?: number;
}

/** What the program does; in which order follows from the seed. */
export type Phase =
  | "open"
  | "singles"
  | "together"
  | "conditions"
  | "roll"
  | "live"
  | "rebuild"
  | "rebuild one"
  | "roll back"
  | "promote"
  | "repair"
  | "rebuild keys"
  | "close";

/** What the program is to do, as the JSON text of its only argument. */
export interface VictimTask {
  /** The data folder. */
  readonly path: string;
  /** Of everything random. */
  readonly seed: number;
  /** Which run of the program this is: no two have the same, so that they make other ids. */
  readonly run: number;
  /** What it does between opening and closing, in any order. */
  readonly phases: readonly Phase[];
  /** How often it opens and closes the folder. */
  readonly rounds: number;
  /** Whether it goes on after calls that failed. */
  readonly tolerant: boolean;
  /** Ends itself at this call of its file system port. @default {never} */
  readonly portFault?: FaultPoint;
}

/** A line on the program's standard output. */
export type VictimMessage =
  | { readonly kind: "phase"; readonly phase: Phase }
  /** It is about to append. */
  | {
    readonly kind: "call";
    readonly call: number;
    readonly ids: readonly string[];
    readonly condition?: AppendCondition;
  }
  /** It was told that it is stored. */
  | { readonly kind: "stored"; readonly call: number; readonly first: Position }
  /** It was told that nothing was written. */
  | { readonly kind: "refused"; readonly call: number }
  /** It is about to damage documents. */
  | { readonly kind: "damaging" }
  /** It was told that they are repaired, or rebuilt. */
  | { readonly kind: "mended" }
  /** It read an event. */
  | { readonly kind: "saw"; readonly position: Position; readonly id: string };

/** How the line on standard error that tells of a fault begins; kind, call and file follow. */
export const FAULT_LINE = "opossum-fault";
