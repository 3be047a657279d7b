/**
 * Checking the numbers that the server is configured with.
 *
 * @module
 */

/** Which option, in a refusal's words. */
export interface IntegerOption {
  /** What cannot be done, after "Cannot". */
  readonly action: string;
  /** The option. */
  readonly name: string;
  /** The smallest value. */
  readonly min: number;
  /** The largest value. */
  readonly max: number;
}

/**
 * Refuses what is no integer, or out of range.
 *
 * @param value The value.
 * @param option Which option it is of.
 * @throws {RangeError} If it is unusable.
 */
export function assertInteger(
  value: number,
  { action, name, min, max }: IntegerOption,
): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw new RangeError(
    `Cannot ${action} as '${name}' must be an integer from ${min} to ${max}: ` +
      `current value is ${value}`,
  );
}
