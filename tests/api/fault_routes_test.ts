import { assertEquals } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { createAdminRouter } from "../../api/mod.ts";
import { Info, Letter } from "../../api/schemas.ts";
import {
  defineProjection,
  openOpossum,
  type ProjectionDefinition,
  silentLogger,
} from "../../mod.ts";
import { TempDir } from "../support/temp_dir.ts";
import { FakeOpossum } from "./fake_opossum.ts";
import { ask, assertProblem, TOKEN } from "./requests.ts";

/** Refuses one event until it is told that the fault is mended. */
function refusing(isMended: () => boolean): ProjectionDefinition {
  return defineProjection<{ seen: number[] }>({
    name: "Refusing",
    version: 1,
    eventTypes: ["Happened"],
    key: () => "a",
    apply(state, { position }) {
      if (position === 2 && !isMended()) throw new Error("Not this one");
      return { seen: [...state?.seen ?? [], position] };
    },
  }) as ProjectionDefinition;
}

Deno.test("POST skip passes over the event that a projection stands still on, and only that", async () => {
  using dir = new TempDir();
  await using opossum = await openOpossum({
    path: dir.path,
    projections: [refusing(() => false)],
    logger: silentLogger,
  });
  const app = createAdminRouter({ opossum, auth: { tokens: [TOKEN] } });
  const { projections, daemon, events, rebuilder } = opossum;
  await daemon.whenStarted();
  const append = async () =>
    (await events.append([{ type: "Happened", data: {} }])).last;
  await append();
  await append();
  await append();
  await projections.waitFor(1);
  while (!(await projections.info("Refusing")).fault) await setImmediate();
  const path = "/admin/projections/Refusing";
  const early = await ask(app, "POST", `${path}/events/3/skip`);
  const problem = await assertProblem(early, 409, "skip-conflict");
  assertEquals(problem.refusal, "notFaulted");
  const response = await ask(app, "POST", `${path}/events/2/skip`);
  assertEquals(response.status, 202);
  Info.parse(await response.json());
  await projections.waitFor(3);
  const document = { seen: [1, 3] };
  assertEquals(await projections.get("Refusing", "a"), document);
  const again = await ask(app, "POST", `${path}/events/2/skip`);
  await assertProblem(again, 409, "skip-conflict");
  await rebuilder.rebuild("Refusing");
  assertEquals(await projections.get("Refusing", "a"), document);
  const { deadLetters: [letter] } =
    await (await ask(app, "GET", `${path}/dead-letters`)).json();
  assertEquals(letter, Letter.parse(letter));
  assertEquals([letter.position, letter.reason], [2, "ordered"]);
});

Deno.test("POST retry tries a faulted projection again at once", async () => {
  using dir = new TempDir();
  let mended = false;
  await using opossum = await openOpossum({
    path: dir.path,
    projections: [refusing(() => mended)],
    logger: silentLogger,
  });
  const app = createAdminRouter({ opossum, auth: { tokens: [TOKEN] } });
  const { projections, daemon, events } = opossum;
  await daemon.whenStarted();
  const event = { type: "Happened", data: {} };
  await events.append([event, event, event]);
  await projections.waitFor(1);
  while (!(await projections.info("Refusing")).fault) await setImmediate();
  mended = true;
  const response = await ask(app, "POST", "/admin/projections/Refusing/retry");
  assertEquals(response.status, 202);
  await projections.waitFor(3);
  assertEquals(await projections.get("Refusing", "a"), { seen: [1, 2, 3] });
});

Deno.test("the routes about faults answer 404 to unknown names, 400 to what is no position", async () => {
  const opossum = new FakeOpossum("A");
  const app = createAdminRouter({ opossum, auth: { tokens: [TOKEN] } });
  for (
    const [method, rest] of [
      ["GET", "dead-letters"],
      ["POST", "retry"],
      ["POST", "events/1/skip"],
    ] as const
  ) {
    const unknown = await ask(app, method, `/admin/projections/Nope/${rest}`);
    await assertProblem(unknown, 404, "unknown-projection");
  }
  for (const position of ["0", "x", "-1", "1e3", "9".repeat(16)]) {
    const path = `/admin/projections/A/events/${position}/skip`;
    const response = await ask(app, "POST", path);
    assertEquals(response.status, 400, position);
    await response.body?.cancel();
  }
});
