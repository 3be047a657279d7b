import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { silentLogger } from "../../mod.ts";
import { LastBuilds } from "../../src/rebuild/last_builds.ts";
import {
  OperationStore,
  type StoredOperation,
} from "../../src/rebuild/operation_store.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { TempDir } from "../support/temp_dir.ts";

function operation(
  index: number,
  fields: Partial<StoredOperation> = {},
): StoredOperation {
  return {
    id: index.toString(16).padStart(32, "0"),
    state: "succeeded",
    trigger: "api",
    projectionNames: ["One"],
    note: null,
    requestedBy: null,
    priority: null,
    concurrency: 1,
    pausedAt: null,
    resumes: null,
    startedAt: new Date(index).toISOString(),
    completedAt: null,
    progress: [],
    result: null,
    ...fields,
  };
}

const fileOf = ({ id }: StoredOperation) =>
  `${String(Number.parseInt(id, 16)).padStart(15, "0")}-${id}.json`;

Deno.test("the history forgets the oldest, but nothing that goes on or waits for an operator", async () => {
  using dir = new TempDir();
  const directory = dir.file("operations");
  Deno.mkdirSync(directory);
  const held = [
    operation(1, { state: "running", promote: "manual" }),
    operation(2, { state: "paused", pausedAt: new Date(2).toISOString() }),
    operation(3, { state: "interrupted", promote: "manual" }),
    // A crash must find them.
    operation(4, { state: "running" }),
    operation(5, { state: "queued" }),
  ];
  const others = [
    operation(6, { promote: "manual" }),
    operation(7, { state: "interrupted", promote: "manual", resumedBy: "x" }),
    operation(8, { state: "interrupted" }),
    ...Array.from({ length: 1_000 }, (_, index) => operation(index + 9)),
  ];
  for (const each of [...held, ...others]) {
    Deno.writeTextFileSync(join(directory, fileOf(each)), JSON.stringify(each));
  }
  const store = new OperationStore(denoFileSystem, directory, silentLogger);
  const newest = operation(2_000);
  await store.save(newest);
  const kept = [newest, ...others.slice(4).toReversed(), ...held.toReversed()];
  assertEquals(store.ids(), kept.map(({ id }) => id));
});

Deno.test("a key is found once its operation can be read again", () => {
  using dir = new TempDir();
  const directory = dir.file("operations");
  Deno.mkdirSync(directory);
  const idempotency = { key: "k", request: "r" };
  const keyed = operation(1, { idempotency });
  Deno.writeTextFileSync(join(directory, fileOf(keyed)), JSON.stringify(keyed));
  let isFailing = true;
  const failing = Object.assign(Object.create(denoFileSystem), {
    open(...parameters: Parameters<typeof denoFileSystem.open>) {
      if (isFailing) throw new Error("Too many open files");
      return denoFileSystem.open(...parameters);
    },
  });
  const store = new OperationStore(failing, directory, silentLogger);
  assertEquals(store.withKey("k"), undefined);
  isFailing = false;
  assertEquals(store.withKey("k"), { id: keyed.id, request: "r" });
});

Deno.test("the last builds are found without looking through the history for each operation", () => {
  using dir = new TempDir();
  const directory = dir.file("operations");
  Deno.mkdirSync(directory);
  const at = new Date(1).toISOString();
  for (let index = 1; index <= 100; index++) {
    const each = operation(index);
    const result = {
      operationId: each.id,
      state: "succeeded",
      startedAt: at,
      completedAt: at,
      details: [{ projectionName: `P${index}`, state: "succeeded" }],
    };
    const text = JSON.stringify({ ...each, result });
    Deno.writeTextFileSync(join(directory, fileOf(each)), text);
  }
  let lists = 0;
  const counting = Object.assign(Object.create(denoFileSystem), {
    list(path: string) {
      lists++;
      return denoFileSystem.list(path);
    },
  });
  const store = new OperationStore(counting, directory, silentLogger);
  const builds = new LastBuilds(store, silentLogger);
  lists = 0;
  assertEquals(builds.of("P1").lastBuild?.operationId, operation(1).id);
  assertEquals(builds.of("P100").lastBuild?.operationId, operation(100).id);
  assertEquals(lists, 2);
});
