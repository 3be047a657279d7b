/**
 * A process with an open store and its daemon: `store_program.ts PATH`. Does what it is told.
 *
 * @module
 */
import {
  type EventInput,
  openOpossum,
  type Opossum,
  type ProjectionOwner,
  RebuildConflictError,
  silentLogger,
} from "../../../mod.ts";
import { serveLines } from "./line_program.ts";
import type { Count } from "./projections.ts";

/** What it can be told. */
export type StoreCommand =
  | { readonly do: "append"; readonly events: readonly EventInput[] }
  /** Wait until all projections are as far. */
  | { readonly do: "wait"; readonly position: number }
  | { readonly do: "owners" }
  /** Rebuild everything, unless somebody is at it. */
  | { readonly do: "rebuild" }
  /** Read whole projections so many times. */
  | { readonly do: "read"; readonly times: number };

/** What it answers. */
export type StoreAnswer =
  | { readonly is: "appended"; readonly first: number }
  | { readonly is: "done" }
  | { readonly is: "owners"; readonly owners: readonly Owner[] }
  | {
    readonly is: "rebuilt";
    readonly operationId: string;
    readonly failed: readonly string[];
  }
  | { readonly is: "conflict"; readonly operationId: string | null }
  | { readonly is: "read"; readonly torn: readonly string[] }
  | { readonly is: "error"; readonly message: string };

/** Who keeps a projection up to date, as the process sees it. */
export type Owner = ProjectionOwner | null;

async function carryOut(
  opossum: Opossum,
  command: StoreCommand,
): Promise<StoreAnswer> {
  const { events, projections, rebuilder } = opossum;
  switch (command.do) {
    case "append": {
      const { first } = await events.append(command.events);
      return { is: "appended", first };
    }
    case "wait":
      await projections.waitFor(command.position);
      return { is: "done" };
    case "owners": {
      const infos = await Promise.all(
        projections.names.map((name) => projections.info(name)),
      );
      return { is: "owners", owners: infos.map(({ owner }) => owner) };
    }
    case "rebuild":
      try {
        const { operationId, details } = await rebuilder.rebuildAll({
          forceRebuild: true,
          whenRunning: "reject",
        });
        const failed = details.filter(({ success }) => !success)
          .map(({ projectionName, errorMessage }) =>
            `${projectionName}: ${errorMessage}`
          );
        return { is: "rebuilt", operationId, failed };
      } catch (error) {
        if (!(error instanceof RebuildConflictError)) throw error;
        return { is: "conflict", operationId: error.operationId };
      }
    case "read":
      return { is: "read", torn: await readWhole(opossum, command.times) };
  }
}

/** Reads pages that must add up to their checkpoint, which never goes back. */
async function readWhole(
  { projections }: Opossum,
  times: number,
): Promise<string[]> {
  const torn: string[] = [];
  const before = new Map<string, number>();
  for (let i = 0; i < times; i++) {
    for (const name of projections.names) {
      const { documents, checkpoint } = await projections.list<Count>(name);
      const sum = documents.reduce((sum, { state }) => sum + state.count, 0);
      const last = before.get(name) ?? 0;
      if (sum !== checkpoint || checkpoint < last) {
        torn.push(`${name} at ${checkpoint}, after ${last}, adds up to ${sum}`);
      }
      before.set(name, checkpoint);
    }
  }
  return torn;
}

async function serve(path: string): Promise<void> {
  await using opossum = await openOpossum({
    path,
    projections: import.meta.resolve("./projections.ts"),
    batchSize: 10,
    logger: silentLogger,
  });
  await opossum.daemon.whenStarted();
  await serveLines((command: StoreCommand) => carryOut(opossum, command));
}

if (import.meta.main) await serve(Deno.args[0] ?? "");
