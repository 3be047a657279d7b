/**
 * Small files that are replaced as a whole, while the power goes.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  readCurrentFile,
  writeCurrentFile,
} from "../../../src/projections/generation_files.ts";
import type { RebuildOperation } from "../../../src/rebuild/operation.ts";
import { OperationStore } from "../../../src/rebuild/operation_store.ts";
import { sweepTemporaries } from "../../../src/storage/atomic_replace.ts";
import { makeDurableDirectory } from "../../../src/storage/durable_directory.ts";
import type { Logger } from "../../../src/telemetry/logger.ts";
import type { CrashState } from "./explore.ts";
import type { Workload } from "./workload.ts";
import { DATA, type Recording } from "./recording.ts";
import { SimulatedDatabases } from "./simulated_databases.ts";
import { SimulatedDisk } from "./simulated_disk.ts";

interface Timed {
  readonly version: number;
  readonly at: number;
}

/** Of what is written again and again: which content was begun and which was said to be there. */
class Versions {
  readonly #begun: Timed[] = [];
  readonly #told: Timed[] = [];

  async write(
    { disk }: Recording,
    version: number,
    action: () => Promise<void>,
  ): Promise<void> {
    this.#begun.push({ version, at: disk.operations.length });
    await action();
    this.#told.push({ version, at: disk.operations.length });
  }

  /** Fails unless a version may be there after so many changes; 0: none. */
  check(version: number, moment: number): void {
    const last = (of: readonly Timed[]) =>
      of.findLast(({ at }) => at <= moment)?.version ?? 0;
    const oldest = last(this.#told);
    const newest = last(this.#begun);
    assert(
      version >= oldest && version <= newest,
      `version ${oldest} was said to be there, ${newest} begun: found ${version}`,
    );
  }
}

function foundDisk({ disk }: CrashState): SimulatedDisk & Disposable {
  const databases = new SimulatedDatabases();
  const found = new SimulatedDisk(databases, disk, { isRecording: false });
  return Object.assign(found, {
    [Symbol.dispose]: () => databases[Symbol.dispose](),
  });
}

function currentFile(): Workload {
  const directory = `${DATA}/projections/P`;
  const versions = new Versions();
  return {
    name: "current.json",
    async run(recording) {
      const { disk } = recording;
      await makeDurableDirectory(disk, directory);
      for (const generation of [1, 2, 3, 4]) {
        await versions.write(
          recording,
          generation,
          () =>
            writeCurrentFile(disk, directory, {
              generation,
              previous: generation > 1 ? generation - 1 : null,
              rolledBack: generation === 3
                ? {
                  at: "2026-01-01T00:00:00.000Z",
                  version: 1,
                  fingerprint: "f",
                }
                : null,
            }),
        );
      }
    },
    check(state) {
      using disk = foundDisk(state);
      const current = readCurrentFile(disk, directory, "P");
      versions.check(current?.generation ?? 0, state.moment);
      sweepTemporaries(disk, directory);
      assertEquals(disk.list(directory), current ? ["current.json"] : []);
      return Promise.resolve();
    },
  };
}

function operationFiles(): Workload {
  const directory = `${DATA}/operations`;
  const ids = ["a", "b"].map((digit) => digit.repeat(32));
  const versions = new Map(ids.map((id) => [id, new Versions()]));
  const strict: Logger = {
    log: (_level, message) => {
      throw new Error(message);
    },
  };
  return {
    name: "operations",
    async run(recording) {
      const { disk } = recording;
      await makeDurableDirectory(disk, DATA);
      const store = new OperationStore(disk, directory, strict);
      for (const version of [1, 2, 3]) {
        for (const [id, known] of versions) {
          // What is in it is none of the store's business.
          const operation = {
            id,
            startedAt: "2026-01-01T00:00:00Z",
            progress: [],
            version,
          };
          await known.write(
            recording,
            version,
            () => store.save(operation as unknown as RebuildOperation),
          );
        }
      }
    },
    check(state) {
      using disk = foundDisk(state);
      if (!disk.exists(DATA)) disk.makeDirectory(DATA);
      const store = new OperationStore(disk, directory, strict);
      for (const [id, known] of versions) {
        const found = store.get(id) as unknown as { version: number };
        known.check(found?.version ?? 0, state.moment);
      }
      const names = disk.list(directory);
      assertEquals(names.filter((name) => !name.endsWith(".json")), []);
      return Promise.resolve();
    },
  };
}

/** All of them, each knowing only its own run. */
export function fileWorkloads(): Workload[] {
  return [currentFile(), operationFiles()];
}
