/**
 * Code that never returns, or takes all memory: the process ends, and the next one faults that
 * projection at that event instead of ending as well.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import {
  openOpossum,
  type Opossum,
  ProjectionApplyError,
  silentLogger,
} from "../../mod.ts";
import { CodeWatch } from "../../src/projections/code_watch.ts";
import { TempDir } from "../support/temp_dir.ts";
import {
  type Happened,
  poisoned,
  sound,
} from "./watchdog_fixtures/projections.ts";

const POISON_AT = 4;
const EVENTS = 6;

async function open(
  path: string,
  definitions = [poisoned, sound],
): Promise<Opossum> {
  return await openOpossum({
    path,
    projections: definitions,
    startDaemon: false,
    enableAutoRebuild: false,
    logger: silentLogger,
  });
}

/** A store whose projections are built and up to date but for the events that follow. */
async function fill(
  path: string,
  how: Happened["data"]["how"],
  count = EVENTS,
): Promise<void> {
  await using opossum = await open(path);
  await opossum.rebuilder.rebuildAll({ forceRebuild: true });
  for (let after = 0; after < count; after += 10_000) {
    const length = Math.min(10_000, count - after);
    await opossum.events.append<Happened>(
      Array.from({ length }, (_, index) => ({
        type: "Happened",
        data: {
          key: "a",
          how: after + index + 1 === POISON_AT ? how : "well",
        },
      })),
    );
  }
}

/** Runs the program until it ends by itself, and says by which signal. */
async function serve(
  path: string,
  how: string,
  flags: readonly string[] = [],
): Promise<{ signal: string | null; stderr: string }> {
  const program = new URL("./watchdog_fixtures/serve.ts", import.meta.url);
  const { signal, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--allow-env",
      `--allow-read`,
      `--allow-write=${path}`,
      ...flags,
      program.href,
      path,
      how,
      // One that takes all memory ends by itself.
      flags.length > 0 ? "3600000" : "1000",
    ],
    env: {
      OPOSSUM_TEST_SUSPECT: `${path}/projections/Poisoned/suspect.json`,
      // Last words that Deno's own telemetry took would be lost: it is killed with the process.
      OTEL_DENO: "true",
      OTEL_DENO_TRACING: "false",
      OTEL_DENO_METRICS: "false",
      OTEL_DENO_CONSOLE: "replace",
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
    },
    stdout: "null",
  }).output();
  return { signal, stderr: new TextDecoder().decode(stderr) };
}

/** The next start faults the projection at the event, and nothing else; orders set it going. */
async function assertFaulted(path: string): Promise<void> {
  await using opossum = await open(path);
  const { daemon, projections, rebuilder } = opossum;
  await daemon.start();
  await projections.waitFor(EVENTS, { names: ["Sound"] });
  await projections.waitFor(POISON_AT - 1, { names: ["Poisoned"] });
  // Its fault is recorded after the events before it were stored.
  let info = await projections.info("Poisoned");
  while (info.fault === null) {
    await setImmediate();
    info = await projections.info("Poisoned");
  }
  assertEquals(info.state, "faulted");
  assertEquals(info.fault.position, POISON_AT);
  assertEquals(info.fault.retryAt, null);
  const { details: [detail] } = await rebuilder.rebuild("Poisoned");
  assertEquals(detail?.error?.name, ProjectionApplyError.name);
  assertEquals(detail?.error?.position, POISON_AT);
  assertStringIncludes(detail?.errorMessage ?? "", "A process ended");
}

