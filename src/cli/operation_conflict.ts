/**
 * The error for operations that are not as an order needs them.
 *
 * @module
 */

/** An order cannot be given to an operation. Nothing was done. */
export class OperationConflictError extends Error {
  override readonly name = "OperationConflictError";

  /**
   * @param operationId The operation.
   * @param action What was ordered, as in "cannot be paused".
   * @param reason Why not.
   */
  constructor(
    readonly operationId: string,
    action: string,
    reason: string,
  ) {
    super(`Operation ${operationId} cannot be ${action} as ${reason}`);
  }
}
