import { assert, assertEquals, assertRejects } from "@std/assert";
import { fileURLToPath } from "node:url";
import { LockTimeoutError } from "../../mod.ts";
import { FakeClock } from "../../src/testing/mod.ts";
import { event, TestFolder } from "../log/support.ts";
import { TextLineStream } from "./processes/lines.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PROGRAM = "tests/faults/processes/holder_program.ts";

/** A process in the middle of an append. */
class Holder implements AsyncDisposable {
  readonly id: string = crypto.randomUUID();
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: ReadableStreamDefaultReader<string>;

  constructor(path: string) {
    const permissions = ["--allow-read", "--allow-write", "--allow-sys"];
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", ...permissions, PROGRAM, path, this.id],
      cwd: ROOT,
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#lines = this.#child.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream())
      .getReader();
  }

  async line(): Promise<string | undefined> {
    return (await this.#lines.read()).value;
  }

  stop(): void {
    this.#child.kill("SIGSTOP");
  }

  async goOn(): Promise<void> {
    this.#child.kill("SIGCONT");
    await this.#input.write(new Uint8Array(1));
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    await this.#lines.cancel();
    await this.#child.status;
  }
}

/** Runs out of patience as soon as it waits. */
async function passTime(clock: FakeClock, waiting: Promise<unknown>) {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  waiting.then(over, over);
  while (!isOver) await clock.advance(1_000);
}

Deno.test("append() says that a stopped process holds the lock, and steals nothing from it", async () => {
  await using folder = new TestFolder();
  const clock = new FakeClock();
  await using store = await folder.open({ clock });
  await using holder = new Holder(folder.path);
  assertEquals(await holder.line(), "holding");
  holder.stop();
  const refused = assertRejects(
    () => store.append([event("Refused")]),
    LockTimeoutError,
    "find that process",
  );
  await passTime(clock, refused);
  await refused;
  // What is served meanwhile is what was known.
  const head = store.head();
  await passTime(clock, head);
  assert([0, 1].includes(await head));
  await holder.goOn();
  assertEquals(await holder.line(), "2");
  const appending = store.append([event("Next")]);
  await passTime(clock, appending);
  assertEquals((await appending).first, 3);
  assertEquals(
    await Array.fromAsync(store.read("all"), ({ type }) => type),
    ["First", "Held", "Next"],
  );
});

Deno.test("append() goes on at once when the process that held the lock was killed", async () => {
  await using folder = new TestFolder();
  await using store = await folder.open();
  await using holder = new Holder(folder.path);
  assertEquals(await holder.line(), "holding");
  holder.stop();
  const appending = store.append([event("Next")]);
  await holder.kill();
  // It was written as a whole, so that it counts, although nobody was told.
  assertEquals((await appending).first, 3);
  const [, held] = await Array.fromAsync(store.read("all"));
  assertEquals(held?.id, holder.id);
  assert((await store.verify()).ok);
});
