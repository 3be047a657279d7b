/**
 * What must be true of a data folder after it was opened again, whatever happened to whoever
 * wrote there: one checker for every test of crashes, damage and several processes.
 *
 * - **I1** What was acknowledged is in the log, at the positions told.
 * - **I2** Positions are 1, 2, 3 …, and of every append call either all events are there or none.
 * - **I3** No position was given twice: what a reader saw there is still there.
 * - **I4** Every condition that passed was true at its place in the order.
 * - **I5** The documents of every projection are the fold of the log up to its checkpoint, under
 *   its error policy, and what that passed over is recorded.
 * - **I6** No checkpoint is beyond the end of the log.
 * - **I7** `current.json` names one generation, which is complete.
 * - **I8** No file is left that nobody will ever use.
 * - **I9** Opening it once more changes nothing.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import {
  type AppendCondition,
  AppendConditionError,
  type EventStore,
  openOpossum,
  type Position,
  type ProjectionDefinition,
  silentLogger,
  type StoredEvent,
} from "../../mod.ts";
import {
  type FileEventStore,
  openFileEventStore,
} from "../../src/log/file_event_store.ts";
import { readCurrentFile } from "../../src/projections/generation_files.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import type { FileSystem } from "../../src/storage/file_system.ts";
import { checkConditions } from "./conditions.ts";
import { fail } from "./invariant_error.ts";
import { Matches } from "./matches.ts";
import { policyFold } from "./policy_fold.ts";
import { plainFold } from "../../src/testing/determinism/plain_fold.ts";

export { InvariantError, type InvariantId } from "./invariant_error.ts";

/** One call of `append()`, with what the caller was told. */
export interface AppendCall {
  /** The ids of its events, in order; each id is used once in a test. */
  readonly ids: readonly string[];
  /** Position of the first event, once the call returned; left out while nobody was told. */
  readonly first?: Position;
  /** The condition it was made on. */
  readonly condition?: AppendCondition;
}

/** What the test knows of a folder. */
export interface Witness {
  /** Every call that was made, whether it returned or not; not those that were refused. */
  readonly calls: readonly AppendCall[];
  /** Ids that a reader saw, by position. @default {none} */
  readonly seen?: ReadonlyMap<Position, string>;
}

/**
 * Checks I1 to I4 of an open event store.
 *
 * @param store The store.
 * @param witness What was done and seen.
 * @returns The whole log.
 * @throws {InvariantError} For the first invariant that does not hold.
 */
export async function checkLog(
  store: EventStore,
  { calls, seen = new Map() }: Witness,
): Promise<readonly StoredEvent[]> {
  const events = await Array.fromAsync(store.read("all"));
  const head = await store.head();
  const positions = new Map<string, Position>();
  for (const [index, { position, id }] of events.entries()) {
    if (position !== index + 1) {
      fail("I2", `position ${position} stands where ${index + 1} must`);
    }
    if (positions.has(id)) fail("I3", `event ${id} is there twice`);
    positions.set(id, position);
  }
  if (head !== events.length) {
    fail("I2", `the head is ${head}, but ${events.length} events are there`);
  }
  const matches = new Matches(events);
  for (const call of calls) checkCall(call, matches, positions);
  const known = new Set(calls.flatMap(({ ids }) => ids));
  for (const { id, position } of events) {
    if (!known.has(id)) fail("I2", `nobody appended event ${position}, ${id}`);
  }
  for (const [position, id] of seen) {
    const now = events[position - 1]?.id;
    if (now !== id) {
      fail("I3", `at ${position} a reader saw ${id}, and now there is ${now}`);
    }
  }
  return events;
}

function checkCall(
  { ids, first, condition }: AppendCall,
  matches: Matches,
  positions: ReadonlyMap<string, Position>,
): void {
  const found = ids.map((id) => positions.get(id));
  const start = found[0];
  if (first !== undefined && start !== first) {
    fail(
      "I1",
      `event ${ids[0]} was acknowledged at ${first}: it is at ${start}`,
    );
  }
  const isWhole = found.every((position, index) =>
    start === undefined ? position === undefined : position === start + index
  );
  if (!isWhole) fail("I2", `an append is there in part: it is at ${found}`);
  if (start === undefined || condition === undefined) return;
  const { failIfEventsMatch, after = 0 } = condition;
  const match = matches.next(failIfEventsMatch, after);
  if (match !== undefined && match < start) {
    fail("I4", `${start} was appended although ${match} matches`);
  }
}

