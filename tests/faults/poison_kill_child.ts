/**
 * The program that `poison_kill_test.ts` kills: appends events of which many are poison, applies
 * them live, and rebuilds now and then. It says on standard output what was acknowledged.
 *
 * @module
 */
import { openOpossum, silentLogger } from "../../mod.ts";
import {
  FAILURES,
  type Noted,
  toInput,
} from "../projections/error_policy_events.ts";
import type { AppendCall } from "./invariants.ts";
import { shutting, skipping } from "./poison_projections.ts";

/** Numbers that follow from a seed: Park and Miller's. */
function* random(seed: number): Generator<number, never> {
  for (let value = seed % 2_147_483_646 + 1;;) {
    value = value * 48_271 % 2_147_483_647;
    yield value;
  }
}

function say(call: AppendCall): void {
  const line = `${JSON.stringify(call)}\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(line));
}

async function run(path: string, seed: number): Promise<void> {
  const numbers = random(seed);
  const pick = <T>(list: readonly T[]): T =>
    list[numbers.next().value % list.length] as T;
  const key = () => `key ${pick([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])}`;
  await using opossum = await openOpossum({
    path,
    projections: [skipping, shutting],
    batchSize: pick([1, 3, 50]),
    logger: silentLogger,
  });
  for (let batch = 1;; batch++) {
    const events = Array.from({ length: pick([1, 2, 5]) }, () => {
      const fail = pick(["none", "none", ...FAILURES] as const);
      const data = { keys: [key(), key()], fail, only: key(), drop: false };
      return { ...toInput(data as Noted["data"]), id: crypto.randomUUID() };
    });
    const ids = events.map(({ id }) => id);
    say({ ids });
    const { first } = await opossum.events.append(events);
    say({ ids, first });
    if (batch % 20 === 0) {
      void opossum.rebuilder.rebuildAll({ forceRebuild: true });
    }
  }
}

if (import.meta.main) await run(Deno.args[0] ?? "", Number(Deno.args[1]));
