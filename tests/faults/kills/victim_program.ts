/**
 * The program that is killed: appends in every way, reads, rebuilds, closes and opens again, and
 * says on standard output what it was told before it goes on.
 *
 * @module
 */
import {
  type AppendCondition,
  AppendConditionError,
  AppendFailedError,
  AppendOutcomeUnknownError,
  type Clock,
  type EventInput,
  openOpossum,
  type Opossum,
  type OpossumOptions,
  ProjectionRollbackError,
  silentLogger,
  StoreReadOnlyError,
  systemClock,
} from "../../../mod.ts";
import { openOpossumOn } from "../../../src/opossum.ts";
import {
  SeededRandom,
  seededUuid,
} from "../../../examples/course_management/seeding/random.ts";
import type { Counted } from "../../rebuild/worker_fixtures/counting.ts";
import type { Damage } from "../../rebuild/repair_fixture.ts";
import { damageSums, mend } from "./damage_sums.ts";
import { killingFileSystem } from "./killing_file_system.ts";
import type { Phase, VictimMessage, VictimTask } from "./messages.ts";
import { promoteWaiting } from "./promote_waiting.ts";

const PROJECTIONS = import.meta.resolve(
  "../../rebuild/worker_fixtures/counting.ts",
);
const KiB = 1_024;
const EVENTS_A_CALL_MAX = 100;
const CLOCK_STEP_MS = 5;

let skippedMs = 0;
/** Runs ahead with each look at it, so that a short rebuild saves its state many times. */
const hastyClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now() + (skippedMs += CLOCK_STEP_MS),
  sleep: (ms, signal) => systemClock.sleep(ms, signal),
};

function tell(message: VictimMessage): void {
  const bytes = new TextEncoder().encode(`${JSON.stringify(message)}\n`);
  for (let told = 0; told < bytes.length;) {
    told += Deno.stdout.writeSync(bytes.subarray(told));
  }
}

class Victim {
  readonly #task: VictimTask;
  readonly #random: SeededRandom;
  /** Stores that take no more appends. */
  readonly #ended = new WeakSet<object>();
  #calls = 0;

  constructor(task: VictimTask) {
    this.#task = task;
    this.#random = new SeededRandom((task.seed + task.run * 7_919) >>> 0);
  }

