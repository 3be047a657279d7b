/**
 * The append condition: what a decision relied on, checked again at the moment of writing.
 *
 * @module
 */
import type { Position } from "./event.ts";
import type { Query } from "./query.ts";

/**
 * Refuses an append when a relevant event was recorded meanwhile: "fail if any event after
 * `after` matches `failIfEventsMatch`".
 */
export interface AppendCondition {
  /** The events that would have changed the decision. */
  readonly failIfEventsMatch: Query;
  /** Only events after this position count. @default {0} */
  readonly after?: Position;
}

/**
 * An append was refused since its condition no longer holds. Nothing was written: read again,
 * decide again, append again (or let `decide()` do so).
 */
export class AppendConditionError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "AppendConditionError";

  /**
   * Creates the error.
   *
   * @param conflict `after`: where the decision had read to; `foundAt`: an event that matches.
   */
  constructor(
    /** `after`: where the decision had read to; `foundAt`: an event that matches. */
    readonly conflict: { readonly after: Position; readonly foundAt: Position },
  ) {
    super(
      `Cannot append as the condition no longer holds: decided at position ${conflict.after}, ` +
        `a matching event was found at position ${conflict.foundAt}`,
    );
  }
}
