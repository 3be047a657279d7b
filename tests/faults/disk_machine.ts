/**
 * What only a real disk and a real system show: too few descriptors, a full disk, a read-only
 * mount, an immutable folder. Run by `deno task test:faults:disk`. Mounting takes root; without
 * it these cases say so and the injected ones of `task test` have to do.
 *
 * @module
 */
import { assert, assertEquals, assertLess } from "@std/assert";
import { openOpossum, silentLogger } from "../../mod.ts";
import { countingProjection, counts } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

const CHILD = new URL("./disk_child.ts", import.meta.url).pathname;

/** Runs a line of shell with the child's call in `$@`; returns what it printed. */
async function run(
  shell: string,
  [mode = "", ...args]: readonly string[],
): Promise<Record<string, unknown>> {
  const call = [
    Deno.execPath(),
    "run",
    "--quiet",
    "--no-check",
    // Only whoever may do anything may count descriptors.
    ...mode === "many"
      ? ["--allow-all"]
      : ["--allow-read", "--allow-write", "--allow-env", "--allow-sys"],
    CHILD,
    mode,
    ...args,
  ];
  const { success, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", shell, "sh", ...call],
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) =>
    new TextDecoder().decode(bytes)
  );
  assert(success, `${args}: ${err}`);
  return JSON.parse(out ?? "");
}

function sh(line: string): boolean {
  return new Deno.Command("sh", { args: ["-c", line] }).outputSync().success;
}

/** It takes a second or two. */
const UNLESS_IT_HANGS = 'exec timeout 60 "$@"';

/** A small disk of its own, or `undefined` where that is not allowed. */
function mount(size: string): (TempDir & Disposable) | undefined {
  const dir = new TempDir();
  if (sh(`mount -t tmpfs -o size=${size} tmpfs '${dir.path}'`)) {
    const remove = dir[Symbol.dispose].bind(dir);
    dir[Symbol.dispose] = () => {
      sh(`umount '${dir.path}'`);
      remove();
    };
    return dir;
  }
  dir[Symbol.dispose]();
  say("Mounting is not allowed here: a disk of its own is not tested");
  return undefined;
}

function say(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}

/** Six events and a projection of them; `whileOpen` is called before it is closed. */
async function fill(path: string, whileOpen = () => {}): Promise<void> {
  await using opossum = await openOpossum({
    path,
    projections: [countingProjection("One")],
    logger: silentLogger,
  });
  await opossum.daemon.whenStarted();
  await opossum.events.append(counts(6));
  await opossum.projections.waitFor(6);
  whileOpen();
}

Deno.test("200 projections are built, updated and read with 1,024 descriptors", async () => {
  using dir = new TempDir();
  const call = ["many", dir.path, "200"];
  const result = await run('ulimit -n 1024; exec "$@"', call);
  say(JSON.stringify(result));
  assertEquals([result.ready, result.failures], [200, []]);
  assertLess(Number(result.descriptorsMax), 1_024);
});

Deno.test("a start with 150 descriptors says so, where all is allowed", async () => {
  using dir = new TempDir();
  const call = ["many", dir.path, "1"];
  const result = await run('ulimit -n 150; exec "$@"', call);
  assertEquals(result.warnings, [150]);
});

Deno.test("a disk that fills up and is freed again and again loses nothing, and needs no restart", async () => {
  using dir = mount("40m");
  if (dir === undefined) return;
  const rounds = Deno.env.get("OPOSSUM_TEST_FILLS") ?? "50";
  const result = await run('exec "$@"', [
    "fill",
    dir.file("data"),
    rounds,
    dir.file("room"),
  ]);
  say(`${rounds} rounds: ${JSON.stringify(result)}`);
  const { ok, success, sum, acknowledged } = result;
  assertEquals([ok, success, sum], [true, true, acknowledged]);
});

Deno.test("projections catch up on a disk of 6 MB that their own logs filled up", async () => {
  using dir = mount("6m");
  if (dir === undefined) return;
  const result = await run(UNLESS_IT_HANGS, ["small", dir.file("data")]);
  say(JSON.stringify(result));
  const { acknowledged, code, checkpoint } = result;
  assertEquals([code, checkpoint], ["ENOSPC", acknowledged]);
});

Deno.test("a store that is opened on a full disk is read, refuses appends, and goes on when there is room", async () => {
  for (const [what, leave] of Object.entries(LEFT_BEHIND)) {
    using dir = mount("8m");
    if (dir === undefined) return;
    const made = dir.file("made");
    await fill(made, () => {
      if (leave) assert(sh(leave.replaceAll("DIR", dir.path)));
    });
    const path = leave ? dir.file("data") : made;
    const room = dir.file("room");
    const result = await run(UNLESS_IT_HANGS, ["restart", path, "0", room]);
    const read = { events: 6, head: 6, state: "ready", a: { sum: 5 } };
    assertEquals(result, {
      before: read,
      refusal: "AppendFailedError ENOSPC",
      health: "failing",
      after: read,
      outcome: "appended",
      last: { events: 7, head: 7, state: "ready", a: { sum: 6 } },
      ok: true,
    }, what);
  }
});

/** What is left behind by a program that ends well, is killed, or whose power is cut. */
const LEFT_BEHIND: Readonly<Record<string, string | undefined>> = {
  closed: undefined,
  killed: "cp -r 'DIR/made' 'DIR/data'",
  cut: "cp -r 'DIR/made' 'DIR/data' && " +
    "rm 'DIR'/data/*-shm 'DIR'/data/projections/*/*-shm",
};

const READ = { events: 6, last: 6, a: { sum: 5 }, ok: true };

Deno.test("a read-only disk is read with readOnly, and refused otherwise", async () => {
  using dir = mount("20m");
  if (dir === undefined) return;
  const path = dir.file("data");
  await fill(path);
  assert(sh(`mount -o remount,ro '${dir.path}'`));
  const { refusal, ...read } = await run('exec "$@"', ["inspect", path]);
  assertEquals([read, refusal], [READ, "StoreOpenError EROFS"]);
});

Deno.test("a read-only disk with a database that was not closed is read to its last commit", async () => {
  using dir = mount("20m");
  if (dir === undefined) return;
  const path = dir.file("open");
  // As a crash would leave it: what was written last is only in the log of the database.
  await fill(path, () =>
    assert(
      sh(
        `cp -r '${path}' '${dir.path}/data' && rm '${dir.path}'/data/projections/*/*-shm`,
      ),
    ));
  assert(sh(`mount -o remount,ro '${dir.path}'`));
  const { refusal, ...read } = await run('exec "$@"', [
    "inspect",
    dir.file("data"),
  ]);
  assertEquals([read, refusal], [READ, "StoreOpenError EROFS"]);
});

Deno.test("an immutable folder is read with readOnly, and refused otherwise", async () => {
  using dir = new TempDir();
  const path = dir.file("data");
  await fill(path);
  if (!sh(`chattr -R +i '${path}'`)) {
    return say("chattr is not allowed here: immutable folders are not tested");
  }
  try {
    const { refusal, ...read } = await run('exec "$@"', ["inspect", path]);
    assertEquals(read, READ);
    assert(
      /^(StoreOpenError|LogReadError) E(PERM|ACCES)$/.test(`${refusal}`),
      `${refusal}`,
    );
  } finally {
    sh(`chattr -R -i '${path}'`);
  }
});
