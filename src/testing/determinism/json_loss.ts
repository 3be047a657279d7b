/**
 * Finds what of a value does not come back when it is stored as JSON.
 *
 * @module
 */
import { describe } from "../../events/json_value.ts";

/** What is lost or changed. */
export interface JsonLoss {
  /** Where: `.lines[0].at`, or nothing for the value itself. */
  readonly path: string;
  /** What stands there, such as `an instance of "Date"`. */
  readonly found: string;
}

/**
 * Finds the first part of a value that JSON does not carry.
 *
 * Unlike the check of an event's data it does not mind what comes back unharmed: lone surrogates,
 * deep nesting.
 *
 * @param value A value that `JSON.stringify` accepts, and which thus does not contain itself.
 * @param path Where it stands.
 * @returns What is lost, or `undefined` when everything survives.
 */
export function findJsonLoss(
  value: unknown,
  path: string = "",
): JsonLoss | undefined {
  if (value === null) return undefined;
  switch (typeof value) {
    case "string":
    case "boolean":
      return undefined;
    case "number":
      return Number.isFinite(value)
        ? undefined
        : { path, found: describe(value) };
    case "object":
      return findInObject(value, path);
    default:
      return { path, found: describe(value) };
  }
}

function findInObject(value: object, path: string): JsonLoss | undefined {
  if (Array.isArray(value)) {
    // Holes as well, which `entries()` gives as `undefined`.
    for (const [index, element] of value.entries()) {
      const loss = findJsonLoss(element, `${path}[${index}]`);
      if (loss) return loss;
    }
    return undefined;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    return { path, found: describe(value) };
  }
  for (const [name, element] of Object.entries(value)) {
    const isPlain = /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(name);
    const segment = isPlain ? `.${name}` : `[${JSON.stringify(name)}]`;
    const loss = findJsonLoss(element, path + segment);
    if (loss) return loss;
  }
  return undefined;
}
