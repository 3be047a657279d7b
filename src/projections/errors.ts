/**
 * What callers of the projections handle: unknown, not built, failed at an event.
 *
 * @module
 */
import type { Position } from "../events/event.ts";

/** No projection of that name is registered. Check the name, or register the projection. */
export class UnknownProjectionError extends Error {
  override readonly name = "UnknownProjectionError";

  /**
   * @param projectionNames The names that are not registered.
   * @param registered The names that are.
   */
  constructor(
    readonly projectionNames: readonly string[],
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
  override readonly name = "ProjectionNotBuiltError";

  /** @param projectionName The projection that was asked for. */
  constructor(readonly projectionName: string) {
    super(
      `Cannot read projection "${projectionName}" as it was never built: rebuild it, then read again`,
    );
  }
}

/** The files of a projection are damaged. Its documents are derived: rebuild it. */
export class ProjectionDamagedError extends Error {
  override readonly name = "ProjectionDamagedError";

  /**
   * @param projectionName The projection.
   * @param file The damaged file, within the data folder.
   * @param options `cause`: what was found.
   */
  constructor(
    readonly projectionName: string,
    readonly file: string,
    options?: ErrorOptions,
  ) {
    super(
      `Cannot use projection "${projectionName}" as "${file}" is missing or damaged: rebuild it`,
      options,
    );
  }
}

/** A definition's own code failed on an event. Fix the definition, then rebuild. */
export class ProjectionApplyError extends Error {
  override readonly name = "ProjectionApplyError";

  /**
   * @param projectionName The projection.
   * @param event The event that it failed on.
   * @param options `cause`: what the definition threw.
   */
  constructor(
    readonly projectionName: string,
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
