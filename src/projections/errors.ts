/**
 * What callers of the projections handle: unknown, not built, failed at an event.
 *
 * @module
 */
import type { Position } from "../events/event.ts";

/** No projection of that name is registered. Check the name, or register the projection. */
export class UnknownProjectionError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "UnknownProjectionError";

  /**
   * Creates the error.
   *
   * @param projectionNames The names that are not registered.
   * @param registered The names that are.
   */
  constructor(
    /** The names that are not registered. */
    readonly projectionNames: readonly string[],
    /** The names that are registered. */
    readonly registered: readonly string[],
  ) {
    super(
      `Cannot find projection ${
        projectionNames.map((name) => JSON.stringify(name)).join(", ")
      }: ` +
        `registered are ${
          registered.map((name) => JSON.stringify(name)).join(", ") || "none"
        }`,
    );
  }
}

/** The projection has no complete generation to read from. Rebuild it, then read again. */
export class ProjectionNotBuiltError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "ProjectionNotBuiltError";

  /**
   * Creates the error.
   *
   * @param projectionName The projection that was asked for.
   */
  constructor(
    /** The projection that was asked for. */
    readonly projectionName: string,
  ) {
    super(
      `Cannot read projection "${projectionName}" as it was never built: rebuild it, then read again`,
    );
  }
}

/** The files of a projection are damaged. Its documents are derived: rebuild it. */
export class ProjectionDamagedError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "ProjectionDamagedError";

  /**
   * Creates the error.
   *
   * @param projectionName The projection.
   * @param file The damaged file, within the data folder.
   * @param options `cause`: what was found.
   */
  constructor(
    /** The projection. */
    readonly projectionName: string,
    /** The damaged file, within the data folder. */
    readonly file: string,
    options?: ErrorOptions,
  ) {
    super(
      `Cannot use projection "${projectionName}" as "${file}" is missing or damaged: rebuild it`,
      options,
    );
  }
}

/**
 * The files of a projection cannot be used now: too many files are open, the disk is full or
 * busy, or the permissions do not let it. They are not damaged: try again once that is mended.
 */
export class ProjectionUnavailableError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "ProjectionUnavailableError";

  /**
   * Creates the error.
   *
   * @param projectionName The projection.
   * @param file The file, within the data folder.
   * @param options `cause`: what the system said.
   */
  constructor(
    /** The projection. */
    readonly projectionName: string,
    /** The file, within the data folder. */
    readonly file: string,
    options: { readonly cause: unknown },
  ) {
    const { cause } = options;
    super(
      `Cannot use projection "${projectionName}" now as "${file}" cannot be opened or written: ${
        cause instanceof Error ? cause.message : String(cause)
      }`,
      options,
    );
  }
}

/** The store was closed. Open it again. */
export class ProjectionsClosedError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "ProjectionsClosedError";

  /**
   * Creates the error.
   *
   * @param projectionName The projection that was asked for.
   */
  constructor(
    /** The projection that was asked for. */
    readonly projectionName: string,
  ) {
    super(
      `Cannot use projection "${projectionName}" as the store is closed: open it again`,
    );
  }
}

/** A definition's own code failed on an event. Fix the definition, then rebuild. */
export class ProjectionApplyError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "ProjectionApplyError";

  /**
   * Creates the error.
   *
   * @param projectionName The projection.
   * @param event The event that it failed on.
   * @param options `cause`: what the definition threw.
   */
  constructor(
    /** The projection. */
    readonly projectionName: string,
    /** The event that it failed on. */
    readonly event: { readonly position: Position; readonly type: string },
    options: { readonly cause: unknown },
  ) {
    const { cause } = options;
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(
      `Projection "${projectionName}" failed at event ${event.position} (${event.type}): ${reason}`,
      options,
    );
  }
}

/**
 * The process ended, or was ended, while a projection's code ran on this event: it may never
 * return, or take all memory. It is not run again by itself; it is when the definition changes,
 * or an operator says so.
 */
export class SuspectedEventError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "SuspectedEventError";

  constructor() {
    super(
      "A process ended while this code ran on this event: it may not return, or take all memory",
    );
  }
}

/** Why an event cannot be passed over: the projection does not stand still on it, or is rebuilt. */
export type SkipRefusal = "notFaulted" | "rebuilding";

/** An event cannot be passed over by order. Look at how the projection stands. */
export class ProjectionSkipError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "ProjectionSkipError";

  /**
   * Creates the error.
   *
   * @param projectionName The projection.
   * @param position The event.
   * @param refusal Why not.
   */
  constructor(
    /** The projection. */
    readonly projectionName: string,
    /** The event. */
    readonly position: Position,
    /** Why not. */
    readonly refusal: SkipRefusal,
  ) {
    super(
      `Cannot pass over event ${position} as projection "${projectionName}" ${
        refusal === "rebuilding"
          ? "is being rebuilt"
          : "does not stand still on it"
      }`,
    );
  }
}

/** Why a projection cannot be rolled back. */
export type RollbackRefusal =
  | "noPreviousGeneration"
  | "rebuilding"
  | "awaitingPromotion"
  | "anotherGeneration";

/**
 * A projection cannot be rolled back: it has no generation that could serve instead, is being
 * rebuilt, a build of it waits to be promoted, or another generation serves than the one to go
 * back from. Nothing was changed.
 */
export class ProjectionRollbackError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "ProjectionRollbackError";

  /**
   * Creates the error.
   *
   * @param projectionName The projection.
   * @param refusal Why not.
   * @param why The same in words, to end the message.
   * @param options `operationId`: the operation that rebuilds or rebuilt it; `generation`: the one that
   * serves, where another one was expected; `cause`: what was found.
   */
  constructor(
    /** The projection. */
    readonly projectionName: string,
    /** Why not. */
    readonly refusal: RollbackRefusal,
    why: string,
    options: ErrorOptions & {
      readonly operationId?: string | null;
      readonly generation?: number | null;
    } = {},
  ) {
    super(`Cannot roll back projection "${projectionName}" as ${why}`, options);
    this.operationId = options.operationId ?? null;
    this.generation = options.generation ?? null;
  }

  /** The generation that serves, where another one was expected; otherwise `null`. */
  readonly generation: number | null;

  /**
   * The operation that rebuilds it, or whose build waits; `null` when there is none, or another
   * process does not say.
   */
  readonly operationId: string | null;
}

/**
 * What code threw, if it can be looked at and told; otherwise an error in its place. Code may throw
 * anything, and a failure must not become another one by being told.
 *
 * @param thrown Whatever was thrown.
 * @returns An error with texts as its name and message, or what can be turned into a text.
 */
export function toTellable(thrown: unknown): unknown {
  try {
    if (!(thrown instanceof Error)) {
      String(thrown);
      return thrown;
    }
    const { name, message, stack, cause: _ } = thrown;
    const isText = [name, message, stack ?? ""]
      .every((field) => typeof field === "string");
    if (isText) return thrown;
  } catch {
    // Looking at it threw.
  }
  return new Error("What was thrown cannot be told");
}
