/**
 * The scrubber: reads everything that is stored, as slowly as it takes to disturb nobody, and marks
 * what is damaged.
 *
 * @module
 */
import { join } from "node:path";
import type { Clock } from "../events/clock.ts";
import type { VerifyStoreOptions } from "../log/file_event_store.ts";
import type { VerifyReport } from "../log/verify.ts";
import type { ProjectionStore } from "../projections/projection_store.ts";
import type { ProjectionRegistry } from "../projections/registry.ts";
import { RebuilderClosedError } from "../rebuild/rebuilder.ts";
import type { RebuildThrottle } from "../rebuild/throttle.ts";
import { atomicReplace, readTextIfExists } from "../storage/atomic_replace.ts";
import type { FileSystem } from "../storage/file_system.ts";
import { Yielder } from "../storage/yielder.ts";
import type { Logger } from "../telemetry/logger.ts";
import { ATTRIBUTES, SPANS } from "../telemetry/names.ts";
import type { OpenSpan } from "../telemetry/spans.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import {
  countProblems,
  type ScrubbedProjection,
  type ScrubOptions,
  type ScrubReport,
  ScrubRunningError,
  type Scrubs,
} from "./scrub.ts";

/** What it is made of. */
export interface ScrubberOptions {
  readonly fileSystem: FileSystem;
  /** The data folder. */
  readonly path: string;
  readonly registry: ProjectionRegistry;
  readonly store: ProjectionStore;
  /** Verifies the log. */
  readonly verify: (options: VerifyStoreOptions) => Promise<VerifyReport>;
  readonly throttle: RebuildThrottle;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  /** Whether nothing may be written: nothing is marked, and the report is not kept. */
  readonly readOnly: boolean;
}

/** The file of the last report, in the data folder. */
const SCRUB_FILE = "scrub.json";

/** Scrubs a store. */
export class Scrubber implements Scrubs, AsyncDisposable {
  readonly #options: ScrubberOptions;
  readonly #closing = new AbortController();
  #running:
    | { readonly startedAt: string; readonly ended: Promise<unknown> }
    | undefined;
  #last: ScrubReport | undefined;
  /** The report on the disk since then. */
  #lastVersion: string | undefined;
  /** What was counted of a report on the disk, and which one that was. */
  #counted:
    | {
      readonly version: string | undefined;
      readonly problems: number | undefined;
    }
    | undefined;

  /** @param options What it is made of. */
  constructor(options: ScrubberOptions) {
    this.#options = options;
  }

