/**
 * Checks that a value survives being written as JSON and read back, and how large its text is.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** How deep arrays and objects may be nested in one another. */
export const JSON_DEPTH_MAX = 64;

/** Why a value is not plain JSON. */
export interface JsonProblem {
  /** Where, relative to the value: `".student.name"`, or `""` for the value itself. */
  path: string;
  /** What is asked for. */
  readonly must: string;
  /** What is there instead; never the content of a text. */
  readonly found: string;
  /** Whether the value is too large, rather than of a kind that JSON does not have. */
  readonly isTooLarge: boolean;
}

/** Bounds of the size of a JSON text, added up while its value is checked. */
export interface JsonSize {
  /** The UTF-8 text has at least this many bytes. */
  bytesMin: number;
  /** The UTF-8 text has at most this many bytes. */
  bytesMax: number;
}

/** No number needs more: `-1.7976931348623157e+308`. */
const NUMBER_BYTES_MAX = 24;
/** A control character is written as `\u0000`; nothing takes more for each UTF-16 unit. */
const ESCAPED_BYTES_MAX = 6;

/**
 * Finds what in `value` JSON cannot carry. Texts must be well-formed, since a lone surrogate
 * would silently become U+FFFD; `undefined` is refused, since it would silently vanish.
 *
 * @param value The value to check.
 * @param size Where to add the bounds of its size.
 * @param bytesMax Gives up once the text is sure to be larger, so that a value that refers to
 * the same object over and over does not take forever.
 * @param depth How deep `value` stands in the value being checked.
 * @returns The first problem, or `undefined` when there is none.
 */
export function findJsonProblem(
  value: unknown,
  size: JsonSize,
  bytesMax: number,
  depth: number = 0,
): JsonProblem | undefined {
  switch (typeof value) {
    case "string":
      addText(size, value);
      return value.isWellFormed()
        ? undefined
        : problem("be well-formed Unicode", "a text with a lone surrogate");
    case "number":
      size.bytesMin += 1;
      size.bytesMax += NUMBER_BYTES_MAX;
      return Number.isFinite(value)
        ? undefined
        : problem("be a finite number", String(value));
    case "boolean":
      size.bytesMin += 4;
      size.bytesMax += 5;
      return undefined;
    case "object":
      break;
    default:
      return problem("be plain JSON", describe(value));
  }
  size.bytesMin += 2;
  size.bytesMax += 4;
  if (value === null) return undefined;
  // A value that contains itself ends here, too.
  if (depth >= JSON_DEPTH_MAX) {
    return problem(
      `be nested at most ${JSON_DEPTH_MAX} deep`,
      "deeper, or a value that contains itself",
    );
  }
  if (size.bytesMin > bytesMax) {
    return tooLarge(bytesMax);
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    return findInObject(value as JsonObject, size, bytesMax, depth);
  }
  if (Array.isArray(value) && prototype === Array.prototype) {
    return findInArray(value, size, bytesMax, depth);
  }
  return problem("be plain JSON", describe(value));
}

/**
 * The exact size of a value's JSON text in UTF-8, in bytes.
 *
 * @param value A value in which {@linkcode findJsonProblem} found none.
 * @returns Its size in bytes.
 */
export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/**
 * Names the kind of a value for an error message, without disclosing what it contains.
 *
 * @param value Anything.
 * @returns For instance `undefined`, `42`, `a function` or `an instance of "Date"`.
 */
export function describe(value: unknown): string {
  switch (typeof value) {
    case "string":
      return `a text of ${value.length} characters`;
    case "function":
    case "symbol":
      return `a ${typeof value}`;
    case "bigint":
      return "a bigint";
    case "object": {
      if (value === null) return "null";
      // Not its own property of that name, which is somebody's data.
      const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
      if (name === "Array") return "an array";
      return typeof name === "string" && name !== "Object"
        ? `an instance of "${name}"`
        : "an object";
    }
    default:
      return String(value);
  }
}

type JsonObject = Record<string, unknown>;

function findInObject(
  object: JsonObject,
  size: JsonSize,
  bytesMax: number,
  depth: number,
): JsonProblem | undefined {
  for (const key of Object.keys(object)) {
    addText(size, key);
    size.bytesMin += 1;
    size.bytesMax += 2;
    const found = key.isWellFormed()
      ? findJsonProblem(object[key], size, bytesMax, depth + 1)
      : problem("have well-formed keys", "a key with a lone surrogate");
    if (found) {
      found.path = `${segment(key)}${found.path}`;
      return found;
    }
  }
  return undefined;
}

function findInArray(
  array: readonly unknown[],
  size: JsonSize,
  bytesMax: number,
  depth: number,
): JsonProblem | undefined {
  // Asked first: a sparse array can claim a length that takes seconds to walk.
  if (array.length > bytesMax) {
    return tooLarge(bytesMax);
  }
  for (let i = 0; i < array.length; i++) {
    size.bytesMax += 1;
    const found = findJsonProblem(array[i], size, bytesMax, depth + 1);
    if (found) {
      found.path = `[${i}]${found.path}`;
      return found;
    }
  }
  return undefined;
}

function addText(size: JsonSize, text: string): void {
  size.bytesMin += text.length + 2;
  size.bytesMax += text.length * ESCAPED_BYTES_MAX + 2;
}

function problem(must: string, found: string): JsonProblem {
  return { path: "", must, found, isTooLarge: false };
}

function tooLarge(bytesMax: number): JsonProblem {
  const must = `fit in ${bytesMax} bytes`;
  return { path: "", must, found: "larger", isTooLarge: true };
}

function segment(key: string): string {
  if (/^[A-Za-z_$][\w$]{0,63}$/.test(key)) return `.${key}`;
  return key.length <= 64 ? `[${JSON.stringify(key)}]` : "[…]";
}
