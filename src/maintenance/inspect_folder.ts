/**
 * Inspecting a data folder: everything that is wrong with it, of the log and of what is derived.
 * Nothing is changed, and nothing of it throws: not even a store that does not open.
 *
 * @module
 */
import { join } from "node:path";
import type { Clock } from "../events/clock.ts";
import type { Position } from "../events/event.ts";
import { eventLines, EventLinesError, parseLine } from "../log/event_lines.ts";
import type { FrameRun } from "../log/frame_reader.ts";
import { parseSegmentName } from "../log/format.ts";
import { IndexInspection } from "../log/index_inspection.ts";
import { type SalvagedLog, salvageLog } from "../log/salvage_log.ts";
import { type ExamineLogOptions, storeIdOf } from "../log/examine_log.ts";
import {
  isProjectionName,
  type ProjectionDefinition,
} from "../projections/definition.ts";
import type { FileSystem } from "../storage/file_system.ts";
import { readTextIfExists } from "../storage/atomic_replace.ts";
import type { Finding } from "./finding.ts";
import {
  type ComparedProjection,
  type InspectStep,
  ProjectionInspection,
} from "./projection_inspection.ts";
import { unusable } from "./projection_findings.ts";

/** What to inspect. */
export interface InspectOptions {
  readonly fileSystem: FileSystem;
  /** The data folder. */
  readonly path: string;
  readonly clock: Clock;
  /** The projections, to compare their documents with the log. @default {none} */
  readonly definitions?: readonly ProjectionDefinition[];
  /** A folder for what is folded from the log to be compared. */
  readonly scratch?: string;
  /** Whether to look beyond the log: at the index, projections and operations. */
  readonly deep: boolean;
  /** Of what is derived, only this projection. @default {everything} */
  readonly only?: string;
  /** So many projections are looked at in a pass over the log. @default {64} */
  readonly projectionsMax?: number;
  /** Sees every run of whole frames of the log. */
  readonly onRun?: ExamineLogOptions["onRun"];
  /** Told of the work on projections, besides that on the log. */
  readonly onStep?: (step: InspectStep) => void;
  /** Stops by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What was found. */
export interface Inspection {
  /** What is left of the log. */
  readonly log: SalvagedLog;
  /** Whether nothing is wrong but what is harmless. */
  readonly ok: boolean;
  /** Everything else that is worth knowing. */
  readonly findings: readonly Finding[];
  /** The projections whose documents were compared with the log. @default {none} */
  readonly compared?: readonly ComparedProjection[];
}

/** Names in the data folder that mean something. */
const KNOWN_NAMES =
  /^(store\.json|lock|lock\.waiting|events|index\.sqlite(-wal|-shm|-journal)?|projections|operations|audit|quarantine|scrub\.json|.*\.tmp)$/;

/** Each takes up to five descriptors, of which a process may have 1,024 as a rule. */
const PROJECTIONS_MAX = 64;

const OPERATION_NAME = /^\d{15}-[0-9a-f]{32}\.json$/;

/**
 * Inspects a data folder.
 *
 * @param options What to inspect.
 * @returns What was found.
 */
export async function inspectFolder(
  options: InspectOptions,
): Promise<Inspection> {
  const { fileSystem, path, deep } = options;
  if (!deep) {
    const log = await salvageLog(options);
    const findings = tornFindings(log);
    return { log, ok: isSound(log, findings), findings };
  }
  // What is derived is opened before the log is: it is never ahead of what is read then.
  const storeId = storeIdOf(fileSystem, path);
  const { only, projectionsMax = PROJECTIONS_MAX } = options;
  const names = projectionNames(options)
    .filter((name) => only === undefined || name === only);
  const projections = (from: number) =>
    new ProjectionInspection(names.slice(from, from + projectionsMax), {
      ...options,
      storeId,
    });
  using first = projections(0);
  using index = only === undefined
    ? new IndexInspection(fileSystem, path, storeId ?? "")
    : undefined;
  const log = await salvageLog({
    ...options,
    async onRun(segment, run) {
      await options.onRun?.(segment, run);
      const events = eventsOf(run);
      for (const event of events) index?.see(event);
      await first.see(events, run.bytes.length);
    },
  });
  const isWhole = log.refusal === undefined;
  const findings = tornFindings(log);
  const fault = index?.finish(isWhole);
  if (fault !== undefined && (log.head > 0 || fault !== "it is missing")) {
    findings.push({
      file: "index.sqlite",
      what: fault,
      // Against a damaged log it is evidence, and stays as it is; and so does what another process
      // keeps to itself.
      remedy: isWhole && !index?.isUnreadable ? "remake" : "none",
      harmless: fault === "it is missing",
    });
  }
  const compared: ComparedProjection[] = [];
  const finish = async (group: ProjectionInspection, read: SalvagedLog) => {
    const found = await group.finish(read);
    findings.push(...found.findings);
    compared.push(...found.compared);
  };
  await finish(first, log);
  first[Symbol.dispose]();
  for (let from = projectionsMax; from < names.length; from += projectionsMax) {
    // Each of them takes several files: the log is read again rather than all opened at once.
    using group = projections(from);
    const again = await salvageLog({
      ...options,
      onRun: (_segment, run) => group.see(eventsOf(run), run.bytes.length),
    });
    await finish(group, again);
  }
  if (only === undefined) {
    findings.push(...operationFindings(options), ...strayFindings(options));
  }
  return { log, ok: isSound(log, findings), findings, compared };
}

function isSound(
  { refusal }: SalvagedLog,
  findings: readonly Finding[],
): boolean {
  return refusal === undefined && findings.every(({ harmless }) => harmless);
}

function tornFindings({ torn }: SalvagedLog): Finding[] {
  if (!torn) return [];
  const { file, offset, bytes, position, what } = torn;
  return [{
    file,
    offset,
    bytes,
    first: position,
    what: `a torn end that nobody was told is stored: ${what}`,
    remedy: "cut",
    harmless: true,
  }];
}

function eventsOf(run: FrameRun) {
  const events = [];
  try {
    for (const line of eventLines(run, 0)) events.push(parseLine(line));
  } catch (error) {
    // It is listed as damage of the log.
    if (!(error instanceof EventLinesError)) throw error;
  }
  return events;
}

type Folder = Pick<InspectOptions, "fileSystem" | "path">;

function projectionNames({ fileSystem, path }: Folder): string[] {
  return fileSystem.list(join(path, "projections"))
    .filter(isProjectionName)
    .filter((name) => isFolder(fileSystem, join(path, "projections", name)));
}

/** A file of a projection's name is no projection, and none of ours. */
function isFolder(fileSystem: FileSystem, path: string): boolean {
  try {
    fileSystem.list(path);
    return true;
  } catch {
    return false;
  }
}

function operationFindings({ fileSystem, path }: Folder): Finding[] {
  const directory = join(path, "operations");
  return fileSystem.list(directory).filter((name) => OPERATION_NAME.test(name))
    .flatMap((name): Finding[] => {
      let cause: unknown;
      try {
        const text = readTextIfExists(fileSystem, join(directory, name)) ?? "";
        const { id, state, projectionNames } = Object(JSON.parse(text));
        const isWhole = typeof id === "string" && name.includes(id) &&
          typeof state === "string" && Array.isArray(projectionNames);
        if (isWhole) return [];
      } catch (error) {
        // Neither text nor JSON, or only not to be read.
        cause = error;
      }
      const file = `operations/${name}`;
      const [what, rest] = unusable(cause, "it is no record of an operation");
      return [{ file, what, ...rest }];
    });
}

/** Files that an interrupted action left, and those that are none of ours. */
function strayFindings({ fileSystem, path }: Folder): Finding[] {
  const projects = projectionNames({ fileSystem, path });
  const folders = [
    { folder: "", isKnown: (name: string) => KNOWN_NAMES.test(name) },
    {
      folder: "events",
      isKnown: (name: string) => parseSegmentName(name) !== undefined,
    },
    {
      folder: "projections",
      isKnown: (name: string) => projects.includes(name),
    },
    {
      folder: "operations",
      isKnown: (name: string) => OPERATION_NAME.test(name),
    },
  ];
  const found = folders.flatMap(({ folder, isKnown }) =>
    fileSystem.list(join(path, folder)).map((name) => ({
      file: folder === "" ? name : `${folder}/${name}`,
      isLeft: name.endsWith(".tmp"),
      isForeign: !isKnown(name) && !name.endsWith(".tmp"),
    }))
  );
  const inProjections = projects
    .flatMap((name) =>
      fileSystem.list(join(path, "projections", name))
        .map((file) => ({
          file: `projections/${name}/${file}`,
          isLeft: file.endsWith(".tmp"),
          isForeign: false,
        }))
    );
  return [...found, ...inProjections].flatMap(
    ({ file, isLeft, isForeign }): Finding[] => {
      if (isLeft) {
        const what = "left by an action that was interrupted";
        return [{ file, what, remedy: "delete", harmless: true }];
      }
      if (!isForeign) return [];
      return [{
        file,
        what: "a foreign file",
        remedy: "none",
        harmless: true,
      }];
    },
  );
}

/** The positions that a finding concerns, for messages; empty for none. */
export function positionsOf(
  { first, last = first }: Pick<Finding, "first" | "last">,
): string {
  if (first === undefined) return "";
  const to: Position = last ?? first;
  return to === first ? `position ${first}` : `positions ${first} to ${to}`;
}
