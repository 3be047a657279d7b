/**
 * What the parent asks its processes for, and what they answer: one JSON text a line, over pipes.
 * Types only.
 *
 * @module
 */
import type { AppendCondition, Position, Query } from "../../../mod.ts";

/** An event to append. */
export interface NewEvent {
  readonly id: string;
  readonly type: string;
  readonly tags: readonly string[];
}

/** What to do with the event store. */
export type Command =
  | {
    readonly do: "append";
    readonly events: readonly NewEvent[];
    readonly condition?: AppendCondition;
  }
  | { readonly do: "read"; readonly query: Query; readonly after: Position }
  | { readonly do: "head" };

/** What came of it. */
export type Answer =
  | { readonly is: "appended"; readonly first: Position }
  | {
    readonly is: "refused";
    readonly after: Position;
    readonly foundAt: Position;
  }
  | {
    readonly is: "events";
    readonly events: readonly (readonly [Position, string])[];
    readonly ms: number;
  }
  | { readonly is: "head"; readonly head: Position; readonly ms: number }
  | { readonly is: "error"; readonly message: string };