/** How to check a store that was left, wherever its files are. */
export interface CheckReopeningOptions {
  /** Opens it. */
  readonly open: () => Promise<FileEventStore>;
  /** Everything that is not derived, as one text. */
  readonly digest: () => string;
  /** What was done and seen. */
  readonly witness: Witness;
  /** Called with the log while the store is closed for the first time. @default {nothing} */
  readonly whileClosed?: (events: readonly StoredEvent[]) => Promise<void>;
  /** Called with the store when it was opened once more. @default {nothing} */
  readonly afterwards?: (store: FileEventStore) => Promise<void>;
}

/**
 * Opens a store as a program would after a crash, and checks I1 to I4 and I9.
 *
 * @param options How.
 * @returns The log as it was found.
 * @throws {InvariantError} For the first invariant that does not hold.
 * @throws Whatever opening throws, and why nothing can be appended: a crash alone must not need a human.
 */
export async function checkReopening(
  { open, digest, witness, whileClosed, afterwards }: CheckReopeningOptions,
): Promise<readonly StoredEvent[]> {
  let events: readonly StoredEvent[];
  {
    await using store = await open();
    if (store.readOnlyCause) throw store.readOnlyCause;
    events = await checkLog(store, witness);
  }
  await whileClosed?.(events);
  const before = digest();
  await using store = await open();
  if (digest() !== before) {
    fail("I9", "opening the folder once more changed it");
  }
  await checkConditions(store, events);
  await afterwards?.(store);
  return events;
}

/** A tag that no other event has. */
const GOING_ON = "invariants:goingOn";

/**
 * Appends to a store that was opened after a crash, and checks I1 to I4 with what it appended.
 *
 * @param store The store.
 * @param witness What was done and seen before.
 * @throws {InvariantError} For the first invariant that does not hold.
 * @throws Whatever appending throws.
 */
export async function checkGoesOn(
  store: EventStore,
  witness: Witness,
): Promise<void> {
  const head = await store.head();
  const id = crypto.randomUUID();
  const condition: AppendCondition = {
    failIfEventsMatch: { items: [{ tags: [GOING_ON] }] },
  };
  const append = (id: string) =>
    store.append([{ type: "WentOn", tags: [GOING_ON], id, data: {} }], {
      condition,
    });
  const { first } = await append(id);
  if (first !== head + 1) {
    fail("I2", `position ${first} was given where ${head + 1} must be`);
  }
  const refused = await append(crypto.randomUUID()).catch((error) => error);
  if (!(refused instanceof AppendConditionError)) {
    fail("I4", `an append was accepted although ${first} matches`);
  }
  const calls = [...witness.calls, { ids: [id], first, condition }];
  await checkLog(store, { ...witness, calls });
}

/** Which folder to check, and how. */
export interface CheckFolderOptions {
  /** The data folder. Nobody has it open. */
  readonly path: string;
  /** What was done and seen. */
  readonly witness: Witness;
  /** The projections that live there. @default {none} */
  readonly projections?: readonly ProjectionDefinition[];
  /** What the log is opened through. @default {the machine's} */
  readonly fileSystem?: FileSystem;
}

/**
 * Opens a folder as a program would after a crash, and checks all invariants.
 *
 * @param options Which folder.
 * @returns The whole log.
 * @throws {InvariantError} For the first invariant that does not hold.
 * @throws Whatever opening throws: a crash alone must not need a human.
 */
export async function checkFolder(
  { path, witness, projections = [], fileSystem = denoFileSystem }:
    CheckFolderOptions,
): Promise<readonly StoredEvent[]> {
  return await checkReopening({
    open: () => openFileEventStore({ path, fileSystem, logger: silentLogger }),
    digest: () => digestOf(path),
    witness,
    whileClosed: async (events) => {
      for (const definition of projections) {
        await checkProjection(path, definition, events);
      }
    },
  });
}

