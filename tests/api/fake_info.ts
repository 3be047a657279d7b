/**
 * How a projection of the fake stands.
 *
 * @module
 */
import type { ProjectionInfo } from "../../mod.ts";

const BUILT_AT = "2026-01-01T00:00:00.000Z";

/** A projection that serves. */
export function fakeInfo(name: string): ProjectionInfo {
  return {
    name,
    state: "ready",
    generation: 1,
    previousGeneration: null,
    rolledBackAt: null,
    version: 1,
    builtVersion: 1,
    fingerprint: "0123456789abcdef",
    builtFingerprint: "0123456789abcdef",
    checkpoint: 0,
    lag: 0,
    documents: 2,
    bytes: 4_096,
    builtAt: BUILT_AT,
    owner: { pid: 1, since: BUILT_AT, isSelf: true },
    fault: null,
    errorPolicy: "stop",
    deadLetters: 0,
    build: null,
    repair: null,
    lastRepair: null,
    lastBuild: null,
    lastError: null,
  };
}
