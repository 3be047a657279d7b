/**
 * Administers a running server.
 *
 * @module
 */
import type { RebuildWindowStatus } from "../../daemon/rebuild_window.ts";
import type { ScrubReport } from "../../daemon/scrub.ts";
import { systemClock } from "../../events/clock.ts";
import type { Position } from "../../events/event.ts";
import { UnknownProjectionError } from "../../projections/errors.ts";
import type {
  DeadLetter,
  ProjectionInfo,
} from "../../projections/projections.ts";
import type {
  ProjectionRebuildResult,
  RebuildOperation,
  RebuildPlan,
} from "../../rebuild/operation.ts";
import { UnknownOperationError } from "../../rebuild/refusals.ts";
import type { RebuiltKeys } from "../../rebuild/rebuilt_keys.ts";
import {
  type Administration,
  isAtRest,
  type OperationOrder,
  type OperationPage,
  type ProjectionDetail,
  type RebuildRequest,
} from "../administration.ts";
import type { CaughtUp } from "../catch_up.ts";
import type { CommandIo } from "../io.ts";
import type { ServerClient, ServerRequest } from "./server_client.ts";
import { repairOnServer } from "./repair_on_server.ts";
import type { Progress } from "../progress.ts";
import { showRepair } from "../repair_progress.ts";
import { showScrub } from "../scrub_progress.ts";
import { scrubOnServer } from "./scrub_on_server.ts";
import { ServerProblemError } from "./server_errors.ts";
import { watchOperation } from "./watch_operation.ts";

/** How often, and how often at most, is looked whether a projection moves on. */
const SETTLE_MS = 200;
const SETTLE_LOOKS = 25;

/** Administers a server by its admin API. */
export class ServerAdministration implements Administration {
  readonly place = "server";
  readonly #client: ServerClient;
  readonly #io: CommandIo;

  /**
   * @param client Asks the server.
   * @param io Who stops it, and whom to tell of lost connections.
   */
  constructor(client: ServerClient, io: CommandIo) {
    this.#client = client;
    this.#io = io;
  }

  async head(): Promise<Position | null> {
    const ends = (await this.projections())
      .map(({ checkpoint, lag }) => checkpoint + lag);
    return ends.length === 0 ? null : Math.max(...ends);
  }

  async projections(): Promise<readonly ProjectionInfo[]> {
    const { projections } = await this.#get<
      { readonly projections: readonly ProjectionInfo[] }
    >("/admin/projections");
    return projections;
  }

  async projection(name: string): Promise<ProjectionDetail> {
    return await this.#of(name, () => this.#get(projectionPath(name)));
  }

