import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ProjectionRepairProgress } from "../../mod.ts";
import { showRepair } from "../../src/cli/repair_progress.ts";
import { repairOnServer } from "../../src/cli/server/repair_on_server.ts";
import type { ServerClient } from "../../src/cli/server/server_client.ts";
import type { Step } from "../../src/cli/progress.ts";
import { FakeClock } from "../../src/testing/mod.ts";
import { counts } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { fillStore, modulePath, runCommand } from "./cli_fixture.ts";

const PATH = "/admin/projections/Alpha";
const NOW: ProjectionRepairProgress = {
  projectionName: "Alpha",
  startedAt: "2026-01-01T00:00:00.000Z",
  phase: "checking",
  documentsChecked: 100,
  documents: 250,
  position: 0,
  target: 0,
  keys: 3,
  percent: 8,
  perSecond: 400,
};

/** Asks nothing but what a repair asks, and answers as it is told. */
function fakeClient(
  answer: (method: string, path: string) => Promise<unknown>,
): ServerClient {
  return { json: answer } as unknown as ServerClient;
}

Deno.test("projections repair in a folder says how far it is, in lines on standard error", async () => {
  using dir = new TempDir();
  const common = [
    "--data",
    dir.file("data"),
    "--projections",
    modulePath("counting_projections.ts"),
  ];
  await fillStore(dir.file("data"), counts(9));
  await runCommand(["rebuild", ...common]);
  const args = ["projections", "repair", "Alpha", "--json", ...common];
  const { exitCode, stdout, reports } = await runCommand(args);
  assertEquals(exitCode, 0);
  assertEquals(JSON.parse(stdout).keys, []);
  assertEquals(reports, [
    "Alpha: looking at documents, 0 of 3 documents",
    "Alpha: looking at documents, 3 of 3 documents",
    "Alpha: reading the log, 0 of 9 events",
    "Alpha: reading the log, 9 of 9 events",
    "Alpha: comparing, 9 of 9 events",
    "Alpha: changing what differs, 9 of 9 events",
  ]);
});

Deno.test("a repair's progress tells its rate and what is folded anew", () => {
  const steps: Step[] = [];
  const show = showRepair({
    show: (step) => steps.push(step),
    [Symbol.dispose]() {},
  });
  show(NOW);
  show({ ...NOW, phase: "scanning", position: 5, target: 9, perSecond: null });
  assertEquals(steps, [
    {
      name: "Alpha",
      phase: "looking at documents",
      detail: ", 400/s, 3 to fold anew",
      value: 100,
      total: 250,
      unit: "documents",
    },
    {
      name: "Alpha",
      phase: "reading the log",
      detail: ", 3 to fold anew",
      value: 5,
      total: 9,
      unit: "events",
    },
  ]);
});

Deno.test("projections repair on a server asks how far it is until it answers, and for nothing more", async () => {
  const clock = new FakeClock();
  const told: ProjectionRepairProgress[] = [];
  const repaired = Promise.withResolvers<unknown>();
  const infos: unknown[] = [
    {},
    { repair: null },
    { repair: NOW },
    // As behind a proxy that fails now and then: the answer itself tells what matters.
    new Error("No answer"),
  ];
  let looks = 0;
  const client = fakeClient(async (method, path) => {
    if (method === "POST") return await repaired.promise;
    assertEquals(path, PATH);
    const info = infos[looks++];
    if (info instanceof Error) throw info;
    return info;
  });
  const repairing = repairOnServer(client, {
    path: PATH,
    name: "Alpha",
    keys: undefined,
    report: () => {},
    onProgress: (now) => told.push(now),
    clock,
  });
  for (let look = 1; look <= infos.length; look++) {
    await clock.whenSleeping(1);
    await clock.advance(500);
  }
  assertEquals([looks, told], [4, [NOW]]);
  const rebuilt = { keys: [] };
  repaired.resolve(rebuilt);
  assertEquals(await repairing, rebuilt as never);
});

Deno.test("projections repair on a server stops asking when it fails", async () => {
  const clock = new FakeClock();
  const client = fakeClient((method) => {
    assert(method === "POST");
    return Promise.reject(new Error("Refused"));
  });
  await assertRejects(
    () =>
      repairOnServer(client, {
        path: PATH,
        name: "Alpha",
        keys: ["a"],
        report: () => {},
        onProgress: () => {},
        clock,
      }),
    Error,
    "Refused",
  );
});
