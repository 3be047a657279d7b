/**
 * Bugs of the event log: writing, syncing and locking.
 *
 * @module
 */
import type { SeededBug } from "./seeded_bug.ts";

/** The bugs. */
export const WRITING_BUGS: readonly SeededBug[] = [
  {
    name: "an append is acknowledged before it is synced",
    file: "src/log/group_writer.ts",
    replace: "    await syncing;\n",
    by: "    syncing.catch(() => {});\n",
    tests: [
      "tests/log",
    ],
  },
  {
    name: "an append is never synced",
    file: "src/log/group_writer.ts",
    replace: "    const syncing = log.sync();\n",
    by: "    const syncing = Promise.resolve();\n",
    tests: [
      "tests/log",
    ],
  },
  {
    name: "a new segment is not synced before frames rely on it",
    file: "src/log/segmented_log.ts",
    replace:
      "      await file.sync();\n      await this.#fileSystem.syncDirectory(`${this.#path}/events`);\n    } catch (cause) {\n      this.#abandonSegment",
    by:
      "      await this.#fileSystem.syncDirectory(`${this.#path}/events`);\n    } catch (cause) {\n      this.#abandonSegment",
    tests: [
      "tests/log",
    ],
  },
  {
    name: "the name of a new segment is not synced",
    file: "src/log/segmented_log.ts",
    replace:
      "      await file.sync();\n      await this.#fileSystem.syncDirectory(`${this.#path}/events`);\n    } catch (cause) {\n      this.#abandonSegment",
    by:
      "      await file.sync();\n    } catch (cause) {\n      this.#abandonSegment",
    tests: [
      "tests/log",
    ],
  },
  {
    name: "the name of another writer's segment is not synced",
    file: "src/log/segmented_log.ts",
    replace: "      this.#isNameUnproven = true;",
    by: "      this.#isNameUnproven = false;",
    tests: [
      "tests/log",
    ],
  },
  {
    name: "what another process wrote is not synced before it is relied on",
    file: "src/log/group_writer.ts",
    replace: "    await this.#options.log.sync();\n",
    by: "",
    tests: [
      "tests/log",
    ],
  },
  {
    name: "opening does not sync what it found",
    file: "src/log/open_log.ts",
    replace:
      "  await log.sync();\n  await fileSystem.syncDirectory(`${path}/events`);",
    by: "  await fileSystem.syncDirectory(`${path}/events`);",
    tests: [
      "tests/log",
    ],
  },
  {
    name: "opening does not sync the folder",
    file: "src/log/open_log.ts",
    replace:
      "  await log.sync();\n  await fileSystem.syncDirectory(`${path}/events`);",
    by: "  await log.sync();",
    tests: [
      "tests/log",
    ],
  },
  {
    name: "a short write passes for a whole one",
    file: "src/storage/atomic_replace.ts",
    replace:
      "  for (let written = 0; written < bytes.length;) {\n    written += file.append(bytes.subarray(written));\n  }",
    by: "  file.append(bytes);",
    tests: [
      "tests/log",
    ],
  },
  {
    name: "a write that failed is left in the file",
    file: "src/log/roll_back.ts",
    replace: "    file.truncate(offset);\n",
    by: "",
    tests: [
      "tests/log",
    ],
  },
  {
    name: "the end of the log is not looked at again under the lock",
    file: "src/log/group_writer.ts",
    replace:
      "      if (this.#isBehind()) await this.#catchUp();\n      this.#isWriting = true;",
    by: "      this.#isWriting = true;",
    tests: [
      "tests/log",
    ],
  },
  {
    name: "a writer does not see that others wrote",
    file: "src/log/segmented_log.ts",
    replace: "        (this.#file && this.#file.size() !== this.offset) ||",
    by: "        (this.#file && this.#file.size() < 0) ||",
    tests: [
      "tests/log",
    ],
  },
  {
    name: "the lock is not taken",
    file: "src/storage/file_lock.ts",
    replace: "    if (!file.tryLock()) return undefined;",
    by: "    file.tryLock();",
    tests: [
      "tests/storage",
      "tests/log",
    ],
  },
  {
    name: "a lock file that was replaced is trusted",
    file: "src/storage/file_lock.ts",
    replace: "      if (this.#isStillThere()) {",
    by: "      if (this.#isStillThere() || this.#openings > 0) {",
    tests: [
      "tests/storage",
      "tests/log",
    ],
  },
  {
    name: "conditions are not judged",
    file: "src/log/group_writer.ts",
    replace:
      "    return foundAt === undefined\n      ? undefined\n      : new AppendConditionError",
    by:
      "    return foundAt !== -1\n      ? undefined\n      : new AppendConditionError",
    tests: [
      "tests/log",
    ],
  },
  {
    name: "conditions do not see the group they are in",
    file: "src/log/group_writer.ts",
    replace: "          const last = frames?.last ?? log.end;",
    by: "          const last = log.end;",
    tests: [
      "tests/log",
    ],
  },
  {
    name: "a file is named before its content is synced",
    file: "src/storage/atomic_replace.ts",
    replace: "    await file.sync();\n",
    by: "",
    tests: [
      "tests/storage",
      "tests/projections",
    ],
  },
  {
    name: "a replaced file's folder is not synced",
    file: "src/storage/atomic_replace.ts",
    replace: "  await fileSystem.syncDirectory(dirname(path));",
    by: "  dirname(path);",
    tests: [
      "tests/storage",
      "tests/projections",
    ],
  },
  {
    name: "the sync of the log does nothing",
    file: "src/log/segmented_log.ts",
    replace:
      "      if (this.#file) await measureSync(this.#file, this.#telemetry);\n",
    by: "      await Promise.resolve();\n",
    tests: [
      "tests/faults/crash_states_test.ts",
    ],
  },
  {
    name: "opening syncs neither log nor folder",
    file: "src/log/open_log.ts",
    replace:
      "  await log.sync();\n  await fileSystem.syncDirectory(`${path}/events`);\n",
    by: "",
    tests: [
      "tests/faults/crash_states_test.ts",
    ],
  },
  {
    name: "the names in the data folder are not synced",
    file: "src/log/open_log.ts",
    replace: "  await fileSystem.syncDirectory(path);\n",
    by: "",
    tests: [
      "tests/faults/crash_states_test.ts",
    ],
  },
  {
    name: "the name of a new folder is not synced",
    file: "src/storage/durable_directory.ts",
    replace: "    await fileSystem.syncDirectory(dirname(path));\n",
    by: "    await Promise.resolve();\n",
    tests: [
      "tests/faults/crash_states_test.ts",
    ],
  },
  {
    name: "what a failed sync left is not cut off",
    file: "src/log/segmented_log.ts",
    replace: "if (this.#file?.size() === this.offset + bytes) this.truncate();",
    by: "",
    tests: [
      "tests/log",
      "tests/faults/failed_sync_test.ts",
      "tests/faults/disk_sweep_test.ts",
    ],
  },
  {
    name: "temporary files are never swept",
    file: "src/storage/atomic_replace.ts",
    replace: "if (modifiedMs <= unchangedSinceMs) fileSystem.remove(path);",
    by: "void modifiedMs;",
    tests: [
      "tests/faults/crash_states_test.ts",
    ],
  },
  {
    name: "a writer goes on after a failed sync",
    file: "src/log/group_writer.ts",
    replace: "    this.failure = failure;\n",
    by: "",
    tests: [
      "tests/faults/crash_states_test.ts",
    ],
  },
  {
    name: "events are published before they are synced",
    file: "src/log/group_writer.ts",
    replace: "      await this.#syncWritten(log.head + 1);",
    by: "      this.#publish();\n      await this.#syncWritten(log.head + 1);",
    tests: [
      "tests/faults/crash_states_test.ts",
    ],
  },
  {
    name: "a gap between segments is passed over",
    file: "src/log/open_log.ts",
    replace: "if (gap) throw",
    by: 'if (gap && gap.name === "") throw',
    tests: [
      "tests/faults/sealed_log_test.ts",
    ],
  },
  {
    name: "a fair lock does not look whether others wait",
    file: "src/storage/fair_lock.ts",
    replace: "if (this.#isAwaited()) return undefined;",
    by: "",
    tests: [
      "tests/storage/fair_lock_test.ts",
    ],
  },
  {
    name: "a build that another process is at is not told by its operation",
    file: "src/storage/file_lock.ts",
    replace: 'if (this.#hasNote) this.#write("");',
    by: "",
    tests: [
      "tests/storage/lock_note_test.ts",
    ],
  },
  {
    name: "a failed sync is forgotten",
    file: "src/log/group_writer.ts",
    replace:
      "      this.#poison(error, group);\n      return [];\n    }\n    this.#options",
    by:
      "      for (const { reject } of group) reject(error);\n      return [];\n    }\n    this.#options",
    tests: [
      "tests/log",
    ],
  },
  {
    name: "what no sync is known of is not written again",
    file: "src/log/open_log.ts",
    replace: "    rewriteDoubtful(log, proven, fileSystem);\n",
    by: "",
    tests: [
      "tests/faults/failed_sync_test.ts",
      "tests/faults/crash_states_test.ts",
    ],
  },
  {
    name: "the first line of a segment without events is not written again",
    file: "src/log/proven_end.ts",
    replace: "log.end < segment.first",
    by: "log.end < 0",
    tests: [
      "tests/faults/failed_sync_test.ts",
      "tests/faults/crash_states_test.ts",
    ],
  },
  {
    name: "what is written again is not what was checked",
    file: "src/log/proven_end.ts",
    replace: "fileSystem.rewrite?.(segment.path, offset, bytes)",
    by: "fileSystem.rewrite?.(segment.path, offset, Deno.readFileSync(" +
      "segment.path).subarray(offset, offset + bytes.length).fill(0))",
    tests: ["tests/faults/failed_sync_test.ts"],
  },
  {
    name: "a full quota has no code",
    file: "src/log/errors.ts",
    replace: 'return number === EDQUOT ? "EDQUOT" : number &&',
    by: "return undefined && number &&",
    tests: ["tests/log/append_faults_test.ts"],
  },
  {
    name: "a torn end that finds no room in quarantine keeps the store shut",
    file: "src/log/open_log.ts",
    replace: "    if (!isOutOfRoom(error)) throw error;\n",
    by: "    throw error;\n",
    tests: ["tests/faults/no_room_test.ts"],
  },
  {
    name: "readers meet the repair that finds no room",
    file: "src/log/group_writer.ts",
    replace:
      "if (isOutOfRoom(error)) this.#asAppendFailure(error);\n      else ",
    by: "",
    tests: ["tests/faults/no_room_test.ts"],
  },
  {
    name: "a projection is not read where there is no room to share it",
    file: "src/projections/generation_leases.ts",
    replace: "      if (!isFull) throw error;\n",
    by: "      if (isFull || !isFull) throw error;\n",
    tests: ["tests/faults/no_room_test.ts"],
  },
  {
    name: "a connection that is alone with its file is kept",
    file: "src/projections/generation_leases.ts",
    replace:
      "    if (!lease.noRoom || lease.users > 0 || lease.retired) return;\n",
    by: "    if (lease) return;\n",
    tests: ["tests/faults/no_room_test.ts"],
  },
];