  async run(): Promise<void> {
    for (let round = 0; round < this.#task.rounds; round++) {
      await this.#tolerate(async () => {
        this.#enter("open");
        await using opossum = await this.#open();
        for (const phase of this.#shuffled(this.#task.phases)) {
          this.#enter(phase);
          await this.#tolerate(() => this.#perform(phase, opossum));
        }
        this.#enter("close");
      });
    }
  }

  async #perform(phase: Phase, opossum: Opossum): Promise<void> {
    switch (phase) {
      case "singles":
        for (let i = 0; i < 4; i++) await this.#append(opossum, [this.#any()]);
        return;
      case "together":
        await Promise.all(
          [1, 3, 1, 2, 1].map((count) =>
            this.#append(opossum, Array.from({ length: count }, this.#any))
          ),
        );
        return;
      case "conditions":
        return await this.#claim(opossum);
      case "roll":
        for (let i = 0; i < 3; i++) await this.#append(opossum, [padded()]);
        return;
      case "live": {
        // Many at once: wherever their write is torn, some of them are missing.
        const events = Array.from({ length: 9 }, this.#any);
        const last = await this.#append(opossum, events);
        // A projection that failed may take long to be tried again.
        if (this.#task.tolerant) return;
        await promoteWaiting(opossum);
        await opossum.projections.waitFor(last ?? 0);
        return;
      }
      case "rebuild": {
        const appending = async () => {
          for (let i = 0; i < 3; i++) {
            await this.#append(opossum, [this.#any()]);
          }
        };
        await Promise.all([
          opossum.rebuilder.rebuildAll({ forceRebuild: true }),
          appending(),
        ]);
        return;
      }
      case "roll back":
        try {
          await opossum.rebuilder.rollback("Sums");
        } catch (error) {
          // It has only one, or is being rebuilt.
          if (!(error instanceof ProjectionRollbackError)) throw error;
        }
        return;
      case "promote":
        await promoteWaiting(opossum);
        await opossum.rebuilder.start(["Sums"], {
          promote: "manual",
          verify: true,
        });
        await this.#append(opossum, [this.#any()]);
        return await promoteWaiting(opossum);
      case "repair": {
        const isLost = this.#random.fraction() < 0.5;
        const done = await this.#damage(opossum, [
          { kind: "change", at: this.#random.integer(0, 11) },
          // What is lost, live updates would begin anew, as if it were right.
          isLost
            ? { kind: "delete", at: this.#random.integer(0, 11) }
            : { kind: "foreign", key: "foreign" },
        ]);
        if (!done) return;
        const appending = async () => {
          if (!isLost) await this.#append(opossum, [this.#any()]);
        };
        await Promise.all([this.#mend(opossum), appending()]);
        return;
      }
      case "rebuild keys": {
        const done = await this.#damage(opossum, [
          { kind: "change", at: this.#random.integer(0, 11) },
          { kind: "dropTags" },
        ]);
        if (!done) return;
        const keys = Array.from({ length: 12 }, (_, i) => `k${i + 1}`);
        return await this.#mend(opossum, keys);
      }
      case "rebuild one":
        await opossum.rebuilder.rebuild(
          [this.#random.pick(["Sums", "Histories", "Pairs"])],
        );
    }
  }

  async #mend(
    { rebuilder }: Opossum,
    keys?: readonly string[],
  ): Promise<void> {
    try {
      await mend(rebuilder, keys);
    } catch (error) {
      if (!this.#task.tolerant) throw error;
      // One call fails. What is lost until then, live updates would begin anew.
      await mend(rebuilder, keys);
    }
    tell({ kind: "mended" });
  }

  async #damage(
    opossum: Opossum,
    damages: readonly Damage[],
  ): Promise<boolean> {
    return await damageSums(opossum, {
      path: this.#task.path,
      damages,
      onDamage: () => tell({ kind: "damaging" }),
    });
  }

  /** Claims seats, of which some are taken, some of them at once. */
  async #claim(opossum: Opossum): Promise<void> {
    const seat = () => `seat:${this.#random.integer(1, 60)}`;
    const claim = (tag: string, after?: number) =>
      this.#append(opossum, [{ type: "Claimed", tags: [tag], data: null }], {
        failIfEventsMatch: { items: [{ tags: [tag] }] },
        ...(after === undefined ? {} : { after }),
      });
    await claim(seat());
    const same = seat();
    await Promise.all([claim(same), claim(seat()), claim(same)]);
    await claim(seat(), await opossum.events.head());
  }

  async #append(
    { events }: Opossum,
    inputs: readonly EventInput[],
    condition?: AppendCondition,
  ): Promise<number | undefined> {
    const { seed, run, tolerant } = this.#task;
    const call = this.#calls++;
    const ids = inputs.map((_, i) =>
      seededUuid(seed, run, call * EVENTS_A_CALL_MAX + i)
    );
    const withIds = inputs.map((input, i) => ({ ...input, id: ids[i] ?? "" }));
    const given = condition === undefined ? {} : { condition };
    tell({ kind: "call", call, ids, ...given });
    try {
      const { first, last } = await events.append(withIds, given);
      // Nothing is acknowledged after a sync failed. Nobody may pass over that.
      if (this.#ended.has(events)) Deno.exit(1);
      tell({ kind: "stored", call, first });
      const read = events.read("all", { after: Math.max(first - 3, 0) });
      for await (const { position, id } of read) {
        tell({ kind: "saw", position, id });
      }
      return last;
    } catch (error) {
      const isEnd = error instanceof AppendOutcomeUnknownError ||
        error instanceof StoreReadOnlyError;
      if (isEnd) this.#ended.add(events);
      const isNothingWritten = error instanceof AppendConditionError ||
        tolerant && error instanceof AppendFailedError;
      if (!isNothingWritten) throw error;
      tell({ kind: "refused", call });
      return undefined;
    }
  }

  readonly #any = (): EventInput => {
    const random = this.#random;
    const key = `k${random.integer(1, 12)}`;
    if (random.fraction() < 0.25) {
      const name = `name ${random.integer(1, 999)}`;
      return { type: "Named", tags: [`key:${key}`], data: { key, name } };
    }
    return counted(key, `k${random.integer(1, 12)}`, random.integer(1, 99));
  };

  async #open(): Promise<Opossum> {
    const { path, portFault } = this.#task;
    const options: OpossumOptions = {
      path,
      projections: PROJECTIONS,
      segmentBytesMax: 64 * KiB,
      batchSize: 20,
      rebuildMemoryBytesMax: KiB * KiB,
      rebuildCheckpointInterval: 100,
      // By its clock everybody is late, always.
      rebuildGoodNeighbour: false,
      clock: hastyClock,
      logger: silentLogger,
    };
    return portFault
      ? await openOpossumOn(killingFileSystem(portFault), options)
      : await openOpossum(options);
  }

  #enter(phase: Phase): void {
    tell({ kind: "phase", phase });
  }

  /** With calls that fail, what they are needed for fails: the next one must find all in order. */
  async #tolerate(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (!this.#task.tolerant) throw error;
    }
  }

  #shuffled<T>(items: readonly T[]): T[] {
    return items.map((item) => ({ item, rank: this.#random.fraction() }))
      .toSorted((a, b) => a.rank - b.rank)
      .map(({ item }) => item);
  }
}

function counted(key: string, other: string, n: number): EventInput<Counted> {
  return { type: "Counted", data: { key, other, n } };
}

/** Three of them fill a segment. */
function padded(): EventInput {
  return { type: "Padded", data: "x".repeat(24 * KiB) };
}

if (import.meta.main) await new Victim(JSON.parse(Deno.args[0] ?? "")).run();
