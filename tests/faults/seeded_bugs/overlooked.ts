/**
 * Bugs that no test noticed, or that only chance did, until a reviewer put them in: each is one
 * that a tired engineer makes.
 *
 * @module
 */
import type { SeededBug } from "./seeded_bug.ts";

/** The bugs. */
export const OVERLOOKED_BUGS: readonly SeededBug[] = [
  {
    name: "what is cut off is kept under names that are not durable",
    file: "src/log/recovery.ts",
    replace:
      "  await fileSystem.syncDirectory(directory);\n  await fileSystem.syncDirectory(path);\n",
    by: "",
    tests: ["tests/faults/quarantined_tail_test.ts"],
  },
  {
    name: "the copy of what is cut off is not synced",
    file: "src/log/recovery.ts",
    replace: "    await copy.sync();\n",
    by: "",
    tests: ["tests/faults/quarantined_tail_test.ts"],
  },
  {
    name: "the name of the quarantine folder is not synced",
    file: "src/log/recovery.ts",
    replace: "  await fileSystem.syncDirectory(path);\n  return `quarantine",
    by: "  return `quarantine",
    tests: ["tests/faults/quarantined_tail_test.ts"],
  },
  {
    name: "who follows a log does not look at damage behind its end",
    file: "src/log/log_follower.ts",
    replace: "if (damage) this.#assertTorn(damage);",
    by: "void damage;",
    tests: ["tests/faults/read_only_test.ts"],
  },
  {
    name: "memory is taken for a frame that is longer than its file",
    file: "src/log/frame_reader.ts",
    replace:
      '    if (header && wanted > remaining) return this.#stop("the frame is cut off");\n',
    by: "",
    tests: ["tests/log/frame_memory_test.ts"],
  },
  {
    name: "memory is taken for a frame of any size",
    file: "src/log/frame_reader.ts",
    replace: "if (header && header.bytes > FRAME_PAYLOAD_BYTES_MAX) {",
    by: "if (header && header.bytes < 0) {",
    tests: ["tests/log/frame_memory_test.ts"],
  },
  {
    name: "--allow-network-file-system is ignored",
    file: "src/cli/open_store.ts",
    replace: 'given["allow-network-file-system"] ?? false',
    by: "false",
    tests: ["tests/cli/network_file_system_test.ts"],
  },
  {
    name: "repair and salvage ignore --allow-network-file-system",
    file: "src/cli/inspect_store.ts",
    replace: 'options["allow-network-file-system"] ?? false',
    by: "false",
    tests: ["tests/cli/network_file_system_test.ts"],
  },
  {
    name: "an append that waits does not hear that it is aborted",
    file: "src/log/group_writer.ts",
    replace: "      if (signal) this.#rejectOnAbort(waiting, signal);\n",
    by: "",
    tests: ["tests/log/aborted_append_test.ts"],
  },
  {
    name: "an append that was aborted before its turn is written",
    file: "src/log/group_writer.ts",
    replace:
      "    if (signal?.aborted) return signal.reason;\n    if (condition",
    by: "    if (condition",
    tests: ["tests/log/aborted_append_test.ts"],
  },
  {
    name: "a file that became shorter is filled up with zeros",
    file: "src/log/recovery.ts",
    replace: ": !isUnused && offset < log.offset",
    by: ": !isUnused && offset < 0",
    tests: ["tests/log/shortened_log_test.ts"],
  },
  {
    name: "the index runs ahead of what is durable",
    file: "src/log/log_index.ts",
    replace: "if (!block || block.last > this.#options.log.head) return;",
    by: "if (!block) return;",
    tests: [
      "tests/log/index_ahead_test.ts",
      "tests/faults/crash_states_test.ts",
    ],
  },
  {
    name: "the index keeps what could not be written",
    file: "src/log/group_writer.ts",
    replace: "      index.cut(log.end);\n",
    by: "",
    tests: ["tests/log/append_faults_test.ts"],
  },
  {
    name: "one acknowledged event may be missing at the end",
    file: "src/log/open_log.ts",
    replace: "if (log.end >= provenDurable) return;",
    by: "if (log.end + 1 >= provenDurable) return;",
    tests: [
      "tests/log/recovery_test.ts",
      "tests/log/open_faults_test.ts",
      "tests/log/file_event_store_test.ts",
    ],
  },
  {
    name: "a segment that does not follow is entered",
    file: "src/log/segmented_log.ts",
    replace: "(this.#file === undefined || header.prev === this.crc)",
    by: "header.prev >= 0",
    tests: ["tests/log/several_writers_test.ts"],
  },
  {
    name: "the name of a segment counts as durable before its sync",
    file: "src/log/segmented_log.ts",
    replace: "    if (!this.#isNameUnproven) return;\n    try {",
    by:
      "    if (!this.#isNameUnproven) return;\n    this.#isNameUnproven = false;\n    try {",
    tests: ["tests/faults/read_only_test.ts"],
  },
  {
    name: "who cannot read what others appended passes over it",
    file: "src/log/group_writer.ts",
    replace: "if (isDone && !this.#failedFor(error)) throw error;",
    by: "this.#failedFor(error);",
    tests: ["tests/faults/failing_reads_test.ts"],
  },
  {
    name: "who may not sync serves what is not durable",
    file: "src/log/log_follower.ts",
    replace:
      "      : Math.max(before, Math.min(this.#proven.durable, log.end));",
    by: "      : log.end;",
    tests: ["tests/faults/read_only_test.ts"],
  },
  {
    name: "what a failed sync left is not written again on a real disk",
    file: "src/storage/deno_file_system.ts",
    replace:
      "    file.seekSync(offset, Deno.SeekMode.Start);\n    for (let written",
    by: "    if (offset >= 0) return;\n    for (let written",
    tests: ["tests/storage/deno_file_system_test.ts"],
  },
  {
    name: "no file is synced on a real disk",
    file: "src/storage/deno_file_system.ts",
    replace: "    return this.#file.syncData();",
    by: "    return Promise.resolve();",
    tests: ["tests/storage/deno_file_system_test.ts"],
  },
  {
    name: "no folder is synced on a real disk",
    file: "src/storage/deno_file_system.ts",
    replace: "    await directory.sync();\n",
    by: "    await Promise.resolve();\n",
    tests: ["tests/storage/deno_file_system_test.ts"],
  },
  {
    name: "a segment that was only begun hides what is missing",
    file: "src/log/open_log.ts",
    replace: "if (unfinished && unfinished.first > position) {",
    by: "if (unfinished && unfinished.first < 0) {",
    tests: ["tests/faults/sealed_log_test.ts"],
  },
  {
    name: "salvage does not wait for its last appends",
    file: "src/maintenance/salvage.ts",
    replace: "  await sink.finish();\n",
    by: "",
    tests: ["tests/maintenance/salvage_test.ts"],
  },
  {
    name: "what was salvaged to a file is not synced",
    file: "src/maintenance/salvage.ts",
    replace: "    await file.sync();\n",
    by: "",
    tests: ["tests/maintenance/salvage_test.ts"],
  },
  {
    name: "connections for live updates are closed while they are used",
    file: "src/projections/generation_leases.ts",
    replace:
      "      if (count < openMax.changing) return;\n      if (lease.users > 0) continue;\n",
    by: "      if (count < openMax.changing) return;\n",
    tests: ["tests/projections/generation_leases_test.ts"],
  },
  {
    name: "live updates go to another file than readers look at",
    file: "src/projections/generation_leases.ts",
    replace: "if (this.#identityOf(file) !== lease.identity) {",
    by: 'if (this.#identityOf(file) === "") {',
    tests: ["tests/projections/generation_leases_test.ts"],
  },
  {
    name: "a projection that is ahead by one goes on",
    file: "src/projections/disown_ahead.ts",
    replace: "  if (checkpoint <= head) {",
    by:
      "  if (checkpoint === head + 1) return undefined;\n  if (checkpoint <= head) {",
    tests: ["tests/faults/put_back_test.ts"],
  },
  {
    name: "current.json forgets the generation before",
    file: "src/projections/sqlite_build.ts",
    replace: "    const previous = previousNumber();\n",
    by: "    const previous = previousNumber() && null;\n",
    tests: ["tests/projections/sqlite_projection_store_test.ts"],
  },
  {
    name: "what another process is building counts as interrupted",
    file: "src/rebuild/interrupted.ts",
    replace:
      "    if (open.some((name) => isBeingBuilt(store, name))) continue;\n",
    by: "",
    tests: ["tests/rebuild/interrupted_test.ts"],
  },
  {
    name: "a rebuild that was cancelled is swapped in",
    file: "src/rebuild/catch_up.ts",
    replace: "        task.signal.throwIfAborted();\n        const { documents",
    by: "        const { documents",
    tests: ["tests/rebuild/catch_up_test.ts"],
  },
  {
    name: "what another process is writing is swept",
    file: "src/rebuild/operation_store.ts",
    replace:
      "sweepTemporaries(fileSystem, directory, Date.now() - TEMPORARY_MS_MAX);",
    by: "sweepTemporaries(fileSystem, directory);",
    tests: ["tests/rebuild/operation_history_test.ts"],
  },
  {
    name: "an order to skip does not wait for live updates",
    file: "src/projections/live_updater.ts",
    replace: "      using _lock = await store.lockLive(name);\n",
    by: "",
    tests: ["tests/projections/event_orders_test.ts"],
  },
  {
    name: "suspicions of other code count",
    file: "src/projections/event_orders.ts",
    replace: "readList(folder, SUSPECT, projectionName).filter(isSame)",
    by: "readList(folder, SUSPECT, projectionName)",
    tests: ["tests/projections/event_orders_test.ts"],
  },
  {
    name: "orders for other code count",
    file: "src/projections/event_orders.ts",
    replace: "readList(folder, SKIPS, projectionName).filter(isSame)",
    by: "readList(folder, SKIPS, projectionName)",
    tests: ["tests/projections/event_orders_test.ts"],
  },
  {
    name: "a suspicion comes back after a power cut",
    file: "src/projections/event_orders.ts",
    replace:
      "  fileSystem.remove(path);\n  await fileSystem.syncDirectory(directory);",
    by: "  fileSystem.remove(path);",
    tests: ["tests/projections/event_orders_test.ts"],
  },
  {
    name: "an order takes the place of the one before",
    file: "src/projections/event_orders.ts",
    replace: "const list = [...before, { position,",
    by: "const list = [{ position,",
    tests: ["tests/projections/event_orders_test.ts"],
  },
  {
    name: "dead letters of earlier processes do not count",
    file: "src/projections/dead_letters.ts",
    replace:
      '        this.#failures++;\n        if (this.#policy === "quarantine" && key) this.#quarantined.add(key);\n      }\n    }',
    by:
      '        if (this.#policy === "quarantine" && key) this.#quarantined.add(key);\n      }\n    }',
    tests: ["tests/projections/dead_letters_test.ts"],
  },
  {
    name: "the last event is not among those that should have been passed over",
    file: "src/projections/dead_letters.ts",
    replace: "position <= checkpoint && !passedOver",
    by: "position < checkpoint && !passedOver",
    tests: ["tests/projections/dead_letters_test.ts"],
  },
  {
    name: "a generation is synced before it is complete",
    file: "src/projections/sqlite_build.ts",
    replace:
      '    this.#opened().complete(clock.now().toISOString());\n    {\n      using handle = fileSystem.open(file, { mode: "append" });\n      await handle.sync();\n    }\n',
    by:
      '    {\n      using handle = fileSystem.open(file, { mode: "append" });\n      await handle.sync();\n    }\n    this.#opened().complete(clock.now().toISOString());\n',
    tests: ["tests/faults/crash_states_test.ts"],
  },
  {
    name: "dead letters are recorded after the commit",
    file: "src/projections/sqlite_generation.ts",
    replace:
      '      writeDeadLetters(this.#database, changes.deadLetters ?? []);\n      const add = this.#prepare(\n        "UPDATE meta SET value = value + ? WHERE name = ?",\n      );\n      add.run(documentsDelta, "documents");\n      add.run(eventsDelta, "eventsApplied");\n      this.#setMeta(checkpointMeta(this.identity, checkpoint, checkpointId));\n      this.#execLong("COMMIT");\n      this.#inTransaction = false;\n',
    by:
      '      const add = this.#prepare(\n        "UPDATE meta SET value = value + ? WHERE name = ?",\n      );\n      add.run(documentsDelta, "documents");\n      add.run(eventsDelta, "eventsApplied");\n      this.#setMeta(checkpointMeta(this.identity, checkpoint, checkpointId));\n      this.#execLong("COMMIT");\n      this.#inTransaction = false;\n      writeDeadLetters(this.#database, changes.deadLetters ?? []);\n',
    tests: ["tests/projections/sqlite_generation_test.ts"],
  },
  {
    name: "dead letters are recorded before the transaction",
    file: "src/projections/sqlite_generation.ts",
    replace:
      "    await this.#change(async () => {\n      await this.#write(changes.documents, changes.related);\n      writeDeadLetters(this.#database, changes.deadLetters ?? []);\n",
    by:
      "    writeDeadLetters(this.#database, changes.deadLetters ?? []);\n    await this.#change(async () => {\n      await this.#write(changes.documents, changes.related);\n",
    tests: ["tests/projections/sqlite_generation_test.ts"],
  },
];
