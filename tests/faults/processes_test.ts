/**
 * Several processes on one folder: a few operations here, and as many as one likes with
 * `deno task test:faults:processes`. `OPOSSUM_TEST_SEED` repeats what a failure names.
 *
 * @module
 */
import { assertEquals, assertGreater } from "@std/assert";
import type { StoredEvent } from "../../mod.ts";
import { TempDir } from "../support/temp_dir.ts";
import type { Answer, Command } from "./processes/commands.ts";
import { History } from "./processes/history.ts";
import { checkHistory } from "./processes/linearizability.ts";
import { playRound } from "./processes/round.ts";

const SEED = Number(
  Deno.env.get("OPOSSUM_TEST_SEED") ?? Math.floor(Math.random() * 2 ** 31),
);

Deno.test("several processes, stopped and killed, append to and read from one store as if one after the other", async (t) => {
  await t.step(`seed ${SEED}`, async () => {
    using dir = new TempDir();
    const report = await playRound({
      path: dir.file("data"),
      seed: SEED,
      processes: 3,
      operations: 700,
      disturbedEvery: 120,
    });
    assertEquals(report.violations, []);
    assertGreater(report.appended, 0);
    assertGreater(report.refused, 0);
    assertGreater(report.kills + report.stops, 0);
  });
});

const LOG = ["a", "b", "c"].map((id, index): StoredEvent => ({
  id,
  position: index + 1,
  type: "T",
  tags: [`tag:${id}`],
  data: {},
  timestamp: "2026-01-01T00:00:00.000Z",
}));

/** Operations one after the other, unless one is left open; every event is appended first. */
type Step = readonly [session: number, command: Command, answer?: Answer];

function append(ids: string, tag?: string): Command {
  const events = [...ids].map((id) => ({ id, type: "T", tags: [`tag:${id}`] }));
  if (tag === undefined) return { do: "append", events };
  const failIfEventsMatch = { items: [{ tags: [tag] }] };
  return { do: "append", events, condition: { failIfEventsMatch } };
}

const HEAD: Command = { do: "head" };
const ALL: Command = { do: "read", query: "all", after: 0 };
const at = (first: number): Answer => ({ is: "appended", first });
const head = (head: number, ms = 0): Answer => ({ is: "head", head, ms });
const read = (...ids: string[]): Answer => ({
  is: "events",
  events: ids.map((id) => [LOG.findIndex((e) => e.id === id) + 1, id]),
  ms: 0,
});

function violationsOf(steps: readonly Step[]): readonly string[] {
  const history = new History();
  for (const [session, command, answer] of steps) {
    const operation = history.begin(session, command);
    if (answer) history.end(operation, answer);
  }
  return checkHistory(LOG, history).violations;
}

const APPENDED: readonly Step[] = [
  [0, append("a"), at(1)],
  [1, append("b"), at(2)],
  [0, append("c"), at(3)],
];

Deno.test("checkHistory() finds nothing in what one store would have done", () => {
  const [a] = APPENDED;
  if (!a) throw new TypeError("No appends");
  const fine: (readonly Step[])[] = [
    APPENDED,
    [...APPENDED, [1, HEAD, head(3)], [0, ALL, read("a", "b", "c")]],
    [...APPENDED, [2, append("d", "tag:b"), {
      is: "refused",
      after: 0,
      foundAt: 2,
    }]],
    // Killed: stored, or not.
    [[0, append("a")], [0, append("b")], [0, append("d")], [
      0,
      append("c"),
      at(3),
    ]],
    // Several events of one append are seen together, or by what is asked for.
    [a, [1, append("bc")], [0, ALL, read("a")], [0, HEAD, head(3)], [1, {
      do: "read",
      query: { items: [{ tags: ["tag:b"] }] },
      after: 0,
    }, read("b")]],
    // Who waited in vain knows at least what it knew.
    [...APPENDED, [2, HEAD, head(0, 100)]],
  ];
  for (const steps of fine) assertEquals(violationsOf(steps), []);
});

Deno.test("checkHistory() finds what one store would not have done", () => {
  const [a, b, c] = APPENDED;
  if (!a || !b || !c) throw new TypeError("No appends");
  const bad: Record<string, readonly Step[]> = {
    "a later append stands before an earlier one": [b, a, c],
    "also one that was never answered": [b, [0, append("a")], c],
    "a read misses what was appended": [...APPENDED, [1, ALL, read("a", "b")]],
    "a read leaves something out": [...APPENDED, [1, ALL, read("a", "c")]],
    "a read sees what nobody asked for yet": [a, [1, ALL, read("a", "b")], b],
    "the head is behind": [...APPENDED, [1, HEAD, head(2)]],
    "the head is behind what was read": [[0, append("a")], [
      1,
      ALL,
      read("a"),
    ], [2, HEAD, head(0)]],
    "the head is ahead": [...APPENDED, [1, HEAD, head(4)]],
    "who waited in vain forgot": [...APPENDED, [0, HEAD, head(2, 100)]],
    "a refusal names no match": [...APPENDED, [2, append("d", "tag:x"), {
      is: "refused",
      after: 0,
      foundAt: 2,
    }]],
    "a refusal comes before the match": [a, [2, append("d", "tag:b"), {
      is: "refused",
      after: 0,
      foundAt: 2,
    }], b],
    "what was refused is stored": [a, b, [2, append("c", "tag:b"), {
      is: "refused",
      after: 0,
      foundAt: 2,
    }]],
    "what was acknowledged is lost": [a, b, c, [1, append("d"), at(4)]],
    "what was acknowledged is elsewhere": [a, [1, append("b"), at(3)]],
    "a position was given twice": [a, [1, append("b"), at(2)], [
      0,
      append("c"),
      at(2),
    ]],
    "a read sees a part of an append": [a, [1, append("bc")], [
      0,
      ALL,
      read("a", "b"),
    ]],
    "the head is within an append": [a, [1, append("bc")], [0, HEAD, head(2)]],
    "an operation failed": [[0, HEAD, { is: "error", message: "x" }]],
  };
  for (const [what, steps] of Object.entries(bad)) {
    assertGreater(violationsOf(steps).length, 0, what);
  }
});