  async deadLetters(name: string): Promise<readonly DeadLetter[]> {
    const path = `${projectionPath(name)}/dead-letters`;
    const { deadLetters } = await this.#of(
      name,
      () => this.#get<{ deadLetters: readonly DeadLetter[] }>(path),
    );
    return deadLetters;
  }

  async retry(name: string): Promise<ProjectionInfo> {
    await this.#of(name, () => this.#post(`${projectionPath(name)}/retry`));
    return await this.#settled(name);
  }

  async skip(name: string, position: Position): Promise<ProjectionInfo> {
    const path = `${projectionPath(name)}/events/${position}/skip`;
    await this.#of(name, () => this.#post(path));
    return await this.#settled(name);
  }

  async rollback(name: string, from: number | null): Promise<ProjectionInfo> {
    const query = from === null ? {} : { from: `${from}` };
    return await this.#of(
      name,
      () => this.#post(`${projectionPath(name)}/rollback`, { query }),
    );
  }

  async repair(
    name: string,
    keys: readonly string[] | undefined,
    progress: Progress,
  ): Promise<RebuiltKeys> {
    return await this.#of(name, () =>
      repairOnServer(this.#client, {
        path: projectionPath(name),
        name,
        keys,
        report: this.#io.report,
        onProgress: showRepair(progress),
        signal: this.#io.signal,
      }));
  }

  async scrub(progress: Progress): Promise<ScrubReport> {
    return await scrubOnServer(this.#client, this.#io, showScrub(progress));
  }

  async plan(request: RebuildRequest): Promise<RebuildPlan> {
    const { names, forceRebuild, concurrency } = request;
    return await this.#of(names ?? [], () =>
      this.#get("/admin/plan", {
        query: {
          ...names === undefined ? {} : { projectionNames: names.join(",") },
          ...forceRebuild ? { forceAll: "true" } : {},
          ...concurrency === undefined ? {} : { concurrency: `${concurrency}` },
        },
      }));
  }

  async start(request: RebuildRequest): Promise<RebuildOperation> {
    const { names, forceRebuild, ignoreDiskSpace, ...how } = request;
    // One projection by name is refused while it is being rebuilt; several join what is.
    const [only] = names?.length === 1 ? names : [];
    const path = only === undefined
      ? "/admin/projections/rebuild"
      : `${projectionPath(only)}/rebuild`;
    const started = await this.#of(
      names ?? [],
      () =>
        this.#post<RebuildOperation | ProjectionRebuildResult>(path, {
          headers: {
            prefer: "respond-async",
            "idempotency-key": crypto.randomUUID(),
          },
          query: {
            ...forceRebuild ? { forceAll: "true" } : {},
            ...ignoreDiskSpace ? { ignoreDiskSpace: "true" } : {},
          },
          body: {
            ...only === undefined && names !== undefined
              ? { projectionNames: names }
              : {},
            ...how,
          },
          isRepeatable: true,
        }),
    );
    return "operationId" in started
      ? await this.operation(started.operationId)
      : started;
  }

  catchUp(): Promise<readonly CaughtUp[]> {
    return Promise.resolve([]);
  }

  async operation(id: string): Promise<RebuildOperation> {
    return await this.#get(operationPath(id));
  }

  async operations(
    { limit, before, state }: Parameters<Administration["operations"]>[0],
  ): Promise<OperationPage> {
    return await this.#get("/admin/operations", {
      query: {
        ...limit === undefined ? {} : { limit: String(limit) },
        before: before === undefined ? before : operationId(before),
        state,
      },
    });
  }

  async watch(
    id: string,
    onChange: (operation: RebuildOperation) => void,
  ): Promise<RebuildOperation> {
    const { signal, report } = this.#io;
    return await watchOperation(this.#client, {
      id: operationId(id),
      onChange,
      isOver: isAtRest,
      signal,
      report,
    });
  }

  async order(id: string, order: OperationOrder): Promise<RebuildOperation> {
    // Twice is no error.
    return await this.#post(`${operationPath(id)}/${order}`, {
      isRepeatable: true,
    });
  }

  async schedule(): Promise<readonly RebuildWindowStatus[]> {
    const { windows } = await this.#get<
      { windows: readonly RebuildWindowStatus[] }
    >("/admin/schedule");
    return windows;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  /** How a projection stands once it is up to date or stands still, or after a few seconds. */
  async #settled(name: string): Promise<ProjectionInfo> {
    const { signal } = this.#io;
    for (let looks = 1;; looks++) {
      const info = await this.projection(name);
      const isSettled = info.state !== "ready" || info.lag === 0;
      if (isSettled || looks === SETTLE_LOOKS) return info;
      await systemClock.sleep(SETTLE_MS, signal);
      signal.throwIfAborted();
    }
  }

  async #get<T>(path: string, request?: ServerRequest): Promise<T> {
    return await this.#client.json<T>("GET", path, request);
  }

  async #post<T>(path: string, request?: ServerRequest): Promise<T> {
    return await this.#client.json<T>("POST", path, request);
  }

  /** Tells which projections there are, should one be unknown. */
  async #of<T>(
    names: string | readonly string[],
    action: () => Promise<T>,
  ): Promise<T> {
    try {
      return await action();
    } catch (error) {
      const isUnknown = error instanceof ServerProblemError &&
        error.kind === "unknown-projection";
      if (!isUnknown) throw error;
      const known = (await this.projections()).map(({ name }) => name);
      const unknown = [names].flat().filter((name) => !known.includes(name));
      throw new UnknownProjectionError(unknown, known);
    }
  }
}

function projectionPath(name: string): string {
  return `/admin/projections/${encodeURIComponent(name)}`;
}

function operationPath(id: string): string {
  return `/admin/operations/${operationId(id)}`;
}

/** What can be no id is one of nothing that there is. */
function operationId(id: string): string {
  if (!/^[0-9a-f]{32}$/.test(id)) throw new UnknownOperationError(id);
  return id;
}
