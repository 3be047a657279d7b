/**
 * Stand-in for `@std/assert` where JSR cannot be reached: the functions that the suite uses, with
 * the real names and signatures, on top of `node:util`. Where the real ones are lenient (`-0` and
 * `0`, prototypes, lengths of matched arrays), these are strict: what passes here passes there.
 * Never published.
 *
 * @module
 */
import { AssertionError as NodeAssertionError } from "node:assert";
import { inspect, isDeepStrictEqual } from "node:util";

// deno-lint-ignore no-explicit-any -- as in the real package
type AnyConstructor = abstract new (...args: any[]) => any;
// deno-lint-ignore no-explicit-any -- as in the real package
type ErrorConstructor<E extends Error> = new (...args: any[]) => E;
type Falsy = false | 0 | 0n | "" | null | undefined;

/** An assertion does not hold. */
export class AssertionError extends Error {
  /**
   * @param message What was expected and what came.
   * @param options The cause, if there is one.
   */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** Whether two values are deeply equal. */
export function equal(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a, b);
}

/** Fails unless `expr` is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Fails unless `expr` is falsy. */
export function assertFalse(expr: unknown, msg = ""): asserts expr is Falsy {
  if (expr) throw new AssertionError(msg);
}

/** Fails unless both values are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw difference("deepStrictEqual", actual, expected, msg);
}

/** Fails if both values are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!isDeepStrictEqual(actual, expected)) return;
  throw failure(`Expected values to differ, both are ${show(actual)}`, msg);
}

/** Fails unless both are the same value or object (`Object.is`). */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  throw difference("strictEqual", actual, expected, msg);
}

/** Fails if both are the same value or object (`Object.is`). */
export function assertNotStrictEquals<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (!Object.is(actual, expected)) return;
  throw failure(`Expected another value than ${show(actual)}`, msg);
}

/** Fails if `actual` is `null` or `undefined`. */
export function assertExists<T>(
  actual: T,
  msg?: string,
): asserts actual is NonNullable<T> {
  if (actual !== undefined && actual !== null) return;
  throw failure(`Expected a value, got ${actual}`, msg);
}

/** Fails unless `actual` > `expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (actual > expected) return;
  throw failure(`Expected ${show(actual)} > ${show(expected)}`, msg);
}

/** Fails unless `actual` >= `expected`. */
export function assertGreaterOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (actual >= expected) return;
  throw failure(`Expected ${show(actual)} >= ${show(expected)}`, msg);
}

/** Fails unless `actual` < `expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (actual < expected) return;
  throw failure(`Expected ${show(actual)} < ${show(expected)}`, msg);
}

/** Fails unless `actual` <= `expected`. */
export function assertLessOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  if (actual <= expected) return;
  throw failure(`Expected ${show(actual)} <= ${show(expected)}`, msg);
}

/** Fails unless `actual` is an instance of `expectedType`. */
export function assertInstanceOf<T extends AnyConstructor>(
  actual: unknown,
  expectedType: T,
  msg?: string,
): asserts actual is InstanceType<T> {
  if (actual instanceof expectedType) return;
  throw failure(
    `Expected an instance of "${expectedType.name}", got ${show(actual)}`,
    msg,
  );
}

/** Fails unless `actual` matches the pattern. */
export function assertMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  if (expected.test(actual)) return;
  throw failure(`Expected ${show(actual)} to match ${expected}`, msg);
}

/** Fails if `actual` matches the pattern. */
export function assertNotMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  if (!expected.test(actual)) return;
  throw failure(`Expected ${show(actual)} not to match ${expected}`, msg);
}

/** Fails unless `actual` contains `expected`. */
export function assertStringIncludes(
  actual: string,
  expected: string,
  msg?: string,
): void {
  if (actual.includes(expected)) return;
  throw failure(`Expected ${show(actual)} to contain ${show(expected)}`, msg);
}

