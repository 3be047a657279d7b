import { assert, assertEquals } from "@std/assert";
import { AppendConditionError } from "../../src/events/append_condition.ts";
import { errorType, stackFrames } from "../../src/telemetry/error_type.ts";

Deno.test("errorType() is the class, else the code, else _OTHER", () => {
  const diskFull = Object.assign(new Error("/secret/path: no space"), {
    code: "ENOSPC",
  });
  const oddName = Object.assign(new Error("x"), { name: "user 42\nfailed" });
  const oddCode = Object.assign(new Error("x"), { code: "key of user 42" });
  const cases: [unknown, string][] = [
    [
      new AppendConditionError({ after: 1, foundAt: 2 }),
      "AppendConditionError",
    ],
    [new Deno.errors.NotFound("x"), "NotFound"],
    [diskFull, "ENOSPC"],
    [oddName, "_OTHER"],
    [oddCode, "Error"],
    ["a text", "_OTHER"],
    [undefined, "_OTHER"],
  ];
  for (const [error, expected] of cases) {
    assertEquals(errorType(error), expected);
  }
});

Deno.test("stackFrames() keeps the frames and drops the message, also one of many lines", () => {
  const frames = stackFrames(new Error("canary\n    at canary (x.ts:1:1)"));
  assert(!frames?.includes("canary"));
  assert(frames?.includes("error_type_test.ts"));
  class Custom extends Error {
    override readonly name = "Custom";
  }
  const custom = stackFrames(new Custom("canary\n    at canary (x.ts:1:1)"));
  assert(!custom?.includes("canary"));
  assert(custom?.includes("error_type_test.ts"));
  assertEquals(stackFrames("a text"), undefined);
});
