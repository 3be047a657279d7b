/**
 * Runs the tests with the real `@std` packages, on a copy without the stand-ins: for machines
 * that reach JSR. Arguments are passed on to the task `test`.
 *
 * @module
 */
import { runDeno, Staging } from "./staging.ts";

/** Returns the exit code of the tests. */
async function testWithoutLinks(args: readonly string[]): Promise<number> {
  using staging = new Staging();
  const path = staging.copy("", "project", ["links", "deno.lock"]);
  staging.configure(path, ({ links: _links, ...config }) => config);
  return await runDeno(path, "task", "test", ...args);
}

if (import.meta.main) Deno.exit(await testWithoutLinks(Deno.args));
