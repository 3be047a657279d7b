import { assertEquals } from "@std/assert";
import type { ProjectionInfo, ProjectionState } from "../../mod.ts";
import { type PlanInput, planRebuild } from "../../src/rebuild/plan.ts";

function info(state: ProjectionState, rolledBack: boolean): ProjectionInfo {
  return {
    name: "One",
    state,
    generation: 1,
    previousGeneration: 2,
    rolledBackAt: rolledBack ? "2026-01-01T00:00:00.000Z" : null,
    fingerprint: "f",
    builtFingerprint: "f",
    version: 2,
    builtVersion: 1,
    checkpoint: 5,
    lag: 4,
    documents: 1,
    bytes: 1,
    builtAt: null,
    fault: null,
    owner: null,
    errorPolicy: "stop",
    deadLetters: 0,
    build: null,
    repair: null,
    lastRepair: null,
    lastBuild: null,
    lastError: null,
  };
}

/** The reason, and a `+` if it is rebuilt. */
function planned(
  state: ProjectionState,
  { rolledBack = false, ...asked }: Partial<PlanInput> & {
    readonly rolledBack?: boolean;
  } = {},
): string {
  const { reason, rebuild } = planRebuild({
    info: info(state, rolledBack),
    head: 9,
    interrupted: false,
    insist: undefined,
    automatic: false,
    awaiting: false,
    ...asked,
  });
  return reason + (rebuild ? " +" : "");
}

const STATES: readonly ProjectionState[] = [
  "absent",
  "ready",
  "stale",
  "faulted",
  "damaged",
];

Deno.test("planRebuild() rebuilds what needs it", () => {
  assertEquals(STATES.map((state) => planned(state)), [
    "absent +",
    "upToDate",
    "versionChanged +",
    "faulted +",
    "damaged +",
  ]);
  assertEquals(planned("stale", { head: 4 }), "ahead +");
});

Deno.test("planRebuild() leaves what was rolled back alone, unless nothing can be read of it", () => {
  const rolledBack = true;
  assertEquals(STATES.map((state) => planned(state, { rolledBack })), [
    "absent +",
    "upToDate",
    "rolledBack",
    "rolledBack",
    "damaged +",
  ]);
  // Begun after it, on purpose.
  assertEquals(
    planned("stale", { rolledBack, interrupted: true }),
    "interrupted +",
  );
});

Deno.test("planRebuild() rebuilds what was rolled back when somebody insists, but for starts and schedules", () => {
  const asked = { rolledBack: true, insist: "forced" } as const;
  assertEquals(STATES.map((state) => planned(state, asked)), [
    "absent +",
    "forced +",
    "versionChanged +",
    "faulted +",
    "damaged +",
  ]);
  const automatic = { ...asked, automatic: true };
  assertEquals(STATES.map((state) => planned(state, automatic)), [
    "absent +",
    "rolledBack",
    "rolledBack",
    "rolledBack",
    "damaged +",
  ]);
});

Deno.test("planRebuild() leaves what waits to be promoted to its operator", () => {
  const awaiting = true;
  assertEquals(STATES.map((state) => planned(state, { awaiting })), [
    "awaitingPromotion",
    "upToDate",
    "awaitingPromotion",
    "awaitingPromotion",
    "awaitingPromotion",
  ]);
  assertEquals(
    planned("ready", { awaiting, insist: "requested" }),
    "requested +",
  );
});
