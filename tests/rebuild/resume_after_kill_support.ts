/**
 * Starts programs and kills them at a given mark.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ChildTask } from "./resume_after_kill_child.ts";
import { type Mark, MARKS } from "./resume_after_kill_projections.ts";

/** When to kill. */
export type KillPoint = MarkPoint | FilePoint;

/** At a mark. */
export interface MarkPoint {
  /** Only such marks count. @default {all} */
  readonly kind?: Mark;
  /** At this one of them, an integer from 1. */
  readonly count: number;
  /** Whether the program waits there for its end, or runs on until it comes. */
  readonly held: boolean;
}

/** Soon after a file changed. */
export interface FilePoint {
  /** At this one of the changes to files of projections, an integer from 1. */
  readonly fileChanges: number;
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PROGRAM = "tests/rebuild/resume_after_kill_child.ts";

/**
 * Runs the program and kills it, with no chance to clean up.
 *
 * @param task What the program is to do.
 * @param point When to kill it.
 * @returns Whether it was killed; otherwise it had come to its end before.
 */
export async function runAndKill(
  task: ChildTask,
  point: KillPoint,
): Promise<boolean> {
  const isHeld = "held" in point && point.held;
  const watcher = Deno.watchFs(join(task.path, "projections"));
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-read",
      "--allow-write",
      "--allow-env",
      "--allow-sys",
      PROGRAM,
      JSON.stringify(task),
    ],
    cwd: ROOT,
    env: { [MARKS]: isHeld ? "held" : "free", NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text();
  const killing = "fileChanges" in point
    ? killAtChange(child, watcher, point)
    : Promise.resolve();
  await killAtMark(child, "fileChanges" in point ? undefined : point);
  const { success, signal } = await child.status;
  watcher.close();
  await killing;
  const text = await errors;
  if (signal !== "SIGKILL" && !success) {
    throw new Error(`The program failed: ${text}`);
  }
  return signal === "SIGKILL";
}

async function killAtChange(
  child: Deno.ChildProcess,
  watcher: Deno.FsWatcher,
  { fileChanges }: FilePoint,
): Promise<void> {
  let left = fileChanges;
  for await (const { kind } of watcher) {
    if (kind !== "access" && --left === 0) kill(child);
  }
}

/** Takes the marks until the end; kills at one of them, when it is told at which. */
async function killAtMark(
  child: Deno.ChildProcess,
  point: MarkPoint | undefined,
): Promise<void> {
  const answers = child.stdin.getWriter();
  let left = point?.count ?? Infinity;
  for await (const marks of child.stdout) {
    for (const mark of marks) {
      const counts = point?.kind === undefined ||
        point.kind.charCodeAt(0) === mark;
      if (counts) left--;
      if (left === 0) kill(child);
      // It may have ended meanwhile; its status will tell how.
      if (left > 0 && point?.held) {
        await answers.write(new Uint8Array(1)).catch(() => {});
      }
    }
  }
  // What it did not take is of no use any more.
  await answers.abort().catch(() => {});
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It came to its end first.
  }
}
