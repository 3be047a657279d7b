/**
 * Whether the time to refuse a token tells how much of it was right: wrong in its first character,
 * wrong in its last, or too long, in turn and in random order, over the loopback interface.
 * Compares means by Welch's t-test, which finds a difference where |t| exceeds 4.5, once the
 * slowest twentieth is left out: garbage collections and other programs. `deno task bench:timing`.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- this program talks to people
import { parseArgs } from "node:util";
import { createApp, serveApp } from "@opossum/deno/api";
import { openOpossum, silentLogger } from "@opossum/deno";

const TOKEN = `${crypto.randomUUID()}${crypto.randomUUID()}`;
const KINDS: Readonly<Record<string, string>> = {
  "wrong first": `${TOKEN.startsWith("0") ? "1" : "0"}${TOKEN.slice(1)}`,
  "wrong last": `${TOKEN.slice(0, -1)}${TOKEN.endsWith("0") ? "1" : "0"}`,
  "too long": `${TOKEN}0`,
};
const T_MAX = 4.5;
const KEPT = 0.95;
const WARM_UP = 500;

const { values } = parseArgs({
  args: Deno.args,
  options: { requests: { type: "string", default: "20000" } },
});
const path = await Deno.makeTempDir({ prefix: "opossum_timing_" });
const times = new Map<string, number[]>();
try {
  await using opossum = await openOpossum({ path, logger: silentLogger });
  const auth = { tokens: [TOKEN] };
  const limits = { failedLoginsPerMinute: 1_000_000 };
  const app = createApp({ opossum, auth, limits });
  await using server = serveApp({ app, auth, port: 0, logger: silentLogger });
  const kinds = Object.keys(KINDS);
  for (let i = -WARM_UP; i < Number(values.requests); i++) {
    const kind = kinds[Math.floor(Math.random() * kinds.length)] ?? "";
    const startMs = performance.now();
    const response = await fetch(`${server.url}/admin/projections/status`, {
      headers: { authorization: `Bearer ${KINDS[kind]}` },
    });
    const elapsedMs = performance.now() - startMs;
    await response.body?.cancel();
    if (response.status !== 401) throw new Error(`Status ${response.status}`);
    if (i < 0) continue;
    const known = times.get(kind);
    if (known === undefined) times.set(kind, [elapsedMs]);
    else known.push(elapsedMs);
  }
} finally {
  await Deno.remove(path, { recursive: true });
}

interface Summary {
  readonly count: number;
  readonly mean: number;
  readonly variance: number;
}

function summaryOf(all: readonly number[]): Summary {
  const kept = all.toSorted((a, b) => a - b)
    .slice(0, Math.floor(all.length * KEPT));
  const mean = kept.reduce((sum, ms) => sum + ms, 0) / kept.length;
  const squares = kept.reduce((sum, ms) => sum + (ms - mean) ** 2, 0);
  return { count: kept.length, mean, variance: squares / (kept.length - 1) };
}

function welchT(a: Summary, b: Summary): number {
  return (a.mean - b.mean) /
    Math.sqrt(a.variance / a.count + b.variance / b.count);
}

const summaries = [...times].map(([kind, all]) =>
  [kind, summaryOf(all)] as const
);
for (const [kind, { count, mean }] of summaries) {
  console.log(`${kind}: ${(mean * 1_000).toFixed(2)} µs over ${count}`);
}
let isTold = false;
for (const [i, [kind, summary]] of summaries.entries()) {
  for (const [other, otherSummary] of summaries.slice(i + 1)) {
    const t = welchT(summary, otherSummary);
    console.log(`${kind} / ${other}: t = ${t.toFixed(2)}`);
    isTold ||= Math.abs(t) >= T_MAX;
  }
}
console.log(isTold ? "The time tells them apart" : "The time does not tell");
Deno.exit(isTold ? 1 : 0);