/** Checks I5 to I7 of a projection as it lies there. */
async function checkProjection(
  path: string,
  definition: ProjectionDefinition,
  events: readonly StoredEvent[],
): Promise<void> {
  const { name } = definition;
  const directory = join(path, "projections", name);
  const current = readCurrentFile(denoFileSystem, directory, name);
  if (current === undefined) return;
  await using opossum = await openOpossum({
    path,
    projections: [definition],
    startDaemon: false,
    logger: silentLogger,
  });
  const { checkpoint, state, documents: count } = await opossum.projections
    .info(name);
  if (state === "damaged" || state === "absent") {
    fail("I7", `"${name}" is ${state}, although its generation was swapped in`);
  }
  if (checkpoint > events.length) {
    fail(
      "I6",
      `"${name}" is at ${checkpoint}, the log ends at ${events.length}`,
    );
  }
  const documents = new Map<string, string>();
  for await (const { key, state } of opossum.projections.documents(name)) {
    documents.set(key, JSON.stringify(state));
  }
  if (count !== documents.size) {
    fail(
      "I5",
      `"${name}" counts ${count} documents: ${documents.size} are there`,
    );
  }
  const letters = await opossum.projections.deadLetters(name);
  const ordered = new Set(
    letters.filter(({ reason }) => reason === "ordered")
      .map(({ position }) => position),
  );
  const { errorPolicy = "stop" } = definition;
  const applied = events.slice(0, checkpoint);
  const { documents: expected, passedOver } =
    errorPolicy === "stop" && ordered.size === 0
      ? { documents: plainFold(definition, applied), passedOver: [] }
      : policyFold(definition, applied, ordered);
  const recorded = letters
    .map(({ position, key }) => `${position} ${key ?? "*"}`).sort();
  if (JSON.stringify(recorded) !== JSON.stringify(passedOver)) {
    fail(
      "I5",
      `"${name}" at ${checkpoint} recorded that it passed over ${recorded}: ` +
        `the log says ${passedOver}`,
    );
  }
  const keys = new Set([...documents.keys(), ...expected.keys()]);
  for (const key of keys) {
    if (documents.get(key) === expected.get(key)) continue;
    fail(
      "I5",
      `"${name}" at ${checkpoint} holds ${documents.get(key)} for "${key}": ` +
        `the log says ${expected.get(key)}`,
    );
  }
}

/**
 * Checks I8, after a rebuild of everything has ended: of each projection only what serves and
 * what can be gone back to is there, and no temporary file anywhere.
 *
 * @param path The data folder. Nobody has it open.
 * @throws {InvariantError} If a file is left over.
 */
export function checkNothingLeft(path: string): void {
  const files = [...filesIn(path)];
  const orphans = files.filter((file) =>
    /\.tmp$|\.building\.sqlite|-journal$/.test(file) || isWithoutDatabase(file)
  );
  if (orphans.length > 0) fail("I8", `left over: ${orphans.join(", ")}`);
  const generations = files.filter((file) => /\d\.sqlite$/.test(file));
  for (const [folder, kept] of Map.groupBy(generations, dirname)) {
    if (kept.length > 2) fail("I8", `${kept.length} generations in ${folder}`);
  }

  /** What SQLite keeps beside a database that is not there. */
  function isWithoutDatabase(file: string): boolean {
    const [, database] = /^(.+\.sqlite)-(?:wal|shm)$/.exec(file) ?? [];
    return database !== undefined && !files.includes(database);
  }
}

/** Everything that is not derived: the log, what identifies it, and what serves. */
function digestOf(path: string): string {
  const hash = createHash("sha256");
  for (const file of [...filesIn(path)].sort()) {
    // Derived, and written in its own time.
    if (/^index\.sqlite|-wal$|-shm$/.test(file)) continue;
    hash.update(file).update("\0").update(Deno.readFileSync(join(path, file)));
  }
  return hash.digest("hex");
}

function* filesIn(path: string, prefix = ""): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(join(path, prefix))) {
    const file = join(prefix, name);
    if (isDirectory) yield* filesIn(path, file);
    else yield file;
  }
}
