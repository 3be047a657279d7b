/**
 * The command line against a running server.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { counts } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { runCommand } from "./cli_fixture.ts";
import { hooks } from "./counting_projections.ts";
import { CliServer, TOKEN } from "./server_fixture.ts";

Deno.test("projections list, show and checkpoints say over --url what they say of the folder", async () => {
  await using server = await CliServer.start();
  await server.opossum.events.append(counts(6));
  await server.run(["projections", "rebuild"]);
  const { lastOperation, ...listed } = await server.json("projections", "list");
  assertEquals(listed.head, 6);
  assertEquals(
    listed.projections.map((each: Record<string, unknown>) => [
      each.name,
      each.state,
      each.checkpoint,
    ]),
    [["Alpha", "ready", 6], ["Beta", "ready", 6]],
  );
  assertEquals(lastOperation.trigger, "api");
  const inFolder = await server.inFolder(["status", "--json"]);
  const withoutOwner = (info: Record<string, unknown>) => ({
    ...info,
    owner: null,
  });
  const folder = JSON.parse(inFolder.stdout);
  assertEquals(
    folder.projections.map(withoutOwner),
    listed.projections.map(withoutOwner),
  );
  assertEquals(folder.lastOperation, lastOperation);
  assertEquals(await server.json("checkpoints"), { Alpha: 6, Beta: 6 });
  const shown = await server.run(["projections", "show", "Alpha"]);
  assertEquals(shown.exitCode, 0);
  assertStringIncludes(shown.stdout, "succeeded at");
  assertStringIncludes(shown.stdout, "6 events applied");
});

Deno.test("projections rebuild runs on the server, shows how far it is and says what came of it", async () => {
  await using server = await CliServer.start();
  await server.opossum.events.append(counts(6));
  const first = await server.run([
    "projections",
    "rebuild",
    "--note",
    "hello",
    "--priority=-5",
    "--concurrency",
    "1",
  ]);
  assertEquals(first.exitCode, 0, first.reports.join("\n"));
  assertStringIncludes(first.stdout, "Alpha: rebuilt (absent)");
  assertStringIncludes(first.stdout, "2 of 2 projections rebuilt");
  assert(first.reports.includes("Alpha: done, 6 of 6 events"));
  const { operations: [operation] } = await server.json("operations", "list");
  assertEquals([operation.note, operation.priority, operation.concurrency], [
    "hello",
    -5,
    1,
  ]);
  const second = await server.run(["rebuild"]);
  assertEquals(second.exitCode, 0);
  assertStringIncludes(second.stdout, "nothing to rebuild");
  const one = await server.json("rebuild", "Beta");
  assertEquals(one.details.length, 1);
  const two = await server.json("rebuild", "Alpha", "Beta");
  assertEquals(two.totalRebuilt, 2);
});

Deno.test("projections rebuild --dry-run shows the plan, and starts nothing", async () => {
  await using server = await CliServer.start();
  await server.opossum.events.append(counts(6));
  const { exitCode, stdout } = await server.run(["rebuild", "--dry-run"]);
  assertEquals(exitCode, 0);
  assertStringIncludes(stdout, "Would rebuild 2 of 2 projections: 12 events");
  const plan = await server.json("rebuild", "Beta", "--dry-run");
  assertEquals(plan.events, 6);
  assertEquals((await server.json("operations", "list")).operations, []);
});

Deno.test("projections rebuild --force asks on a terminal, and --yes answers", async () => {
  await using server = await CliServer.start();
  await server.opossum.events.append(counts(6));
  await server.run(["rebuild"]);
  const questions: string[] = [];
  const ask = (answer: "yes" | "no") => ({
    env: { OPOSSUM_TOKEN: TOKEN },
    confirm: (question: string) => {
      questions.push(question);
      return answer === "yes";
    },
  });
  const refused = await server.run(["rebuild", "--force"], ask("no"));
  assertEquals([refused.exitCode, refused.stdout], [1, "Nothing was done\n"]);
  assertStringIncludes(questions[0] ?? "", "Would rebuild 2 of 2 projections");
  const { operations } = await server.json("operations", "list");
  assertEquals(operations.length, 1);
  await server.run(["rebuild", "--force"], ask("yes"));
  await server.run(["rebuild", "--force", "--yes"], ask("no"));
  const after = await server.json("operations", "list");
  assertEquals([after.operations.length, questions.length], [3, 2]);
});

Deno.test("projections rebuild ends with status 1 when one fails", async () => {
  await using server = await CliServer.start();
  await server.opossum.events.append(counts(6));
  hooks.onApply = () => {
    throw new Error("cannot count");
  };
  const { exitCode, stdout } = await server.run(["rebuild"]);
  assertEquals(exitCode, 1);
  assertStringIncludes(stdout, "Beta: failed");
  assertStringIncludes(stdout, "cannot count");
  assertStringIncludes(stdout, "Alpha: rebuilt");
});

Deno.test("operations are started, paused, resumed, watched and cancelled from afar", async () => {
  await using server = await CliServer.start();
  await server.opossum.events.append(counts(6));
  const id = await startPaused(server);
  const paused = await server.run(["operations", "show", id]);
  assertStringIncludes(paused.stdout, `Operation ${id}: paused`);
  const listed = await server.run(["operations", "list", "--state", "paused"]);
  assertStringIncludes(listed.stdout, id);
  const busy = await server.run(["rebuild", "Alpha"]);
  assertEquals(busy.exitCode, 4);
  assertStringIncludes(busy.reports.join(), `by operation ${id}`);
  const [watched, resumed] = await Promise.all([
    server.run(["operations", "watch", id]),
    server.run(["operations", "resume", id]),
  ]);
  assertEquals([watched.exitCode, resumed.exitCode], [0, 0]);
  assertStringIncludes(watched.stdout, "2 of 2 projections rebuilt");
  const ended = await server.run(["operations", "cancel", id, "--json"]);
  assertEquals(ended.exitCode, 4);
  assertEquals(JSON.parse(ended.stdout).error.kind, "operation-ended");

  const other = await startPaused(server);
  const cancelled = await server.run(["operations", "cancel", other]);
  assertEquals(cancelled.exitCode, 0);
  const late = await server.run(["operations", "watch", other]);
  assertEquals(late.exitCode, 1);
  assertStringIncludes(late.stdout, "Alpha: cancelled");
});

Deno.test("SIGINT ends the watching, and leaves the operation running", async () => {
  await using server = await CliServer.start();
  await server.opossum.events.append(counts(6));
  const id = await startPaused(server);
  const stop = new AbortController();
  const { exitCode, reports } = await server.run(["operations", "watch", id], {
    env: { OPOSSUM_TOKEN: TOKEN },
    signal: stop.signal,
    onReport: (line) => line.includes("paused") && stop.abort(),
  });
  assertEquals(exitCode, 130);
  assertStringIncludes(
    reports.join("\n"),
    `Operation ${id} goes on without being watched`,
  );
  const { state } = await server.json("operations", "show", id);
  assertEquals(state, "paused");
  await server.run(["operations", "cancel", id]);
});

Deno.test("a rebuild in the folder collides with the server's, which can be watched there", async () => {
  await using server = await CliServer.start();
  await server.opossum.events.append(counts(6));
  const id = await startPaused(server);
  for (const names of [["Alpha"], ["Alpha", "Beta"], []]) {
    const { exitCode, stdout, reports } = await server.inFolder([
      "rebuild",
      ...names,
    ]);
    const said = stdout + reports.join();
    assertEquals(exitCode, 4, said);
    assertStringIncludes(said, `being rebuilt already: by operation ${id}`);
  }
  for (const order of ["cancel", "pause", "resume"]) {
    const { exitCode, reports } = await server.inFolder([
      "operations",
      order,
      id,
    ]);
    assertEquals(exitCode, 4, order);
    assertStringIncludes(reports.join(), "'--url'");
  }
  const [watched] = await Promise.all([
    server.inFolder(["operations", "watch", id]),
    server.run(["operations", "resume", id]),
  ]);
  assertEquals(watched.exitCode, 0);
  assertStringIncludes(watched.stdout, "2 of 2 projections rebuilt");
});

Deno.test("what others typed obeys no terminal", async () => {
  await using server = await CliServer.start();
  await server.opossum.rebuilder.rebuild("Alpha", { note: "\u009b2Jgone" });
  for (const args of [[], ["--json"]]) {
    const { stdout } = await server.run(["operations", "list", ...args]);
    assertStringIncludes(stdout, "\\u009b2Jgone");
  }
});

Deno.test("operations list pages through the history", async () => {
  await using server = await CliServer.start();
  for (let i = 0; i < 3; i++) await server.run(["rebuild", "Alpha"]);
  const first = await server.json("operations", "list", "--limit", "2");
  assertEquals(first.operations.length, 2);
  const rest = await server.json(
    "operations",
    "list",
    "--before",
    first.next,
  );
  assertEquals([rest.operations.length, rest.next], [1, null]);
  const inFolder = await server.inFolder([
    "operations",
    "list",
    "--limit=2",
    "--json",
  ]);
  assertEquals(JSON.parse(inFolder.stdout), first);
});

Deno.test("unknown projections and operations are wrong calls, and say what there is", async () => {
  await using server = await CliServer.start();
  const id = "0".repeat(32);
  const table: [string[], string][] = [
    [["projections", "show", "Gamma"], '"Alpha", "Beta"'],
    [["projections", "rebuild", "Gamma"], '"Alpha", "Beta"'],
    [["projections", "rebuild", "Gamma", "Alpha"], '"Alpha", "Beta"'],
    [["projections", "rebuild", "Gamma", "--dry-run"], '"Alpha", "Beta"'],
    [["dead-letters", "Gamma"], '"Alpha", "Beta"'],
    [["operations", "show", id], id],
    [["operations", "watch", id], id],
    [["operations", "cancel", id], id],
  ];
  for (const [args, words] of table) {
    const { exitCode, reports } = await server.run(args);
    assertEquals(exitCode, 2, args.join(" "));
    assertStringIncludes(reports[0] ?? "", words);
  }
});

Deno.test("dead letters, retry and skip work over --url", async () => {
  await using server = await CliServer.start();
  await server.opossum.events.append(counts(2));
  await server.run(["rebuild"]);
  hooks.onApply = (by) => {
    if (by === 3) throw new Error("Poison");
  };
  await server.opossum.events.append(counts(4).slice(2));
  const faulted = await server.run(["retry", "Beta"]);
  assertEquals(faulted.exitCode, 1);
  assertStringIncludes(faulted.stdout, "stands still before event 3: ");
  const wrong = await server.run(["skip", "Beta", "2"]);
  assertEquals(wrong.exitCode, 4);
  await server.run(["skip", "Beta", "3"]);
  await server.opossum.projections.waitFor(4);
  const { deadLetters } = await server.json("dead-letters", "Beta");
  assertEquals([deadLetters.length, deadLetters[0].position], [1, 3]);
});

Deno.test("schedule shows the server's windows", async () => {
  await using without = await CliServer.start();
  const none = await without.run(["schedule"]);
  assertEquals(none.stdout, "No rebuilds are scheduled\n");
  await using server = await CliServer.start({
    rebuildSchedule: { cron: "0 3 * * *", duration: 7_200_000, concurrency: 2 },
  });
  const { windows: [window] } = await server.json("schedule");
  assertEquals([window.cron, window.concurrency, window.isOpen], [
    "0 3 * * *",
    2,
    false,
  ]);
  const { stdout } = await server.run(["schedule"]);
  assertStringIncludes(stdout, "0 3 * * *");
});

Deno.test("the token comes from the environment or a private file, and is in no output", async () => {
  await using server = await CliServer.start();
  using dir = new TempDir();
  const file = dir.file("token");
  const withFile = (text: string, mode = 0o600) => {
    Deno.writeTextFileSync(file, text);
    Deno.chmodSync(file, mode);
    return server.run(["status", "--token-file", file], { env: {} });
  };
  assertEquals((await withFile(`# mine\n\n${TOKEN}\n`)).exitCode, 0);
  assertEquals((await withFile(`ada operate ${TOKEN}\n`)).exitCode, 0);
  const open = await withFile(TOKEN, 0o644);
  assertEquals(open.exitCode, 2);
  assertStringIncludes(open.reports[0] ?? "", "set its mode to 0600");
  const empty = await withFile("# nothing\n");
  assertStringIncludes(empty.reports[0] ?? "", "its first line is no token");
  for (const token of ["secret\nsecret", "secr€t", "sec ret"]) {
    const odd = await server.run(["status"], { env: { OPOSSUM_TOKEN: token } });
    assertEquals([odd.exitCode, odd.stdout], [2, ""]);
    assert(!odd.reports.join().includes("sec"));
    assertStringIncludes(odd.reports[0] ?? "", "$OPOSSUM_TOKEN");
  }
  const missing = await server.run(["status", "--token-file", dir.file("no")]);
  assertEquals(missing.exitCode, 2);
  const none = await server.run(["status", "--json"], { env: {} });
  assertEquals(none.exitCode, 3);
  assertStringIncludes(none.reports[0] ?? "", "Set $OPOSSUM_TOKEN");
  const wrong = await server.run(["status"], {
    env: { OPOSSUM_TOKEN: "wrong".repeat(9) },
  });
  assertEquals(wrong.exitCode, 3);
  for (const { stdout, reports } of [open, empty, none, wrong]) {
    const said = stdout + reports.join();
    assert(!said.includes(TOKEN) && !said.includes("wrongwrong"));
  }
});

Deno.test("a server that nobody runs ends with status 5, with one JSON value", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const { exitCode, stdout, reports } = await runCommand([
    "status",
    "--json",
    "--url",
    `http://127.0.0.1:${port}/`,
  ]);
  assertEquals(exitCode, 5);
  assertEquals(JSON.parse(stdout).error.name, "ServerUnreachableError");
  assertStringIncludes(reports[0] ?? "", "nobody listens there");
});

/** Starts a rebuild of both projections that is paused, and returns its id. */
async function startPaused(server: CliServer): Promise<string> {
  // It cannot end before it is paused: its first event waits for that.
  const { rebuilder } = server.opossum;
  const { id } = await rebuilder.start(["Alpha", "Beta"], {
    idempotencyKey: crypto.randomUUID(),
  });
  await rebuilder.pause(id);
  return id;
}