/** Fails unless `actual` contains every element of `expected`, compared deeply. */
export function assertArrayIncludes<T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  msg?: string,
): void {
  const found = Array.from(actual);
  const missing = Array.from(expected).filter((element) =>
    !found.some((candidate) => isDeepStrictEqual(candidate, element))
  );
  if (missing.length === 0) return;
  throw failure(`Expected ${show(actual)} to contain ${show(missing)}`, msg);
}

/** Fails unless `actual` has, deeply, at least the properties of `expected`. */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any -- as in the real package
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  const common = restrict(actual, expected);
  if (isDeepStrictEqual(common, expected)) return;
  throw difference("deepStrictEqual", common, expected, msg);
}

/** Fails always. */
export function fail(msg?: string): never {
  throw failure("Failed assertion", msg);
}

/** Fails unless `fn` throws. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Fails unless `fn` throws an `ErrorClass` whose message contains `msgIncludes`. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorConstructor<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  classOrMsg?: ErrorConstructor<E> | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  try {
    fn();
  } catch (error) {
    return checkError(error, classOrMsg, msgIncludes, msg);
  }
  throw failure(
    "Expected function to throw",
    typeof classOrMsg === "string" ? classOrMsg : msg,
  );
}

/** Fails unless the promise that `fn` returns rejects. */
export function assertRejects(
  fn: () => PromiseLike<unknown>,
  msg?: string,
): Promise<unknown>;
/** Fails unless the promise rejects with an `ErrorClass` whose message contains `msgIncludes`. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorConstructor<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: ErrorConstructor<E> | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const label = typeof classOrMsg === "string" ? classOrMsg : msg;
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (error) {
    throw failure("Function throws when expected to reject", label, error);
  }
  if (typeof promise?.then !== "function") {
    throw failure("Function throws when expected to reject", label);
  }
  try {
    await promise;
  } catch (error) {
    return checkError(error, classOrMsg, msgIncludes, msg);
  }
  throw failure("Expected function to reject", label);
}

function checkError<E extends Error>(
  error: unknown,
  classOrMsg: ErrorConstructor<E> | string | undefined,
  msgIncludes: string | undefined,
  msg: string | undefined,
): unknown {
  if (typeof classOrMsg !== "function") return error;
  if (!(error instanceof classOrMsg)) {
    throw failure(
      `Expected error to be instance of "${classOrMsg.name}", got ${
        show(error)
      }`,
      msg,
      error,
    );
  }
  if (msgIncludes !== undefined && !error.message.includes(msgIncludes)) {
    throw failure(
      `Expected error message to include ${show(msgIncludes)}, got ${
        show(error.message)
      }`,
      msg,
      error,
    );
  }
  return error;
}

/** `actual` without the properties that `expected` does not have. */
function restrict(actual: unknown, expected: unknown): unknown {
  if (!isRecord(actual) || !isRecord(expected)) return actual;
  if (Array.isArray(actual)) {
    return actual.map((element, i) =>
      restrict(element, (expected as unknown as unknown[])[i])
    );
  }
  const prototype = Object.getPrototypeOf(expected);
  if (prototype !== Object.prototype && prototype !== null) return actual;
  const common: object = Object.create(prototype);
  for (const key of Reflect.ownKeys(expected)) {
    if (!(key in actual)) continue;
    const value = restrict(actual[key], expected[key]);
    // Not an assignment: `__proto__` is a key like any other.
    Object.defineProperty(common, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return common;
}

function isRecord(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === "object" && value !== null;
}

function difference(
  operator: "deepStrictEqual" | "strictEqual",
  actual: unknown,
  expected: unknown,
  msg: string | undefined,
): AssertionError {
  const { message } = new NodeAssertionError({ operator, actual, expected });
  return failure(message, msg);
}

function failure(
  what: string,
  msg: string | undefined,
  cause?: unknown,
): AssertionError {
  const options = cause === undefined ? undefined : { cause };
  return new AssertionError(msg ? `${what}: ${msg}` : `${what}.`, options);
}

function show(value: unknown): string {
  return inspect(value, { depth: 6, breakLength: Infinity });
}
