/**
 * Wrong indexes, and the conditions that they must not let pass.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import {
  AppendConditionError,
  matchesQuery,
  type Query,
  type StoredEvent,
} from "../../mod.ts";
import type { FileEventStore } from "../../src/log/file_event_store.ts";
import { copyFolder, event, TestFolder, unsynced } from "../log/support.ts";
import type { Random } from "./random.ts";

const TYPES = ["A", "B", "C", "Ünïcode", "Rare"];
const KEYS = 40;

/** Stores to take indexes from: all but one of the same events at first. */
export interface IndexFixture extends AsyncDisposable {
  /** The store whose index is damaged. */
  readonly folder: TestFolder;
  /** Folders with the index of another store, of another history, and of an earlier time. */
  readonly others: readonly TestFolder[];
}

async function fill(
  store: FileEventStore,
  random: Random,
  count: number,
): Promise<void> {
  const appends = Array.from({ length: count }, (_, n) =>
    store.append([
      event(n % 97 === 0 ? "Rare" : random.of(TYPES.slice(0, 4)), [
        `k:${random.below(KEYS)}`,
        `m:${random.below(5)}`,
      ], n),
    ]));
  await Promise.all(appends);
}

/** Fills the stores. */
export async function openIndexFixture(random: Random): Promise<IndexFixture> {
  const options = { fileSystem: unsynced, segmentBytesMax: 16_384 };
  const folder = new TestFolder();
  await folder.with((store) => fill(store, random, 400), options);
  const stale = new TestFolder();
  copyFolder(folder.path, stale.path);
  const forked = new TestFolder();
  copyFolder(folder.path, forked.path);
  await folder.with((store) => fill(store, random, 300), options);
  await forked.with((store) => fill(store, random, 300), options);
  const foreign = new TestFolder();
  await foreign.with((store) => fill(store, random, 700), options);
  const others = [stale, forked, foreign];
  return {
    folder,
    others,
    async [Symbol.asyncDispose]() {
      for (const each of [folder, ...others]) await each[Symbol.asyncDispose]();
    },
  };
}

/** What a database takes, and a page that was lost or changed amounts to. */
const SQL_DAMAGES = [
  "DELETE FROM tags WHERE position % 7 = 3",
  "DELETE FROM recent_tags",
  "DELETE FROM typed WHERE position > 600",
  "DELETE FROM types WHERE id = 2",
  "UPDATE types SET type = type || '?' WHERE id = 1",
  "UPDATE types SET id = id + 10",
  "UPDATE types SET count = 0",
  "UPDATE tags SET tag = tag + 1 WHERE position = 5",
  "UPDATE typed SET position = position + 1000 WHERE position < 4",
  "UPDATE frames SET offset = offset + 1",
  "DELETE FROM sums",
  "UPDATE meta SET through = 650",
];

/** Ways in which an index may be wrong. Each says in words what it did. */
const DAMAGES: readonly ((
  path: string,
  fixture: IndexFixture,
  random: Random,
) => string)[] = [
  (path, _fixture, random) => {
    const bytes = Deno.readFileSync(path);
    const at = random.below(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    Deno.writeFileSync(path, bytes);
    return `a bit of byte ${at} flipped`;
  },
  (path, _fixture, random) => {
    const bytes = Deno.readFileSync(path);
    const at = random.below(Math.floor(bytes.length / 512)) * 512;
    Deno.writeFileSync(path, bytes.fill(random.of([0, 255, 32]), at, at + 512));
    return `the sector at ${at} lost`;
  },
  (path, { others }, random) => {
    const bytes = Deno.readFileSync(path);
    const old = Deno.readFileSync(`${random.of(others).path}/index.sqlite`);
    const end = Math.min(bytes.length, old.length);
    const at = random.below(Math.floor(end / 4_096)) * 4_096;
    bytes.set(old.subarray(at, at + 4_096), at);
    Deno.writeFileSync(path, bytes);
    return `the page at ${at} of another index`;
  },
  (path, _fixture, random) => {
    const size = random.below(Deno.statSync(path).size);
    Deno.truncateSync(path, size);
    return `cut to ${size} bytes`;
  },
  (path) => {
    Deno.removeSync(path);
    return "deleted";
  },
  (path, { others }, random) => {
    const index = random.below(others.length);
    Deno.copyFileSync(`${others[index]?.path}/index.sqlite`, path);
    return `swapped for number ${index}`;
  },
  ...SQL_DAMAGES.map((sql) => (path: string) => {
    using database = new DatabaseSync(path);
    database.exec(sql);
    return sql;
  }),
];

/** How many ways there are to damage an index. */
export const DAMAGE_COUNT: number = DAMAGES.length;

/** Damages an index in one of the ways; says how. */
export function damageIndex(
  way: number,
  folder: TestFolder,
  fixture: IndexFixture,
  random: Random,
): string {
  return (DAMAGES[way] ?? random.of(DAMAGES))(
    `${folder.path}/index.sqlite`,
    fixture,
    random,
  );
}

/**
 * Appends on conditions, and compares what is let pass with a scan of the whole log.
 *
 * @returns What was decided otherwise, in words.
 */
export async function wrongDecisions(
  store: FileEventStore,
  random: Random,
  count: number,
): Promise<string[]> {
  const log: StoredEvent[] = await Array.fromAsync(store.read("all"));
  const wrong: string[] = [];
  for (let n = 0; n < count; n++) {
    const type = TYPES[n];
    // Every type once, whatever chance says.
    const query = type === undefined
      ? randomQuery(random)
      : { items: [{ types: [type] }] };
    const after = type !== undefined
      ? 0
      : random.of([0, random.below(log.length), log.length - 3]);
    const expected = log.slice(after)
      .find((event) => matchesQuery(query, event))?.position;
    const condition = { failIfEventsMatch: query, after };
    const found = await foundBy(store, condition, n);
    if (found !== expected) {
      const question = JSON.stringify(condition);
      wrong.push(`${question} found ${found}: the log says ${expected}`);
    }
    for await (
      const event of store.read("all", { after: log.length })
    ) log.push(event);
  }
  return wrong;
}

async function foundBy(
  store: FileEventStore,
  condition: { readonly failIfEventsMatch: Query; readonly after: number },
  n: number,
): Promise<number | undefined> {
  try {
    await store.append([event("New", [`n:${n}`], n)], { condition });
    return undefined;
  } catch (error) {
    if (!(error instanceof AppendConditionError)) throw error;
    return error.conflict.foundAt;
  }
}

function randomQuery(random: Random): Query {
  const key = `k:${random.below(KEYS + 2)}`;
  const type = random.of([...TYPES, "Never"]);
  const items = [
    { tags: [key] },
    { types: [type] },
    { types: [type], tags: [key] },
    { types: TYPES.slice(0, 2), tags: [key, `m:${random.below(5)}`] },
  ];
  return { items: [random.of(items), random.of(items)] };
}
