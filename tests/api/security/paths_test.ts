/** Paths of files: for who repairs something, and not for who may look. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { startSample, statusOf, TOKENS } from "./sample_server.ts";

Deno.test("row G1: a rebuild that a file makes fail tells why, and the path to the log alone", async () => {
  const logs: string[] = [];
  await using sample = await startSample({
    logger: {
      log: (_, message, attributes) => {
        logs.push(`${message} ${JSON.stringify(attributes?.error)}`);
      },
    },
  });
  const { rebuilder } = sample.server.opossum;
  const waiting = Promise.withResolvers<void>();
  using _watch = rebuilder.watch(({ progress }) => {
    const phases = progress.map(({ phase }) => phase);
    if (phases.includes("awaitingPromotion")) waiting.resolve();
  });
  const path = "/admin/projections/StudentDetails";
  const begun = await sample.ask(`${path}/rebuild?promote=manual`, {
    method: "POST",
  });
  const { id } = await begun.json();
  await waiting.promise;
  const lock = `${sample.path}/projections/StudentDetails/live.lock`;
  Deno.removeSync(lock);
  Deno.mkdirSync(lock);
  const operation = `/admin/operations/${id}`;
  const promote = sample.ask(`${operation}/promote`, { method: "POST" });
  assertEquals(await statusOf(promote), 202);
  const outcome = await rebuilder.wait(id);
  assertEquals(outcome?.failedProjections, ["StudentDetails"]);

  for (const seen of [operation, path, "/admin/projections/status"]) {
    const response = await sample.ask(seen, { token: TOKENS.read });
    const text = await response.text();
    assertMatch(text, /"message":"Is a directory \(os error 21\)"/, seen);
    assert(!text.includes(sample.path), seen);
  }
  const logged = logs.filter((line) => line.startsWith("Failed to rebuild"));
  assertEquals(logged.length, 1);
  assert(logged[0]?.includes(lock), logged[0]);
});
