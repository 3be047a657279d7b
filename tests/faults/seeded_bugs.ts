/**
 * Bugs that the tests must catch, each put in by replacing a piece of code: see
 * `scripts/seeded_bugs.ts`.
 *
 * @module
 */

/** One bug. */
export interface SeededBug {
  /** What is wrong with it. */
  readonly name: string;
  /** The file, from the project's root. */
  readonly file: string;
  /** Code that stands in it exactly once. */
  readonly replace: string;
  /** What stands there instead. */
  readonly by: string;
  /** Tests of which one must turn red: files or folders. */
  readonly tests: readonly string[];
}

const LOG = ["tests/log"];
const PROJECTIONS = ["tests/projections", "tests/daemon"];

/** The bugs, by what they break. */
export const SEEDED_BUGS: readonly SeededBug[] = [
  {
    name: "an append is acknowledged before it is synced",
    file: "src/log/group_writer.ts",
    replace: "    await syncing;\n",
    by: "    syncing.catch(() => {});\n",
    tests: LOG,
  },
  {
    name: "an append is never synced",
    file: "src/log/group_writer.ts",
    replace: "    const syncing = log.sync();\n",
    by: "    const syncing = Promise.resolve();\n",
    tests: LOG,
  },
  {
    name: "a new segment is not synced before frames rely on it",
    file: "src/log/segmented_log.ts",
    replace:
      "      await file.sync();\n      await this.#fileSystem.syncDirectory(`${this.#path}/events`);\n    } catch (cause) {\n      this.#abandonSegment",
    by:
      "      await this.#fileSystem.syncDirectory(`${this.#path}/events`);\n    } catch (cause) {\n      this.#abandonSegment",
    tests: LOG,
  },
  {
    name: "the name of a new segment is not synced",
    file: "src/log/segmented_log.ts",
    replace:
      "      await file.sync();\n      await this.#fileSystem.syncDirectory(`${this.#path}/events`);\n    } catch (cause) {\n      this.#abandonSegment",
    by:
      "      await file.sync();\n    } catch (cause) {\n      this.#abandonSegment",
    tests: LOG,
  },
  {
    name: "the name of another writer's segment is not synced",
    file: "src/log/segmented_log.ts",
    replace: "      this.#isNameUnproven = true;",
    by: "      this.#isNameUnproven = false;",
    tests: LOG,
  },
  {
    name: "what another process wrote is not synced before it is relied on",
    file: "src/log/group_writer.ts",
    replace: "    await log.sync();\n    this.#publish();\n  }\n\n  /** Checks",
    by: "    this.#publish();\n  }\n\n  /** Checks",
    tests: LOG,
  },
  {
    name: "opening does not sync what it found",
    file: "src/log/open_log.ts",
    replace:
      "  await log.sync();\n  await fileSystem.syncDirectory(`${path}/events`);",
    by: "  await fileSystem.syncDirectory(`${path}/events`);",
    tests: LOG,
  },
  {
    name: "opening does not sync the folder",
    file: "src/log/open_log.ts",
    replace:
      "  await log.sync();\n  await fileSystem.syncDirectory(`${path}/events`);",
    by: "  await log.sync();",
    tests: LOG,
  },
  {
    name: "a failed sync is forgotten",
    file: "src/log/group_writer.ts",
    replace:
      "      this.#poison(error, group);\n      return [];\n    }\n    this.#publish();",
    by:
      "      for (const { reject } of group) reject(error);\n      return [];\n    }\n    this.#publish();",
    tests: LOG,
  },
  {
    name: "a short write passes for a whole one",
    file: "src/storage/atomic_replace.ts",
    replace:
      "  for (let written = 0; written < bytes.length;) {\n    written += file.append(bytes.subarray(written));\n  }",
    by: "  file.append(bytes);",
    tests: LOG,
  },
  {
    name: "a write that failed is left in the file",
    file: "src/log/roll_back.ts",
    replace: "    file.truncate(offset);\n",
    by: "",
    tests: LOG,
  },
  {
    name: "the checksum of frames is not checked",
    file: "src/log/format.ts",
    replace: "  return crc32(payload, covered) === header.crc;",
    by: "  return covered >= 0 && payload.length === header.bytes;",
    tests: LOG,
  },
  {
    name: "the checksum does not cover the header",
    file: "src/log/format.ts",
    replace: "  return crc32(payload, covered) === header.crc;",
    by:
      "  return crc32(payload, covered) === header.crc || crc32(payload) >= 0;",
    tests: LOG,
  },
  {
    name: "the order of frames is not checked",
    file: "src/log/frame_reader.ts",
    replace: "    if (this.crc !== undefined && header.prev !== this.crc) {",
    by: "    if (header.first < 0) {",
    tests: LOG,
  },
  {
    name: "positions of frames are not checked",
    file: "src/log/frame_reader.ts",
    replace: "    if (header.first !== this.next) {",
    by: "    if (header.first < 0) {",
    tests: LOG,
  },
  {
    name: "everything behind the first bad frame is cut off",
    file: "src/log/recovery.ts",
    replace: "  if (evidence !== undefined) {",
    by: '  if (evidence === "") {',
    tests: LOG,
  },
  {
    name: "later frames are no evidence that a damaged one was acknowledged",
    file: "src/log/recovery.ts",
    replace:
      "  const durable = Math.max(provenDurable, highestDurable(file, offset));",
    by:
      "  const durable = Math.max(provenDurable, highestDurable(file, file.size()));",
    tests: LOG,
  },
  {
    name: "what is cut off is not kept",
    file: "src/log/recovery.ts",
    replace: "    appendFully(copy, buffer.subarray(0, read));",
    by: "    copy.append(buffer.subarray(0, 0));",
    tests: LOG,
  },
  {
    name: "the end of the log is not looked at again under the lock",
    file: "src/log/group_writer.ts",
    replace:
      "      if (this.#isBehind()) await this.#catchUp();\n      this.#isWriting = true;",
    by: "      this.#isWriting = true;",
    tests: LOG,
  },
  {
    name: "a writer does not see that others wrote",
    file: "src/log/segmented_log.ts",
    replace: "        (this.#file && this.#file.size() !== this.offset) ||",
    by: "        (this.#file && this.#file.size() < 0) ||",
    tests: LOG,
  },
  {
    name: "the lock is not taken",
    file: "src/storage/file_lock.ts",
    replace: "    if (!file.tryLock()) return undefined;",
    by: "    file.tryLock();",
    tests: ["tests/storage", "tests/log"],
  },
  {
    name: "a lock file that was replaced is trusted",
    file: "src/storage/file_lock.ts",
    replace: "    if (!this.#isStillThere()) {",
    by: "    if (!this.#isStillThere() && this.#openings < 0) {",
    tests: ["tests/storage", "tests/log"],
  },
  {
    name: "conditions are not judged",
    file: "src/log/group_writer.ts",
    replace:
      "    return foundAt === undefined\n      ? undefined\n      : new AppendConditionError",
    by:
      "    return foundAt !== -1\n      ? undefined\n      : new AppendConditionError",
    tests: LOG,
  },
  {
    name: "conditions do not see the group they are in",
    file: "src/log/group_writer.ts",
    replace: "          const last = frames?.last ?? log.end;",
    by: "          const last = log.end;",
    tests: LOG,
  },
  {
    name: "the index of another store is trusted",
    file: "src/log/index_mark.ts",
    replace: "  if (format !== INDEX_FORMAT || store !== storeId) {",
    by: '  if (format !== INDEX_FORMAT || store === "") {',
    tests: LOG,
  },
  {
    name: "an index that lacks events is trusted",
    file: "src/log/index_filling.ts",
    replace: "  for (let block; (block = gathered.oldest(which));) {",
    by:
      "  for (let block; (block = gathered.oldest(which)) && block.first < 0;) {",
    tests: LOG,
  },
  {
    name: "store.json is made anew over events",
    file: "src/log/store_identity.ts",
    replace: "  if (segments.length === 0) return undefined;",
    by: "  if (segments.length >= 0) return undefined;",
    tests: LOG,
  },
  {
    name: "a file is named before its content is synced",
    file: "src/storage/atomic_replace.ts",
    replace: "    await file.sync();\n",
    by: "",
    tests: ["tests/storage", "tests/projections"],
  },
  {
    name: "a replaced file's folder is not synced",
    file: "src/storage/atomic_replace.ts",
    replace: "  await fileSystem.syncDirectory(dirname(path));",
    by: "  dirname(path);",
    tests: ["tests/storage", "tests/projections"],
  },
  {
    name: "current.json names a generation whose name is not durable",
    file: "src/projections/sqlite_projection_store.ts",
    replace:
      "        await fileSystem.syncDirectory(directory);\n        await writeCurrentFile(",
    by: "        await writeCurrentFile(",
    tests: PROJECTIONS,
  },
  {
    name: "current.json names a generation before it is there",
    file: "src/projections/sqlite_projection_store.ts",
    replace:
      '        fileSystem.rename(\n          file,\n          join(directory, generationFileName(number, "complete")),\n        );\n        // The file must be there under its name before anything points to it.\n        await fileSystem.syncDirectory(directory);\n        await writeCurrentFile(fileSystem, directory, {\n          generation: number,\n          previous: before?.generation ?? null,\n        });',
    by:
      '        await writeCurrentFile(fileSystem, directory, {\n          generation: number,\n          previous: before?.generation ?? null,\n        });\n        fileSystem.rename(\n          file,\n          join(directory, generationFileName(number, "complete")),\n        );\n        await fileSystem.syncDirectory(directory);',
    tests: PROJECTIONS,
  },
  {
    name: "a generation is not synced before it serves",
    file: "src/projections/sqlite_projection_store.ts",
    replace: "          await handle.sync();\n",
    by: "          handle.size();\n",
    tests: PROJECTIONS,
  },
  {
    name: "the previous generation is deleted",
    file: "src/projections/sqlite_projection_store.ts",
    replace: "    const kept = [current?.generation, current?.previous];",
    by: "    const kept = [current?.generation];",
    tests: PROJECTIONS,
  },
  {
    name: "a build goes on although its definition changed",
    file: "src/projections/live_updater.ts",
    replace: "      identity.fingerprint === fingerprint &&\n",
    by: "",
    tests: ["tests/projections", "tests/rebuild", "tests/daemon"],
  },
  {
    name: "locks in use are forgotten when many are",
    file: "src/projections/projection_locks.ts",
    replace: ".filter(([, lock]) => lock.isIdle);",
    by: ".filter(() => true);",
    tests: ["tests/projections"],
  },
  {
    name: "every lock file that was ever needed stays open",
    file: "src/projections/projection_locks.ts",
    replace: "    if (this.#locks.size < IDLE_MAX) return;",
    by: "    if (this.#locks.size >= 0) return;",
    tests: ["tests/projections"],
  },
  {
    name: "what no sync is known of is not written again",
    file: "src/log/open_log.ts",
    replace: "    log.rewrite(proven.offset);\n",
    by: "",
    tests: ["tests/faults/failed_sync_test.ts"],
  },
  {
    name: "a look at the log ends at what cannot be read",
    file: "src/log/examine_log.ts",
    replace: "      error instanceof LogReadError ||\n",
    by: "",
    tests: ["tests/faults/examine_reads_test.ts"],
  },
  {
    name: "documents and checkpoint are committed apart",
    file: "src/projections/sqlite_generation.ts",
    replace:
      '      this.#setMeta("checkpoint", checkpoint);\n      this.#setMeta("checksum", checksumOfMeta(this.identity, checkpoint));\n      this.#execLong("COMMIT");',
    by:
      '      this.#execLong("COMMIT");\n      this.#setMeta("checkpoint", checkpoint);\n      this.#setMeta("checksum", checksumOfMeta(this.identity, checkpoint));',
    tests: ["tests/projections", "tests/rebuild"],
  },
  {
    name: "live updates go on although another process applied the events",
    file: "src/projections/live_folds.ts",
    replace:
      "    if (kept?.generation === generation && kept.committed === checkpoint) {",
    by: "    if (kept?.generation === generation) {",
    tests: PROJECTIONS,
  },
  {
    name: "a rebuild does not take the lock for its swap",
    file: "src/rebuild/catch_up.ts",
    replace: "        using _lock = await store.lockLive(name, task.signal);\n",
    by: "",
    tests: ["tests/rebuild", "tests/daemon"],
  },
  {
    name: "a rebuild does not catch up before its swap",
    file: "src/rebuild/catch_up.ts",
    replace:
      "        await this.#feed(member, fold, await events.head(), () => {});\n",
    by: "",
    tests: ["tests/rebuild", "tests/daemon"],
  },
  {
    name: "a rebuild takes a damaged log for a shorter one",
    file: "src/log/event_scan.ts",
    replace: "    throw corruption;\n",
    by: "    return;\n",
    tests: ["tests/rebuild", "tests/log"],
  },
];
