/**
 * Goes through the crashes of a recording and checks what is found after each of them.
 *
 * @module
 */
import type { Witness } from "../invariants.ts";
import { crashStates } from "./crash_states.ts";
import { digestOf, type DiskView } from "./disk_view.ts";
import type { Random } from "./random.ts";
import { Recording } from "./recording.ts";
import type { IndexVersion } from "./simulated_databases.ts";

/** How much to look at. */
export interface Scale {
  /** Of so many moments, one is looked at; 1: each. */
  readonly momentOneIn: number;
  /** States after a crash at one moment, at most. */
  readonly statesMax: number;
  /** Of so many states, one is recovered with another crash; 0: none. */
  readonly nestedOneIn: number;
  /** At one of so many moments, the program is killed before the crash. */
  readonly killedOneIn: number;
  /** Of so many moments of a recovery, one is looked at; 1: each. */
  readonly nestedMomentOneIn: number;
  /** States after a crash at one moment of such a recovery, at most. */
  readonly nestedStatesMax: number;
}

/** What was looked at. */
export interface Counts {
  /** Moments of a crash. */
  moments: number;
  /** Disks that a first crash left. */
  states: number;
  /** Disks that a second crash left, during recovery from the first. */
  nested: number;
  /** Disks that a crash left, after a kill before and a recovery between. */
  killed: number;
}

/** Something is wrong after a crash. */
export class CrashStateError extends Error {
  override readonly name = "CrashStateError";

  /**
   * @param moment Which crash.
   * @param options `cause`: what is wrong.
   */
  constructor(moment: string, options: { readonly cause: unknown }) {
    const { cause } = options;
    super(
      `${moment}: ${cause instanceof Error ? cause.message : cause}`,
      options,
    );
  }
}

/** What is there after a crash, and what must hold of it. */
export interface CrashState {
  /** How many changes the first program had made. */
  readonly moment: number;
  readonly disk: DiskView;
  readonly index: IndexVersion | undefined;
  readonly witness: Witness;
  readonly segmentBytesMax: number | undefined;
}

/** Checks one state. */
export type CheckState = (state: CrashState) => Promise<void>;

/** What to go through. */
export interface ExploreOptions {
  readonly recording: Recording;
  readonly random: Random;
  readonly scale: Scale;
  readonly counts: Counts;
  readonly check: CheckState;
  /** What the program does that finds a crashed disk. @default {only the first crash is looked at} */
  readonly recover?: ((recording: Recording) => Promise<void>) | undefined;
}

/**
 * Crashes at every moment of a recording, and at every moment of some recoveries from that.
 *
 * @param options What, and how much.
 * @throws {CrashStateError} For the first state in which something is wrong.
 */
export async function explore(options: ExploreOptions): Promise<void> {
  const { recording, random, scale, counts } = options;
  const nestedOneIn = options.recover ? scale.nestedOneIn : 0;
  const { views } = recording.disk;
  const seen = new Set<string>();
  for (const [moment, view] of views.entries()) {
    if (random.below(scale.momentOneIn) > 0) continue;
    counts.moments++;
    const witness = recording.witnessAt(moment);
    const told = toldIn(witness);
    const indexes = recording.indexesAt(moment);
    for (const disk of crashStates(view, random, scale.statesMax)) {
      const state = stateOf(recording, {
        moment,
        disk,
        index: random.of(indexes),
        witness,
      });
      // Another moment may leave the same disk: that counts only when more was promised.
      const key = `${told} ${state.index?.through} ${digestOf(disk)}`;
      if (seen.has(key)) continue;
      seen.add(key);
      await named(options, moment, () => options.check(state));
      counts.states++;
      if (nestedOneIn > 0 && random.below(nestedOneIn) === 0) {
        await named(options, moment, () => nest(options, state, "nested"));
      }
    }
    const isKilled = options.recover !== undefined &&
      random.below(scale.killedOneIn) === 0;
    if (isKilled) {
      const killed = { moment, disk: view, index: indexes.at(-1), witness };
      const state = stateOf(recording, killed);
      await named(options, moment, () => nest(options, state, "killed"));
    }
  }
}

/** Recovers, and crashes at every moment of that. */
async function nest(
  { random, scale, counts, check, recover }: ExploreOptions,
  { moment: first, disk, index, witness, segmentBytesMax }: CrashState,
  kind: "nested" | "killed",
): Promise<void> {
  using recovery = new Recording({
    disk,
    index,
    before: witness,
    ...segmentBytesMax === undefined ? {} : { segmentBytesMax },
  });
  await recover?.(recovery);
  for (const [moment, view] of recovery.disk.views.entries()) {
    if (random.below(scale.nestedMomentOneIn) > 0) continue;
    const known = recovery.witnessAt(moment);
    const indexes = recovery.indexesAt(moment);
    for (const left of crashStates(view, random, scale.nestedStatesMax)) {
      const found = {
        moment: first,
        disk: left,
        index: random.of(indexes),
        witness: known,
      };
      try {
        await check(stateOf(recovery, found));
      } catch (cause) {
        const where = `${kind}, after ${describe(recovery, moment)}`;
        throw new CrashStateError(where, { cause });
      }
      counts[kind]++;
    }
  }
}

function stateOf(
  { segmentBytesMax }: Recording,
  state: Omit<CrashState, "segmentBytesMax">,
): CrashState {
  return { ...state, segmentBytesMax };
}

function toldIn({ calls, seen }: Witness): string {
  const acknowledged = calls.filter(({ first }) => first !== undefined).length;
  return `${calls.length} ${acknowledged} ${seen?.size}`;
}

function describe({ disk }: Recording, moment: number): string {
  const operation = disk.operations[moment - 1];
  return `change ${moment} (${operation?.kind} ${operation?.path})`;
}

async function named(
  { recording }: ExploreOptions,
  moment: number,
  action: () => Promise<void>,
): Promise<void> {
  try {
    await action();
  } catch (cause) {
    const where = `crash after ${describe(recording, moment)}`;
    throw new CrashStateError(where, { cause });
  }
}
