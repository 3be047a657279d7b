/**
 * Integers among arguments.
 *
 * @module
 */
import { UsageError } from "../command.ts";

/**
 * Reads an integer.
 *
 * @param name What it is: `"--limit"`.
 * @param text How it was given.
 * @param min The least.
 * @param max The greatest. @default {what positions may be}
 * @returns The integer.
 * @throws {UsageError} If it is none, or out of range.
 */
export function readInteger(
  name: string,
  text: string,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER
    ? `from ${min}`
    : `from ${min} to ${max}`;
  throw new UsageError(
    `${
      name.startsWith("-") ? `Option '${name}'` : name
    } must be an integer ${range}: current value is ${JSON.stringify(text)}`,
  );
}
