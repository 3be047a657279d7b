import { assert, assertEquals, assertRejects } from "@std/assert";
import type {
  ProjectionLastRepair,
  ProjectionRepairProgress,
  RebuiltKeys,
} from "../../mod.ts";
import { exitCodeOf } from "../../src/cli/exit_codes.ts";
import { showRepair } from "../../src/cli/repair_progress.ts";
import { repairOnServer } from "../../src/cli/server/repair_on_server.ts";
import type {
  ServerClient,
  ServerRequest,
} from "../../src/cli/server/server_client.ts";
import { ServerProblemError } from "../../src/cli/server/server_errors.ts";
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

const LAST: ProjectionLastRepair = {
  scope: "missingOrDamaged",
  outcome: "succeeded",
  startedAt: NOW.startedAt,
  completedAt: "2026-01-01T00:00:07.000Z",
  keys: 0,
  keysChanged: 0,
  error: null,
};

/** Has a server repair that answers before it is done, and then as it is told. */
async function repairInPieces(
  looks: readonly unknown[],
): Promise<{ rebuilt: RebuiltKeys; told: ProjectionRepairProgress[] }> {
  const clock = new FakeClock();
  const told: ProjectionRepairProgress[] = [];
  const left = [...looks];
  const asked: unknown[] = [];
  const client = {
    json: (method: string, path: string, request: ServerRequest) => {
      if (method === "POST") {
        asked.push(request.headers);
        return Promise.resolve(NOW);
      }
      assertEquals(path, `${PATH}/repair`);
      return Promise.resolve(left.shift());
    },
  } as unknown as ServerClient;
  const repairing = repairOnServer(client, {
    path: PATH,
    name: "Alpha",
    keys: undefined,
    report: () => {},
    onProgress: (now) => told.push(now),
    clock,
  });
  const outcome = repairing.then((rebuilt) => ({ rebuilt, told }));
  outcome.catch(() => {});
  while (left.length > 0) {
    await clock.whenSleeping(1);
    await clock.advance(500);
  }
  assertEquals(asked, [{ prefer: "wait=50" }]);
  return await outcome;
}

Deno.test("projections repair on a server looks again when it takes longer than a request may, until there is an outcome", async () => {
  const early = { ...LAST, startedAt: "2025-12-31T00:00:00.000Z" };
  const later = { ...NOW, percent: 50 };
  const rebuilt = { projectionName: "Alpha", keys: [] };
  const outcome = await repairInPieces([
    { running: later, last: early, rebuilt: { keys: ["of an earlier one"] } },
    { running: null, last: LAST, rebuilt },
  ]);
  assertEquals(outcome, { rebuilt, told: [NOW, later] } as never);
});

Deno.test("projections repair on a server fails with what a repair failed with that took longer than a request may", async () => {
  const failing = (name: string) =>
    repairInPieces([{
      running: null,
      last: {
        ...LAST,
        outcome: "failed",
        error: { name, message: "Out of cheese", position: 1, eventType: "A" },
      },
      rebuilt: null,
    }]);
  for (
    const [name, exitCode] of [
      ["KeyRebuildError", 4],
      ["RebuildConflictError", 4],
      ["ProjectionApplyError", 1],
    ] as const
  ) {
    const error = await assertRejects(
      () => failing(name),
      ServerProblemError,
      "Out of cheese",
    );
    assertEquals(exitCodeOf(error), exitCode, name);
  }
  await assertRejects(
    () => repairInPieces([{ running: null, last: null, rebuilt: null }]),
    Error,
    "the server was restarted meanwhile",
  );
});
