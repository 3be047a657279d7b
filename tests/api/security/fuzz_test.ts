/** Row G5: requests that nobody would write by hand. */
import { assert, assertEquals } from "@std/assert";
import { fuzz } from "./fuzz/fuzz.ts";

/** A sample of what `deno task test:fuzz` sends. */
const REQUESTS = 2_000;

Deno.test("row G5: no made-up request is answered with an undeclared status, or fails inside", async () => {
  const seed = Number(
    Deno.env.get("OPOSSUM_TEST_SEED") ?? Math.floor(Math.random() * 2 ** 32),
  );
  const { offences, statuses, reached, routes } = await fuzz({
    requests: REQUESTS,
    seed,
  });
  assertEquals(offences, [], `OPOSSUM_TEST_SEED=${seed}`);
  // Most routes were really asked, and refused what they must in many ways.
  assert(reached.size > routes.length / 2, [...reached].join());
  for (const status of [200, 400, 404, 405, 415, 421, 422]) {
    assert(statuses.has(status), `${status}: OPOSSUM_TEST_SEED=${seed}`);
  }
});
