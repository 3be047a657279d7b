/**
 * What can go wrong with a rebuild besides the definition's own code.
 *
 * @module
 */

/** A scan ends as it was asked to stop. Never reaches callers. */
export class StoppedError extends Error {
  override readonly name = "StoppedError";

  constructor() {
    super("The rebuild was asked to stop");
  }
}

/**
 * The documents of a rebuild need more memory than a thread may have. Rebuild fewer projections at
 * once, lower `rebuildMemoryBytesMax`, or make single documents smaller.
 */
export class RebuildMemoryError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "RebuildMemoryError";

  /**
   * Creates the error.
   *
   * @param used Bytes in use.
   * @param limit Bytes the runtime allows.
   */
  constructor(
    /** Bytes in use. */
    readonly used: number,
    /** Bytes the runtime allows. */
    readonly limit: number,
  ) {
    super(
      `Cannot go on rebuilding as memory runs out, ${used} of ${limit} bytes are used: rebuild ` +
        "fewer projections at once, or lower 'rebuildMemoryBytesMax'",
    );
  }
}

/**
 * The worker that rebuilt a projection crashed or no longer shows a sign of life. The old
 * generation serves on. Look at the projection's code, then rebuild it.
 */
export class RebuildWorkerError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "RebuildWorkerError";

  /**
   * Creates the error.
   *
   * @param projectionName The projection.
   * @param what What happened to its worker.
   * @param options `cause`: what the runtime said.
   */
  constructor(
    /** The projection. */
    readonly projectionName: string,
    what: string,
    options?: ErrorOptions,
  ) {
    super(
      `Cannot go on rebuilding projection "${projectionName}" as its worker ${what}`,
      options,
    );
  }
}
