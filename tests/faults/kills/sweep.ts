/**
 * Disturbs programs at their first call, their second, and so on until one comes to its end
 * undisturbed; then from the first one again, each call in another way.
 *
 * @module
 */
import type { AppendCall } from "../invariants.ts";
import { FolderHistory } from "./folder_history.ts";
import { copyFolder } from "./make_log.ts";
import type { FaultKind, FaultPoint, Phase } from "./messages.ts";
import { type Disturber, runVictim, type VictimReport } from "./victim.ts";

/** A kind of folder, and what is done there. */
export interface Scenario {
  /** What it is called. */
  readonly name: string;
  /** The folder that is begun with. @default {an empty one} */
  readonly template?: {
    readonly path: string;
    readonly calls: readonly AppendCall[];
  };
  /** What the program does. */
  readonly phases: readonly Phase[];
  /** How often it opens and closes the folder. */
  readonly rounds: number;
  /** The ways of disturbing it, in turn. */
  readonly kinds: readonly FaultKind[];
  /** Only such calls are disturbed. @default {all} */
  readonly call?: "sync";
  /** Kills it before one of so many calls after the one that fails, in turn. @default {0}: never */
  readonly killWithin?: number;
  /** How many folders of this kind there are for those of others. */
  readonly weight: number;
}

/** Which calls to disturb. */
export interface SweepOptions {
  /** Who does it. */
  readonly disturber: Disturber;
  /** Where folders are made. */
  readonly directory: string;
  /** Of what kinds. */
  readonly scenarios: readonly Scenario[];
  /** Of everything random. */
  readonly seed: number;
  /** Which one of the sweeps that run at once: each takes its share of the calls. */
  readonly lane: number;
  /** How many of them there are. */
  readonly lanes: number;
  /** Begins a run, unless there were enough. */
  readonly begin: () => boolean;
  /** Told of each run after which all was found in order. */
  readonly onRun: (scenario: Scenario, report: VictimReport) => void;
  /** Told of each folder that is done with. */
  readonly onFolder: (history: FolderHistory) => void;
}

const FAILURES: readonly FaultKind[] = ["EIO", "ENOSPC", "EDQUOT"];

/** A folder is disturbed so many times in a row. */
const RUNS_A_FOLDER = 10;

/** Where a sweep stands in a scenario. */
interface Cursor {
  at: number;
  turn: number;
}

/**
 * Sweeps until there were enough.
 *
 * @param options Which calls, and how.
 * @throws If anything is not in order; the message says where. The folder is kept.
 */
export async function sweep(options: SweepOptions): Promise<void> {
  const { lane, directory, scenarios, onFolder } = options;
  const turns = scenarios.flatMap((scenario) => {
    const cursor: Cursor = { at: 1 + lane, turn: 0 };
    return Array.from({ length: scenario.weight }, () => ({
      scenario,
      cursor,
    }));
  });
  let goesOn = true;
  for (let folder = 0; goesOn; folder++) {
    const turn = turns[folder % turns.length];
    if (!turn) return;
    const { template } = turn.scenario;
    const path = `${directory}/${lane}-${folder}`;
    if (template) copyFolder(template.path, path);
    else Deno.mkdirSync(path);
    const history = new FolderHistory(path, template?.calls);
    goesOn = await sweepFolder({ ...options, ...turn, folder, history });
    onFolder(history);
    Deno.removeSync(path, { recursive: true });
  }
}

interface FolderOptions extends SweepOptions {
  readonly scenario: Scenario;
  readonly cursor: Cursor;
  readonly folder: number;
  readonly history: FolderHistory;
}

/** Returns whether there is to be another folder. */
async function sweepFolder(options: FolderOptions): Promise<boolean> {
  const { scenario, cursor, folder, history, begin, onRun } = options;
  const { disturber, seed, lane, lanes } = options;
  const { name, phases, rounds, kinds, call, killWithin = 0 } = scenario;
  const { path } = history;
  let point: FaultPoint | undefined;
  let goesOn = true;
  try {
    for (let i = 0; i < RUNS_A_FOLDER && goesOn; i++) {
      goesOn = begin();
      if (!goesOn) break;
      const kind = kinds[(cursor.at + cursor.turn) % kinds.length] ?? "before";
      // Another one each time that it comes round to the same call.
      const killAfter = 1 + (cursor.at + cursor.turn) % Math.max(killWithin, 1);
      point = {
        at: cursor.at,
        kind,
        ...call ? { call } : {},
        ...killWithin > 0 ? { killAfter } : {},
      };
      const report = await runVictim(disturber, {
        path,
        seed,
        run: (folder * RUNS_A_FOLDER + i) * lanes + lane,
        phases,
        rounds,
        tolerant: FAILURES.includes(kind),
      }, point);
      history.add(report);
      await history.check();
      onRun(scenario, report);
      if (report.strike) cursor.at += lanes;
      else Object.assign(cursor, { at: 1 + lane, turn: cursor.turn + 1 });
    }
    await history.rebuildAndCheck();
    return goesOn;
  } catch (cause) {
    const where = `lane ${lane} of ${lanes}, folder ${folder}`;
    const what = point ? JSON.stringify(point) : "no call yet";
    throw new Error(
      `Not in order: ${name}, ${where}, ${what}, seed ${seed}: see ${path}`,
      { cause },
    );
  }
}
