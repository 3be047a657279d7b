/**
 * Asking the sample's server, and reading what it logs.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { ServerEnd, ServerProcess } from "../support/server_process.ts";

/** Rebuilds all projections; returns the id of the operation. */
export async function rebuildAll(
  { url }: Pick<ServerProcess, "url">,
): Promise<string> {
  const response = await fetch(
    `${url}/admin/projections/rebuild?forceAll=true`,
    { method: "POST", headers: { "x-request-id": "asked-1" } },
  );
  const { operationId, totalRebuilt } = await response.json();
  assertEquals([response.status, totalRebuilt], [200, 4]);
  return operationId;
}

/** The records that a server has written. */
export function jsonLines(
  { written }: Pick<ServerEnd, "written">,
): Readonly<Record<string, unknown>>[] {
  return written.split("\n").filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
}
