import { assert, assertEquals, assertGreater } from "@std/assert";
import { fileURLToPath } from "node:url";
import { openOpossum, silentLogger } from "../../mod.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { copyFolder, TestFolder } from "../log/support.ts";
import { contentOf, damageDocuments } from "../rebuild/repair_fixture.ts";
import { countingProjection, counts } from "../support/course_fixture.ts";
import type { FaultKind } from "./kills/messages.ts";
import type { RepairTask } from "./kills/repair_program.ts";

const FILE = "projections/Sums/000001.sqlite";
const KINDS: readonly FaultKind[] = ["before", "half", "after"];

function open(path: string, startDaemon: boolean) {
  return openOpossum({
    path,
    projections: [countingProjection("Sums")],
    logger: silentLogger,
    startDaemon,
  });
}

/** Changes when `current.json` is replaced. */
function identityOf(path: string): string | undefined {
  const file = `${path}/projections/Sums/current.json`;
  return denoFileSystem.stat(file)?.identity;
}

/** Returns whether the program was killed. */
async function runRepair(task: RepairTask): Promise<boolean> {
  const program = "tests/faults/kills/repair_program.ts";
  const permissions = ["read", "write", "env", "sys", "run"];
  const { signal, success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      ...permissions.map((name) => `--allow-${name}`),
      program,
      JSON.stringify(task),
    ],
    cwd: fileURLToPath(new URL("../../", import.meta.url)),
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  assert(
    success || signal === "SIGKILL",
    new TextDecoder().decode(stderr),
  );
  return signal === "SIGKILL";
}

Deno.test("a repair that is killed at any call of its file system leaves what was there or all that it was to do, and the next one does the rest", async () => {
  await using origin = new TestFolder();
  const running = true;
  {
    await using opossum = await open(origin.path, running);
    await opossum.daemon.whenStarted();
    const { last } = await opossum.events.append(counts(30));
    await opossum.projections.waitFor(last);
  }
  const sound = contentOf(`${origin.path}/${FILE}`);
  damageDocuments(`${origin.path}/${FILE}`, [
    { kind: "change", at: 0 },
    { kind: "delete", at: 1 },
    { kind: "foreign", key: "x" },
    { kind: "dropTags" },
  ]);
  const damaged = contentOf(`${origin.path}/${FILE}`);
  const seen = { sound: 0, damaged: 0 };
  let at = 1;
  for (let goesOn = true; goesOn; at++) {
    await using folder = new TestFolder();
    copyFolder(origin.path, folder.path);
    const before = identityOf(folder.path);
    const point = { at, kind: KINDS[at % KINDS.length] ?? "before" };
    goesOn = await runRepair({ path: folder.path, point });
    const file = `${folder.path}/${FILE}`;
    const left = contentOf(file);
    const isSound = JSON.stringify(left) === JSON.stringify(sound);
    assertEquals(left, isSound ? sound : damaged, JSON.stringify(point));
    // Whoever holds documents of what was there must have been told before.
    const isTold = identityOf(folder.path) !== before;
    assert(!isSound || isTold, JSON.stringify(point));
    if (goesOn) seen[isSound ? "sound" : "damaged"]++;
    await using opossum = await open(folder.path, !running);
    await opossum.rebuilder.repair("Sums");
    assertEquals(contentOf(file), sound, JSON.stringify(point));
    assertEquals((await opossum.projections.info("Sums")).state, "ready");
    const names = [...Deno.readDirSync(`${folder.path}/projections/Sums`)]
      .map(({ name }) => name);
    assertEquals(names.filter((name) => name.endsWith(".tmp")), []);
  }
  assertGreater(seen.damaged, 5);
  assertGreater(seen.sound, 3);
});
