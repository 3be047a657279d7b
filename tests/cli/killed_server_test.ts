/**
 * The command line and servers that are killed.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { openOpossum, silentLogger } from "@opossum/deno";
import { generateEvents } from "../../examples/course_management/seeder.ts";
import { assertMatchesOracle } from "../examples/oracle_check.ts";
import { TempDir } from "../support/temp_dir.ts";
import {
  opossum,
  RELEASES,
  startOpossum,
  startRelease,
  TOKEN,
} from "./processes.ts";

/** Enough for workers, so that a rebuild takes much longer than to kill the server. */
const EVENTS = 25_000;
/** A kill or a pause may come too late; so often in a row it does not. */
const ATTEMPTS_MAX = 10;

async function fill(path: string): Promise<void> {
  await using store = await openOpossum({
    path,
    startDaemon: false,
    logger: silentLogger,
  });
  const log = [...generateEvents({ events: EVENTS, seed: 5 })];
  for (let at = 0; at < log.length; at += 5_000) {
    await store.events.append(log.slice(at, at + 5_000));
  }
}

async function assertRight(path: string): Promise<void> {
  await using store = await openOpossum({
    path,
    projections: RELEASES.current,
    startDaemon: false,
    logger: silentLogger,
  });
  await assertMatchesOracle(store);
}

// deno-lint-ignore no-explicit-any -- tests look at what they expect
async function ask(url: string, path: string, method = "GET"): Promise<any> {
  const response = await fetch(`${url}/admin${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, prefer: "respond-async" },
  });
  return await response.json();
}

/** Waits for an operation that was asked for, and not before: a start rebuilds by itself. */
// deno-lint-ignore no-explicit-any -- tests look at what they expect
async function newOperation(url: string, before: string): Promise<any> {
  for (;;) {
    const { operations: [newest] } = await ask(url, "/operations?limit=1");
    if (newest?.trigger === "api" && newest.id !== before) return newest;
  }
}

Deno.test("a rebuild is watched over kill -9 of the server, and followed to the operation that continues it", async () => {
  using dir = new TempDir();
  const data = dir.file("data");
  await fill(data);
  let server = await startRelease(data, RELEASES.current);
  try {
    let before = "";
    for (let attempt = 1;; attempt++) {
      assert(attempt <= ATTEMPTS_MAX);
      const args = ["projections", "rebuild", "--force", "--json"];
      const child = startOpossum([...args, "--url", server.url]);
      const { id } = await newOperation(server.url, before);
      const { port } = server;
      await server.kill();
      server = await startRelease(data, RELEASES.current, { port });
      const { code, stdout, stderr } = await child.output();
      const text = new TextDecoder();
      assertEquals(code, 0, text.decode(stderr));
      const result = JSON.parse(text.decode(stdout));
      assertEquals([result.state, result.success], ["succeeded", true]);
      before = result.operationId;
      // It had ended before the kill.
      if (result.operationId === id) continue;
      const { resumedBy } = await ask(server.url, `/operations/${id}`);
      assertEquals(result.operationId, resumedBy);
      break;
    }
  } finally {
    await server.stop();
  }
  await assertRight(data);
});

Deno.test("what a killed server left paused or interrupted is taken up in the folder", async () => {
  using dir = new TempDir();
  const data = dir.file("data");
  await fill(data);
  const inFolder = ["--data", data, "--projections", RELEASES.current];
  const path = "/projections/rebuild?forceAll=true";
  let paused: string | undefined;
  for (let attempt = 1; paused === undefined; attempt++) {
    assert(attempt <= ATTEMPTS_MAX);
    const server = await startRelease(data, RELEASES.current);
    const { id } = await ask(server.url, path, "POST");
    const { state } = await ask(server.url, `/operations/${id}/pause`, "POST");
    if (state === "paused") {
      paused = id;
      // A server that has it is to be asked itself.
      const foreign = await opossum("operations", "cancel", id, ...inFolder);
      assertEquals(foreign.code, 4, foreign.stderr);
      assertStringIncludes(foreign.stderr, "ask that one by '--url'");
    }
    await server.kill();
  }
  const shown = await opossum("operations", "show", paused, ...inFolder);
  assertStringIncludes(shown.stdout, `Operation ${paused}: paused`);
  const resumed = await opossum("operations", "resume", paused, ...inFolder);
  assertEquals(resumed.code, 0, resumed.stderr);
  assertStringIncludes(resumed.stdout, "4 of 4 projections rebuilt");
  const again = await opossum("operations", "resume", paused, ...inFolder);
  assertEquals(again.code, 4);
  assertStringIncludes(again.stderr, "it has ended: succeeded");

  let interrupted: string | undefined;
  for (let attempt = 1; interrupted === undefined; attempt++) {
    assert(attempt <= ATTEMPTS_MAX);
    const server = await startRelease(data, RELEASES.current);
    const { id } = await ask(server.url, path, "POST");
    await server.kill();
    const { stdout } = await opossum(
      "operations",
      "show",
      id,
      "--json",
      ...inFolder,
    );
    if (JSON.parse(stdout).result === null) interrupted = id;
  }
  const done = await opossum("operations", "resume", interrupted, ...inFolder);
  assertEquals(done.code, 0, done.stderr);
  assertStringIncludes(done.stdout, "projections rebuilt");
  const watched = await opossum(
    "operations",
    "watch",
    interrupted,
    ...inFolder,
  );
  assertEquals(watched.code, 0);
  await assertRight(data);
});
