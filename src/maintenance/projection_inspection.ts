/**
 * Inspecting projections: their files, and their documents against the log as it is read.
 *
 * @module
 */
import type { Position, StoredEvent } from "../events/event.ts";
import type { SalvagedLog } from "../log/salvage_log.ts";
import type { ProjectionDefinition } from "../projections/definition.ts";
import type { FileSystem } from "../storage/file_system.ts";
import type { Finding } from "./finding.ts";
import { BYTES_MAX, ProjectionCheck } from "./projection_check.ts";
import {
  type ProjectionFiles,
  projectionFiles,
} from "./projection_findings.ts";

/** A projection whose documents were compared with a fold of the log. */
export interface ComparedProjection {
  readonly projectionName: string;
  /** The generation that serves, within the data folder. */
  readonly file: string;
  /** Up to where both had applied the log. */
  readonly checkpoint: Position;
}

/** A piece of work on one projection. */
export interface InspectStep {
  readonly projectionName: string;
  /** Its database is checked page by page, in one go; or its rows are compared. */
  readonly phase: "checking" | "comparing";
  /** Rows that were compared, of how many; of pages nothing is known. */
  readonly value: number;
  readonly total: number;
}

/** How to inspect them. */
export interface ProjectionInspectionOptions {
  readonly fileSystem: FileSystem;
  /** The data folder. */
  readonly path: string;
  /** The store that they must belong to; `undefined` when nothing tells. */
  readonly storeId: string | undefined;
  /** Those that are known. @default {none} */
  readonly definitions?: readonly ProjectionDefinition[];
  /** A folder for what is folded from the log. @default {nothing is compared} */
  readonly scratch?: string;
  /** Told of each piece of work. */
  readonly onStep?: (step: InspectStep) => void;
  /** Stops by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

/** With less, a comparison would write and read the same documents again and again. */
const BYTES_MIN = 4 * 1_024 * 1_024;

interface Inspected extends ProjectionFiles {
  readonly name: string;
  readonly check?: ProjectionCheck;
}

/** Some projections, open for reading. */
export class ProjectionInspection implements Disposable {
  readonly #options: ProjectionInspectionOptions;
  readonly #projections: Inspected[] = [];
  readonly #resources = new DisposableStack();

  /**
   * Looks at their files.
   *
   * @param names Which projections.
   * @param options How.
   */
  constructor(
    names: readonly string[],
    options: ProjectionInspectionOptions,
  ) {
    this.#options = options;
    using opened = new DisposableStack();
    const { definitions, signal, onStep } = options;
    // However many there are, all of them share what may be held.
    const bytesMax = Math.max(BYTES_MAX / names.length, BYTES_MIN);
    for (const name of names) {
      // Nothing else runs meanwhile, so that this is the last moment to stop.
      signal?.throwIfAborted();
      onStep?.({ projectionName: name, phase: "checking", value: 0, total: 1 });
      const definition = definitions?.find((each) => each.name === name);
      const files = projectionFiles({ ...options, name, definition });
      const { current } = files;
      if (current) opened.defer(() => closeIfOpen(current.database));
      const check = this.#checkOf(files, definition, bytesMax);
      if (check) opened.use(check);
      this.#projections.push({ name, ...files, ...check ? { check } : {} });
    }
    this.#resources.use(opened.move());
  }

  /** Shows them the next events, with none left out. */
  async see(events: readonly StoredEvent[], bytes: number): Promise<void> {
    for (const { check } of this.#projections) await check?.see(events, bytes);
  }

  /**
   * What was found, once all events were seen.
   *
   * @param log The log that was read.
   */
  async finish(log: SalvagedLog): Promise<{
    readonly findings: readonly Finding[];
    readonly compared: readonly ComparedProjection[];
  }> {
    const { signal, onStep } = this.#options;
    const findings: Finding[] = [];
    const compared: ComparedProjection[] = [];
    for (const { name, findings: found, current, check } of this.#projections) {
      findings.push(...found);
      if (!current) continue;
      const { file, checkpoint } = current;
      if (checkpoint > log.head) {
        findings.push({
          file,
          what: `it has applied the log up to position ${checkpoint}, ` +
            `which ends at ${log.head}`,
          remedy: log.refusal === undefined ? "rebuild" : "none",
          harmless: false,
        });
      } else if (check && log.lost.length === 0) {
        const { isCompared, what } = await check.finish(
          signal,
          (value, total) =>
            onStep?.({
              projectionName: name,
              phase: "comparing",
              value,
              total,
            }),
        );
        if (isCompared) {
          compared.push({ projectionName: name, file, checkpoint });
        }
        if (what === undefined) continue;
        // Of what could not be folded nothing is known, and a rebuild would come no further.
        const remedy = isCompared ? "move" : "none";
        findings.push({ file, what, remedy, harmless: false });
      }
    }
    return { findings, compared };
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }

  #checkOf(
    { current }: ProjectionFiles,
    definition: ProjectionDefinition | undefined,
    bytesMax: number,
  ): ProjectionCheck | undefined {
    const { fileSystem, scratch } = this.#options;
    if (!current?.isOfDefinition || !definition || !scratch) return undefined;
    const { database, checkpoint } = current;
    return new ProjectionCheck({
      fileSystem,
      definition,
      database,
      checkpoint,
      scratch,
      bytesMax,
    });
  }
}

function closeIfOpen(
  database: { readonly isOpen: boolean; close(): void },
): void {
  if (database.isOpen) database.close();
}