Deno.test("an id that is none, and what the server cannot take, is a wrong call that says why", async () => {
  await using server = await CliServer.start();
  for (const command of ["show", "watch", "cancel", "pause"]) {
    const { exitCode, reports } = await server.run([
      "operations",
      command,
      "nope",
    ]);
    assertEquals(exitCode, 2, command);
    assertStringIncludes(reports.join("\n"), "Cannot find the operation");
  }
  const older = await server.run(["operations", "list", "--before", "nope"]);
  assertEquals(older.exitCode, 2);
  const many = await server.run(["rebuild", "--concurrency", "64"]);
  assertEquals(many.exitCode, 2, many.reports.join());
  assertStringIncludes(many.reports.join(), "'concurrency' must be at most");
  const mistyped = await server.run(["rebuild", "--note", "\x07"]);
  assertEquals(mistyped.exitCode, 2);
  assertStringIncludes(
    mistyped.reports.join(),
    "'note': must not hold control characters",
  );
});

Deno.test("projections list and show tell how far a rebuild is, and what it waits for", async () => {
  await using server = await CliServer.start();
  const { opossum } = server;
  await opossum.events.append(counts(6));
  await server.run(["rebuild"]);
  const { id } = await opossum.rebuilder.start(["Alpha"], {
    promote: "manual",
  });
  await server.run(["operations", "watch", id]);
  const listed = await server.run(["projections", "list"]);
  assertStringIncludes(listed.stdout, "GENERATION");
  assertStringIncludes(listed.stdout, "Alpha: waiting to be promoted, 100 %");
  assertStringIncludes(listed.stdout, `waits for "operations promote ${id}"`);
  const shown = await server.run(["projections", "show", "Alpha"]);
  assertStringIncludes(
    shown.stdout.replaceAll(/ +/g, " "),
    "Under way waiting to be promoted, 100 %",
  );
  const { fingerprint } = await opossum.projections.info("Alpha");
  assertStringIncludes(shown.stdout, fingerprint);
  await server.run(["operations", "cancel", id]);
});