  async scrub(
    { projections, signal }: ScrubOptions = {},
  ): Promise<ScrubReport> {
    const { registry, clock, telemetry } = this.#options;
    const names = registry.resolve(projections ?? registry.names);
    if (this.#running) throw new ScrubRunningError(this.#running.startedAt);
    const signals = [this.#closing.signal, ...(signal ? [signal] : [])];
    const startedAt = clock.now().toISOString();
    const ended = telemetry.span(
      SPANS.scrub,
      {},
      (span) => this.#scrub(names, startedAt, AbortSignal.any(signals), span),
    );
    this.#running = { startedAt, ended };
    try {
      return await ended;
    } finally {
      this.#running = undefined;
    }
  }

  // deno-lint-ignore require-await -- turns what is thrown into a rejection
  async lastScrub(): Promise<ScrubReport | undefined> {
    const { fileSystem, logger } = this.#options;
    try {
      // Another process may have looked since.
      if (this.#last && this.#version === this.#lastVersion) return this.#last;
      const text = readTextIfExists(fileSystem, this.#file);
      return text === undefined ? this.#last : JSON.parse(text);
    } catch (error) {
      // It is news, not a promise: the next scrub writes another one.
      logger.log("warn", "Report of the last scrub cannot be read", { error });
      return this.#last;
    }
  }

  /**
   * How many problems the last scrub found, for those who collect metrics; `undefined` if there was
   * none. The report of another process is read again only when it is another one.
   */
  async countProblems(): Promise<number | undefined> {
    const version = this.#version;
    if (this.#counted === undefined || version !== this.#counted.version) {
      const report = await this.lastScrub();
      const problems = report && countProblems(report);
      this.#counted = { version, problems };
    }
    return this.#counted?.problems;
  }

  /** Tells one report on the disk from another; `undefined` when there is none. */
  get #version(): string | undefined {
    const stat = this.#options.fileSystem.stat(this.#file);
    return stat && `${stat.identity} ${stat.modifiedMs} ${stat.size}`;
  }

  get scrubbingSince(): string | undefined {
    return this.#running?.startedAt;
  }

  /** Gives up what runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new RebuilderClosedError());
    await Promise.allSettled([this.#running?.ended]);
  }

  get #file(): string {
    return join(this.#options.path, SCRUB_FILE);
  }

  async #scrub(
    names: readonly string[],
    startedAt: string,
    signal: AbortSignal,
    span: OpenSpan,
  ): Promise<ScrubReport> {
    const { throttle, clock, verify, logger } = this.#options;
    signal.throwIfAborted();
    logger.log("info", "Looking for damage...");
    using pass = throttle.enterHere([signal]);
    const yielder = new Yielder();
    const rest = async (eventsRead = 0) => {
      await pass.rest(eventsRead, () => yielder.yieldIfDue());
      signal.throwIfAborted();
    };
    const log = await verify({
      signal,
      onRun: (_segment, { frames }) =>
        rest(frames.reduce((sum, { count }) => sum + count, 0)),
    });
    const projections: ScrubbedProjection[] = [];
    for (const name of names) {
      projections.push(await this.#scrubProjection(name, rest));
    }
    const report: ScrubReport = Object.freeze({
      ok: log.ok &&
        projections.every(({ state, previousProblem }) =>
          (state === "ok" || state === "absent") && previousProblem === null
        ),
      startedAt,
      completedAt: clock.now().toISOString(),
      log,
      projections: Object.freeze(projections),
    });
    await this.#keep(report);
    this.#tell(report);
    span.setAttributes({
      [ATTRIBUTES.projectionCount]: projections.length,
      [ATTRIBUTES.eventsScanned]: log.events,
      [ATTRIBUTES.scrubProblems]: countProblems(report),
    });
    return report;
  }

  async #scrubProjection(
    name: string,
    rest: () => Promise<void>,
  ): Promise<ScrubbedProjection> {
    const { store, readOnly } = this.#options;
    const found = await store.care.scrub(name, rest);
    if (found.state === "damaged" && !readOnly) {
      // Told also when it was known: whoever rebuilds it may have failed.
      store.care.condemn(name, found.problem ?? "");
    }
    return Object.freeze({ name, ...found });
  }

  async #keep(report: ScrubReport): Promise<void> {
    const { fileSystem, readOnly, logger } = this.#options;
    this.#last = report;
    this.#counted = undefined;
    try {
      this.#lastVersion = this.#version;
      if (readOnly) return;
      await atomicReplace(
        fileSystem,
        this.#file,
        `${JSON.stringify(report)}\n`,
      );
      this.#lastVersion = this.#version;
    } catch (error) {
      logger.log("error", "Report of the scrub could not be kept", { error });
    }
  }

  #tell({ ok, log, projections }: ScrubReport): void {
    const { logger } = this.#options;
    if (ok) {
      logger.log("info", "No damage was found", {
        events: log.events,
        projections: projections.map(({ name }) => name),
      });
      return;
    }
    for (const { file, offset, what } of log.problems) {
      logger.log("error", "Damage in the event log", {
        file,
        offset,
        damage: what,
      });
    }
    for (const { name, state, problem, previousProblem } of projections) {
      if (problem !== null) {
        logger.log("error", "Projection is damaged or unreadable", {
          projection: name,
          state,
          damage: problem,
        });
      }
      if (previousProblem !== null) {
        logger.log("warn", "Previous generation is of no use", {
          projection: name,
          damage: previousProblem,
        });
      }
    }
  }
}
