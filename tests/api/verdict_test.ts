/** The verdict: what an operator reads first. */
import { assertEquals } from "@std/assert";
import { judge, type VerdictInput } from "../../api/dashboard/verdict.ts";
import * as words from "../../api/dashboard/words.ts";
import type { ProjectionInfo, ScrubReport } from "../../mod.ts";
import { FakeOpossum } from "./fake_opossum.ts";
import { SOUND } from "./sound_report.ts";

const NAMES = ["A", "B", "C", "D"];
const FAULT = {
  position: 812,
  eventType: "T",
  message: "",
  at: "2026-01-01T00:00:00.000Z",
  attempts: 1,
  retryAt: null,
};

const FAILED: ProjectionInfo["lastBuild"] = {
  operationId: "0b5ad2f1c4e9",
  state: "failed",
  startedAt: FAULT.at,
  completedAt: FAULT.at,
  duration: 7,
  eventsProcessed: 0,
};

/** The log with damage in so many places. */
function damagedLog(places: number): ScrubReport["log"] {
  const problem = { file: "", offset: 0, first: 1, last: 1, what: "" };
  return {
    ...SOUND.log,
    ok: false,
    problems: Array.from({ length: places }, () => problem),
  };
}

/** The verdict on four projections, of which some differ. */
async function verdict(
  changes: Readonly<Record<string, Partial<ProjectionInfo>>>,
  rest: Partial<VerdictInput> = {},
): Promise<[tone: string, ...sentences: string[]]> {
  const fake = new FakeOpossum(...NAMES);
  const projections = await Promise.all(
    NAMES.map(async (name) => ({
      ...await fake.projections.info(name),
      ...changes[name],
    })),
  );
  const { tone, headline, more } = judge({
    projections,
    underWay: [],
    appendState: "accepted",
    lastScrub: undefined,
    ...rest,
  });
  return [tone, headline, ...more];
}

Deno.test("judge() says first what is worst", async () => {
  const fake = new FakeOpossum("A");
  fake.endAtOnce = undefined;
  const operation = await fake.rebuilder.start(["A"]);
  const [progress] = operation.progress;
  const build = progress ?? null;
  const paused = { ...operation, id: "0b5ad2f1c4e9", state: "paused" as const };
  const table: [
    Awaited<ReturnType<typeof verdict>>,
    ...Parameters<typeof verdict>,
  ][] = [
    [["good", "All 4 projections are up to date"], {}],
    [
      ["good", "All 4 projections are served, 1,203 events behind at most"],
      { C: { lag: 1_203 }, D: { lag: 1 } },
    ],
    [["warn", "B needs a rebuild"], { B: { state: "stale" } }],
    [
      ["warn", "2 projections need a rebuild: A and B"],
      { A: { state: "absent" }, B: { state: "stale" } },
    ],
    [
      [
        "bad",
        "A is faulted at position 812",
        "B needs a rebuild",
        "Rebuilding C",
      ],
      {
        A: { state: "faulted", fault: FAULT },
        B: { state: "stale" },
        C: { build },
      },
    ],
    [
      [
        "bad",
        "A and B are damaged: reads fail",
        "C is faulted at position 812 and D is faulted at position 1,523",
      ],
      {
        A: { state: "damaged" },
        B: { state: "damaged" },
        C: { state: "faulted", fault: FAULT },
        D: { state: "faulted", fault: { ...FAULT, position: 1_523 } },
      },
    ],
    // What is being built needs no more than that.
    [["busy", "Rebuilding A"], { A: { state: "stale", build } }],
    [
      ["warn", "The rebuild of A has stalled", "Rebuilding A"],
      { A: { build: build && { ...build, stalled: true } } },
    ],
    [
      ["warn", "Operation 0b5ad2f1 is paused"],
      { A: { build: build && { ...build, paused: true } } },
      { underWay: [paused] },
    ],
    [
      ["bad", "Appends are refused until their cause is repaired"],
      {},
      { appendState: "refused" },
    ],
    // It serves, but not what somebody wanted it to serve.
    [
      ["warn", "The last rebuild of A and B failed"],
      { A: { lastBuild: FAILED }, B: { lastBuild: FAILED } },
    ],
    [
      ["busy", "Rebuilding A"],
      { A: { lastBuild: FAILED, build } },
    ],
    // Nobody sees by the projections that events are lost.
    [
      ["bad", "The last check found the log damaged in 2 places"],
      {},
      { lastScrub: { ...SOUND, ok: false, log: damagedLog(2) } },
    ],
    [
      ["good", "All 4 projections are up to date"],
      {},
      { lastScrub: SOUND },
    ],
  ];
  for (const [expected, ...given] of table) {
    assertEquals(await verdict(...given), expected);
  }
  const nothing = judge({
    projections: [],
    underWay: [],
    appendState: "accepted",
    lastScrub: undefined,
  });
  assertEquals(nothing.headline, "There are no projections yet");
});

Deno.test("numbers and times are told as people do", () => {
  const now = Date.parse("2026-01-02T00:00:00Z");
  assertEquals(words.relative("2026-01-01T23:59:55Z", now), "just now");
  assertEquals(words.relative("2026-01-01T23:59:15Z", now), "45 s ago");
  assertEquals(words.relative("2026-01-01T20:30:00Z", now), "3 h ago");
  assertEquals(words.relative("2026-01-05T00:00:00Z", now), "in 3 days");
  assertEquals(words.bytes(0), "0 bytes");
  assertEquals(words.bytes(1_536), "1.5 KiB");
  assertEquals(words.bytes(5 * 1_024 ** 4), "5.0 TiB");
  assertEquals(words.bytes(5_000 * 1_024 ** 4), "5000 TiB");
  assertEquals(words.duration(59_000), "59.0 s");
  assertEquals(words.duration(245_000), "4 min 5 s");
  assertEquals(words.duration(3_600_000), "1 h");
  assertEquals(words.duration(90_000_000), "1 d 1 h");
  assertEquals(words.about(12_345), "about 12 s");
  assertEquals(words.countOf(1, "event"), "1 event");
  assertEquals(words.list(["A", "B", "C"]), "A, B and C");
  assertEquals(words.list(["A", "B", "C", "D"]), "A, B and 2 more");
});
