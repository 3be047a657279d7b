/**
 * Why an operation is not started, or not changed. Nothing happened then.
 *
 * @module
 */
import { reasonOf } from "../log/errors.ts";

/** No operation of that id is known. */
export class UnknownOperationError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "UnknownOperationError";

  /**
   * Creates the error.
   *
   * @param operationId The id.
   */
  constructor(
    /** The id. */
    readonly operationId: string,
  ) {
    super(
      `Cannot find the operation as its id is not known: current value is ${
        JSON.stringify(operationId)
      }`,
    );
  }
}

/** As many operations are under way as may be. Ask again when one has ended. */
export class RebuildQueueFullError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "RebuildQueueFullError";

  /**
   * Creates the error.
   *
   * @param limit How many operations may be under way: `rebuildQueueMax`.
   */
  constructor(
    /** How many operations may be under way: `rebuildQueueMax`. */
    readonly limit: number,
  ) {
    super(
      `Cannot start the rebuild as ${limit} operations are under way already: ask again when ` +
        "one has ended, or raise 'rebuildQueueMax'",
    );
  }
}

/**
 * The order could not be written down, and does not hold: the operation goes on, or waits, as it
 * did before.
 */
export class OperationNotRecordedError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "OperationNotRecordedError";

  /**
   * Creates the error.
   *
   * @param operationId The operation.
   * @param action What was ordered.
   * @param options `cause`: what the system said.
   */
  constructor(
    /** The operation. */
    readonly operationId: string,
    /** What was ordered. */
    readonly action: "pause" | "resume",
    options: { readonly cause: unknown },
  ) {
    const { cause } = options;
    super(
      `Cannot ${action} operation ${operationId} as that cannot be written down: ${
        reasonOf(cause)
      }`,
      options,
    );
  }
}

/** An idempotency key was used before, and for something else. */
export class IdempotencyKeyError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "IdempotencyKeyError";

  /**
   * Creates the error. The key is not in its message, as it may be a secret.
   *
   * @param operationId The operation that the key stands for, or `null` while it is being
   * started.
   */
  constructor(
    /** The operation that the key stands for, or `null` while it is being started. */
    readonly operationId: string | null,
  ) {
    super(
      "Cannot start the rebuild as its idempotency key stands for another request" +
        (operationId === null
          ? ", which is just being started"
          : `: operation ${operationId}`),
    );
  }
}

/**
 * What would be built is estimated not to fit on the disk. Make room, rebuild fewer projections,
 * or say `ignoreDiskSpace`: it is an estimate.
 */
export class InsufficientDiskSpaceError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "InsufficientDiskSpaceError";

  /**
   * Creates the error.
   *
   * @param estimatedBytes Bytes that the new generations are estimated to take.
   * @param freeBytes Bytes that are free.
   */
  constructor(
    /** Bytes that the new generations are estimated to take. */
    readonly estimatedBytes: number,
    /** Bytes that are free. */
    readonly freeBytes: number,
  ) {
    super(
      `Cannot start the rebuild as it is estimated to take ${estimatedBytes} bytes and ` +
        `${freeBytes} are free: make room, rebuild fewer projections, or set 'ignoreDiskSpace'`,
    );
  }
}
