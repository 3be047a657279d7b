/**
 * Brings projections up to the log's last position without rebuilding them.
 *
 * @module
 */
import { systemClock } from "../events/clock.ts";
import type { Position } from "../events/event.ts";
import type { Opossum } from "../opossum.ts";
import type { ProjectionInfo } from "../projections/projections.ts";
import type { Progress } from "./progress.ts";

const INTERVAL_MS = 50;

/** What came of one projection. */
export interface CaughtUp {
  /** The projection. */
  readonly projectionName: string;
  /** Whether it has applied the log up to where it ended when we began. */
  readonly success: boolean;
  /** Where it stood before. */
  readonly from: Position;
  /** Where it stands now. */
  readonly to: Position;
  /** Why it stands still, or `null`. */
  readonly errorMessage: string | null;
}

/**
 * Lets the daemon apply what is missing, up to where the log ends now.
 *
 * @param opossum The store; its daemon must not run.
 * @param names The projections to look at; those that are ready and behind are brought up to date.
 * @param progress Where to show how far it is.
 * @param signal Gives up by throwing its reason; what is applied stays.
 * @returns Those that were behind.
 */
export async function catchUp(
  opossum: Opossum,
  names: readonly string[],
  progress: Progress,
  signal: AbortSignal,
): Promise<readonly CaughtUp[]> {
  const { events, daemon } = opossum;
  const head = await events.head();
  const isBehind = ({ state, checkpoint }: ProjectionInfo) =>
    state === "ready" && checkpoint < head;
  const before = (await infosOf(opossum, names)).filter(isBehind);
  if (before.length === 0) return [];
  await daemon.start();
  try {
    for (;;) {
      const now = await infosOf(opossum, before.map(({ name }) => name));
      for (const { name, checkpoint } of now) {
        progress.show({
          name,
          phase: "catching up",
          value: Math.min(checkpoint, head),
          total: head,
        });
      }
      if (!now.some(isBehind)) {
        return now.map((info, index) =>
          toCaughtUp(info, before[index]?.checkpoint ?? 0, head)
        );
      }
      await systemClock.sleep(INTERVAL_MS, signal);
      signal.throwIfAborted();
    }
  } finally {
    await daemon.stop();
  }
}

async function infosOf(
  { projections }: Opossum,
  names: readonly string[],
): Promise<ProjectionInfo[]> {
  return await Promise.all(names.map((name) => projections.info(name)));
}

function toCaughtUp(
  { name, state, checkpoint, fault }: ProjectionInfo,
  from: Position,
  head: Position,
): CaughtUp {
  const success = checkpoint >= head;
  return {
    projectionName: name,
    success,
    from,
    to: checkpoint,
    errorMessage: success ? null : fault?.message ?? `it is ${state}`,
  };
}
