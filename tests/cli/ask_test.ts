import { assert, assertRejects } from "@std/assert";
import { PassThrough } from "node:stream";
import { ask } from "../../src/cli/ask.ts";

/** Asks at a terminal where keys are pressed. */
async function askAt(
  keys: string,
  { isLast = false } = {},
): Promise<boolean> {
  // As much of a terminal as editing a line looks at.
  const input = Object.assign(new PassThrough(), { isTTY: true });
  const output = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  output.resume();
  const stop = new AbortController();
  const answer = ask("All of it?", {
    input,
    output,
    signal: stop.signal,
    onInterrupt: () => stop.abort(),
  });
  input.write(keys);
  if (isLast) input.end();
  return await answer;
}

Deno.test("ask() takes y and yes for an answer, and nothing else", async () => {
  assert(await askAt("y\r"));
  assert(await askAt("YES\r"));
  assert(!await askAt("\r"));
  assert(!await askAt("yonder\r"));
});

Deno.test("ask() stops on Ctrl-C, which is no signal while a line is edited", async () => {
  await assertRejects(() => askAt("y\x03"), Error, "abort");
});

Deno.test("ask() takes the end of the input for no", async () => {
  assert(!await askAt("\x04"));
  assert(!await askAt("y", { isLast: true }));
});
