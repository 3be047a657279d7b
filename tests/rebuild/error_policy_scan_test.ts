/**
 * Error policies in large rebuilds: in workers and in the serving thread, at once and part by
 * part, the same events are passed over for the same documents.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  type EventInput,
  openOpossum,
  type OpossumOptions,
  silentLogger,
} from "../../mod.ts";
import { TempDir } from "../support/temp_dir.ts";
import * as passingOver from "./worker_fixtures/passing_over.ts";

/** Whether to take the time for the ways that need no division as well. */
const IS_LONG = Deno.env.has("OPOSSUM_TEST_RUNS");

/** More than a log for which a worker is not worth it. */
const EVENTS = 22_000;
const KEYS = 300;

const keyOf = (n: number) => `key-${n * 7 % KEYS}`;
const otherOf = (n: number) => `key-${n * 11 % KEYS}`;

function* events(): Generator<EventInput> {
  for (let n = 1; n <= EVENTS; n++) {
    const data = { key: keyOf(n), other: otherOf(n), n };
    yield { type: "Counted", tags: [`key:${data.key}`], data };
  }
}

/** The plainest fold: the numbers that each document has seen, and what was passed over. */
function expectedOf(name: string): [Record<string, number[]>, string[]] {
  const seen: Record<string, number[]> = {};
  const letters: string[] = [];
  const shut = new Set<string>();
  for (let n = 1; n <= EVENTS; n++) {
    let failure = passingOver.failureOf(n);
    if (failure === "key" && name === "Shutters") failure = null;
    if (failure === "tags" && name === "Guessers") failure = null;
    if (failure === "key") {
      letters.push(`${n} *`);
      continue;
    }
    const keys = name === "Pairs" ? [keyOf(n), otherOf(n)] : [keyOf(n)];
    for (const key of new Set(keys)) {
      if (shut.has(key)) continue;
      const isHit = failure === "tags" ||
        failure !== null && key === keyOf(n);
      if (!isHit) (seen[key] ??= []).push(n);
      else {
        letters.push(`${n} ${key}`);
        if (name === "Shutters") shut.add(key);
      }
    }
  }
  return [seen, letters.sort()];
}

Deno.test("a rebuild passes over the same events wherever it runs, whatever the memory", async () => {
  using dir = new TempDir();
  {
    const log = { path: dir.path, startDaemon: false, logger: silentLogger };
    await using opossum = await openOpossum(log);
    const all = [...events()];
    for (let at = 0; at < all.length; at += 5_500) {
      await opossum.events.append(all.slice(at, at + 5_500));
    }
  }
  const module = import.meta.resolve("./worker_fixtures/passing_over.ts");
  const { skippers, guessers, pairs, shutters } = passingOver;
  const definitions = [skippers, guessers, pairs, shutters];
  const little = { rebuildMemoryBytesMax: 1_048_576, batchSize: 500 };
  const ways: Partial<OpossumOptions>[] = [
    { projections: definitions, ...little },
    { projections: module, ...little },
  ];
  if (IS_LONG) ways.push({ projections: definitions }, { projections: module });
  for (const options of ways) {
    await using opossum = await openOpossum({
      path: dir.path,
      startDaemon: false,
      logger: silentLogger,
      ...options,
    });
    const { rebuilder, projections } = opossum;
    const { success } = await rebuilder.rebuildAll({ forceRebuild: true });
    assert(success);
    // Alone: beside those that keep its events no key is guessed.
    assert((await rebuilder.rebuild("Guessers")).success);
    for (const name of projections.names) {
      const seen: Record<string, number[]> = {};
      const documents = projections.documents<{ seen: [number, string][] }>(
        name,
      );
      for await (const { key, state } of documents) {
        seen[key] = state.seen.map(([n]) => n);
      }
      const letters = await projections.deadLetters(name);
      const [expected, expectedLetters] = expectedOf(name);
      assertEquals(
        letters.map(({ position, key }) => `${position} ${key ?? "*"}`).sort(),
        expectedLetters,
      );
      assertEquals(seen, expected);
    }
  }
});
