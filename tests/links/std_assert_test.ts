/**
 * That assertions can fail, be they the real ones or the stand-ins: each is shown something that
 * holds and something that does not.
 *
 * @module
 */
import {
  assert,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotMatch,
  assertNotStrictEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  equal,
  fail,
} from "@std/assert";

const list = [1];
const boom = (): never => {
  throw new RangeError("The value is out of range");
};

/** Name, what holds, what does not. */
const CASES: readonly [string, () => void, () => void][] = [
  ["assert()", () => assert(1), () => assert(0)],
  ["assertFalse()", () => assertFalse(0), () => assertFalse(1)],
  [
    "assertEquals()",
    () => assertEquals({ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }),
    () => assertEquals({ a: [1, { b: 2 }] }, { a: [1, { b: 3 }] }),
  ],
  [
    "assertEquals() of a missing property",
    () => assertEquals<object>({ a: 1 }, { a: 1 }),
    () => assertEquals<object>({ a: 1 }, { a: 1, b: undefined }),
  ],
  [
    "assertNotEquals()",
    () => assertNotEquals([1, 2], [2, 1]),
    () => assertNotEquals([1, 2], [1, 2]),
  ],
  [
    "assertStrictEquals()",
    () => assertStrictEquals(list, list),
    () => assertStrictEquals(list, [1]),
  ],
  [
    "assertNotStrictEquals()",
    () => assertNotStrictEquals(list, [1]),
    () => assertNotStrictEquals(list, list),
  ],
  ["assertExists()", () => assertExists(0), () => assertExists(null)],
  ["assertGreater()", () => assertGreater(2, 1), () => assertGreater(1, 1)],
  [
    "assertGreaterOrEqual()",
    () => assertGreaterOrEqual(1, 1),
    () => assertGreaterOrEqual(1, 2),
  ],
  ["assertLess()", () => assertLess(1, 2), () => assertLess(1, 1)],
  [
    "assertLessOrEqual()",
    () => assertLessOrEqual(1, 1),
    () => assertLessOrEqual(2, 1),
  ],
  [
    "assertInstanceOf()",
    () => assertInstanceOf(new RangeError(), Error),
    () => assertInstanceOf(new Error(), RangeError),
  ],
  ["assertMatch()", () => assertMatch("ab", /b/), () => assertMatch("ab", /c/)],
  [
    "assertNotMatch()",
    () => assertNotMatch("ab", /c/),
    () => assertNotMatch("ab", /b/),
  ],
  [
    "assertStringIncludes()",
    () => assertStringIncludes("abc", "bc"),
    () => assertStringIncludes("abc", "cb"),
  ],
  [
    "assertArrayIncludes()",
    () => assertArrayIncludes([{ a: 1 }, { b: 2 }], [{ b: 2 }]),
    () => assertArrayIncludes([{ a: 1 }], [{ a: 2 }]),
  ],
  [
    "assertObjectMatch()",
    () => assertObjectMatch({ a: { b: 1, c: 2 }, d: 3 }, { a: { b: 1 } }),
    () => assertObjectMatch({ a: { b: 1, c: 2 } }, { a: { b: 2 } }),
  ],
  [
    "assertObjectMatch() of a missing property",
    () => assertObjectMatch({ a: [{ b: 1, c: 2 }] }, { a: [{ b: 1 }] }),
    () => assertObjectMatch({ a: [{ b: 1 }] }, { a: [{ c: 2 }] }),
  ],
  ["assertThrows()", () => assertThrows(boom), () => assertThrows(() => 1)],
  [
    "assertThrows() of a class",
    () => assertThrows(boom, RangeError),
    () => assertThrows(boom, TypeError),
  ],
  [
    "assertThrows() of a message",
    () => assertThrows(boom, RangeError, "out of range"),
    () => assertThrows(boom, RangeError, "in range"),
  ],
];

for (const [name, holds, fails] of CASES) {
  Deno.test(`${name} fails when it should, and only then`, () => {
    holds();
    assertThrows(fails, AssertionError);
  });
}

Deno.test("assertThrows() returns the error", () => {
  assertEquals(assertThrows(boom, RangeError).name, "RangeError");
});

Deno.test("assertRejects() fails when it should, and only then", async () => {
  const rejecting = () => Promise.reject(new RangeError("out of range"));
  const error = await assertRejects(rejecting, RangeError, "out of");
  assertEquals(error.message, "out of range");
  assertStrictEquals(await assertRejects(() => Promise.reject(1)), 1);
  const failing: (() => Promise<unknown>)[] = [
    () => assertRejects(() => Promise.resolve(1)),
    () => assertRejects(rejecting, TypeError),
    () => assertRejects(rejecting, RangeError, "in range"),
    () => assertRejects(boom, RangeError),
  ];
  for (const fails of failing) await assertRejects(fails, AssertionError);
});

Deno.test("fail() fails, and says why", () => {
  const error = assertThrows(() => fail("for a reason"), AssertionError);
  assertStringIncludes(error.message, "for a reason");
});

Deno.test("equal() compares deeply", () => {
  assert(equal(new Map([["a", [1]]]), new Map([["a", [1]]])));
  assertFalse(equal(new Set([1]), new Set([2])));
});
