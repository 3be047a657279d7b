/**
 * A program that works on a folder whose disk fails, and notes down what it was told: what the
 * tests of failing disks share.
 *
 * @module
 */
import {
  type AppendCondition,
  AppendConditionError,
  AppendFailedError,
  AppendOutcomeUnknownError,
  type EventStore,
  LogReadError,
  type OpossumOptions,
  type ProjectionDefinition,
  ProjectionUnavailableError,
  RebuildNotStartedError,
  silentLogger,
  StoreOpenError,
  StoreReadOnlyError,
} from "../../mod.ts";
import { assemble, type Assembly } from "../../src/assembly.ts";
import {
  type FileEventStore,
  openFileEventStore,
} from "../../src/log/file_event_store.ts";
import { resolveOptions } from "../../src/options.ts";
import { createTelemetry } from "../../src/telemetry/telemetry.ts";
import { FaultyFileSystem } from "../../src/testing/mod.ts";
import { copyFolder, unsynced } from "../log/support.ts";
import { countingProjection } from "../support/course_fixture.ts";
import type { AppendCall } from "./invariants.ts";

/** The projections of every session. */
export const PROJECTIONS: readonly ProjectionDefinition[] = ["One", "Two"]
  .map((name) => countingProjection(name, { fingerprint: "disk" }));

/** Something that a failing disk must not lead to. */
export class DiskFaultError extends Error {
  override readonly name = "DiskFaultError";
}

/** An open store with its pieces over a failing disk. */
export interface OpenSession extends AsyncDisposable {
  readonly store: FileEventStore;
  readonly assembly: Assembly;
}

/** One folder, its disk, and what was done there. */
export class DiskSession implements Disposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "opossum_disk_" });
  /** Its syncs do nothing unless they fail: what is tested is not what survives a power cut. */
  readonly fileSystem = new FaultyFileSystem(unsynced);
  /** Calls that returned or whose outcome is unknown; not those that were refused. */
  readonly calls: AppendCall[];
  /** Names of the errors that were met, for the report. */
  readonly met = new Map<string, number>();
  #appended = 0;

  /** @param template What to begin with a copy of. @default {an empty folder} */
  constructor(template?: DiskSession) {
    this.calls = [...template?.calls ?? []];
    this.#appended = this.calls.length;
    if (template) copyFolder(template.path, this.path);
  }

  /** Opens the store; a refusal must be a typed one. */
  async open(options: Partial<OpossumOptions> = {}): Promise<OpenSession> {
    const { path, fileSystem } = this;
    const segmentBytesMax = 65_536;
    const store = await openFileEventStore({
      path,
      fileSystem,
      logger: silentLogger,
      segmentBytesMax,
    });
    await using opened = new AsyncDisposableStack();
    opened.use(store);
    const assembly = opened.use(assemble({
      options: resolveOptions({
        path,
        logger: silentLogger,
        enableAutoRebuild: false,
        batchSize: 4,
        ...options,
      }),
      definitions: PROJECTIONS,
      events: store,
      storeId: store.storeId,
      fileSystem,
      telemetry: createTelemetry(),
    }));
    const resources = opened.move();
    return {
      store,
      assembly,
      [Symbol.asyncDispose]: () => resources.disposeAsync(),
    };
  }

  /** Lets temporary files be as old as those that no process still writes. */
  age(): void {
    for (const directory of ["operations"]) {
      for (const name of unsynced.list(`${this.path}/${directory}`)) {
        if (!name.endsWith(".tmp")) continue;
        const anHourAgo = new Date(Date.now() - 3_600_000);
        const path = `${this.path}/${directory}/${name}`;
        Deno.utimeSync(path, anHourAgo, anHourAgo);
      }
    }
  }

  /** Like {@linkcode open}, `undefined` when the disk stood against it. */
  async tryOpen(): Promise<OpenSession | undefined> {
    try {
      return await this.open();
    } catch (error) {
      this.#note(error, [StoreOpenError, LogReadError]);
      return undefined;
    }
  }

  /** Appends an event of `bytes` more bytes, and notes down what came of it. */
  async append(
    store: EventStore & Partial<FileEventStore>,
    { condition, bytes = 0 }: {
      readonly condition?: AppendCondition;
      readonly bytes?: number;
    } = {},
  ): Promise<boolean> {
    const id = crypto.randomUUID();
    const n = ++this.#appended;
    const data = { key: "abc".charAt(n % 3), by: n, rest: "x".repeat(bytes) };
    const call = { ids: [id], ...condition ? { condition } : {} };
    const wasReadOnly = store.readOnlyCause !== undefined;
    try {
      const { first } = await store.append(
        [{ type: "Counted", tags: [`key:${data.key}`], data, id }],
        condition ? { condition } : {},
      );
      if (wasReadOnly || store.readOnlyCause !== undefined) {
        throw new DiskFaultError(
          "Acknowledged although the store is read-only",
        );
      }
      this.calls.push({ ...call, first });
      return true;
    } catch (error) {
      if (error instanceof AppendOutcomeUnknownError) this.calls.push(call);
      this.#note(error, [
        AppendFailedError,
        AppendOutcomeUnknownError,
        AppendConditionError,
        StoreReadOnlyError,
        LogReadError,
      ]);
      return false;
    }
  }

  /** Notes down an error, which must be one of these classes. */
  #note(
    error: unknown,
    // deno-lint-ignore no-explicit-any -- their constructors differ, only `instanceof` is used
    classes: readonly (abstract new (...args: any[]) => Error)[],
  ): void {
    if (!classes.some((errorClass) => error instanceof errorClass)) {
      throw new DiskFaultError(`Not a typed error: ${error}`, { cause: error });
    }
    const { name } = error as Error;
    this.met.set(name, (this.met.get(name) ?? 0) + 1);
  }

  /** Rebuilds; what it comes to is told or thrown as a typed error. */
  async rebuild({ assembly }: OpenSession): Promise<boolean> {
    try {
      const { success, details } = await assembly.rebuilder.rebuildAll({
        forceRebuild: true,
      });
      for (const { error } of details) {
        if (error) this.met.set("detail", (this.met.get("detail") ?? 0) + 1);
      }
      return success;
    } catch (error) {
      this.#note(error, [
        RebuildNotStartedError,
        ProjectionUnavailableError,
        LogReadError,
      ]);
      return false;
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}