Deno.test("code that loops in a live update ends the process, and the next start faults its projection there", async () => {
  using dir = new TempDir();
  await fill(dir.path, "loop");
  const { signal, stderr } = await serve(dir.path, "live");
  assertEquals(signal, "SIGKILL");
  assertStringIncludes(stderr, "Projection code did not return");
  await assertFaulted(dir.path);
  await using opossum = await open(dir.path);
  const { daemon, projections, rebuilder } = opossum;
  await daemon.start();
  await projections.waitFor(EVENTS, { names: ["Sound"] });
  while (!(await projections.info("Poisoned")).fault) {
    await setImmediate();
  }
  await daemon.skip("Poisoned", POISON_AT);
  await projections.waitFor(EVENTS);
  const expected = { count: EVENTS - 1 };
  assertEquals(await projections.get("Poisoned", "a"), expected);
  assert((await rebuilder.rebuild("Poisoned")).success);
  assertEquals(await projections.get("Poisoned", "a"), expected);
  const [letter] = await projections.deadLetters("Poisoned");
  assertEquals([letter?.position, letter?.reason], [POISON_AT, "ordered"]);
});

Deno.test("code that loops in a rebuild in the serving thread ends the process, and is not run again", async () => {
  using dir = new TempDir();
  await fill(dir.path, "loop");
  assertEquals((await serve(dir.path, "rebuild")).signal, "SIGKILL");
  await assertFaulted(dir.path);
});

const LITTLE_MEMORY = ["--v8-flags=--max-old-space-size=128"];

Deno.test("code that takes all memory is known to the next start, and other code is tried", async () => {
  using dir = new TempDir();
  await fill(dir.path, "grow");
  const { signal } = await serve(dir.path, "live", LITTLE_MEMORY);
  assert(signal !== null && signal !== "SIGKILL");
  await assertFaulted(dir.path);
  // Other code than the one that is suspected is tried.
  const mended = { ...poisoned, version: 2, apply: sound.apply };
  await using opossum = await open(dir.path, [mended, sound]);
  assert((await opossum.rebuilder.rebuild("Poisoned")).success);
});

Deno.test("code that takes all memory in a worker is known to the next start", async () => {
  using dir = new TempDir();
  // More than a log for which a worker is not worth it.
  await fill(dir.path, "grow", 20_001);
  const { signal } = await serve(dir.path, "worker", LITTLE_MEMORY);
  assert(signal !== null && signal !== "SIGKILL");
  await assertFaulted(dir.path);
});

/** A projection whose code does not return before the watchdog took note of it. */
function slowIn(suspect: string): typeof sound {
  return {
    ...sound,
    name: "Slow",
    apply(state: { count: number } | undefined) {
      while (!exists(suspect));
      return { count: (state?.count ?? 0) + 1 };
    },
  };
}

/** Opens a store with that projection, and lets it take an event. */
async function openSlow(path: string, suspect: string): Promise<Opossum> {
  const opossum = await openOpossum({
    path,
    projections: [slowIn(suspect)],
    liveStallTimeout: 3_600_000,
    logger: silentLogger,
  });
  await opossum.daemon.whenStarted();
  const { last } = await opossum.events.append<Happened>([
    { type: "Happened", data: { key: "a", how: "well" } },
  ]);
  await opossum.projections.waitFor(last);
  return opossum;
}

Deno.test("the watchdog takes its note back when code returns after all", async () => {
  using dir = new TempDir();
  const suspect = join(dir.path, "projections", "Slow", "suspect.json");
  await using opossum = await openSlow(dir.path, suspect);
  while (exists(suspect)) await setImmediate();
  assertEquals((await opossum.projections.info("Slow")).fault, null);
});

Deno.test("closing leaves no note on code that returned", async () => {
  using dir = new TempDir();
  const suspect = join(dir.path, "projections", "Slow", "suspect.json");
  {
    await using _opossum = await openSlow(dir.path, suspect);
  }
  // A rebuild would take the event for one that ends processes.
  assert(!exists(suspect));
});

Deno.test("CodeWatch says where code is, as long as it has not returned", () => {
  const watch = new CodeWatch();
  const other = new CodeWatch(watch.memory);
  assertEquals(other.look(), undefined);
  watch.of(2).enter(7);
  assertEquals(other.look(), { beats: 1, index: 2, position: 7 });
  watch.of(2).leave();
  assertEquals(other.look(), undefined);
});

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
