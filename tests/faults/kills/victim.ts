/**
 * Runs the program that is killed, and keeps what it said: what it was told is stored counts once
 * it was read here.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { type Position, systemClock } from "../../../mod.ts";
import type { AppendCall } from "../invariants.ts";
import {
  FAULT_LINE,
  type FaultPoint,
  type Phase,
  type VictimMessage,
  type VictimTask,
} from "./messages.ts";

/** Disturbs a program at a call. */
export interface Disturber {
  /**
   * How the program is started.
   *
   * @param task What it is to do.
   * @param point Which call is disturbed, and how.
   * @returns The command and its environment, and what to tell the program.
   */
  prepare(task: VictimTask, point: FaultPoint): {
    readonly command: readonly [string, ...string[]];
    readonly task: VictimTask;
  };
}

/** The call that was disturbed. */
export interface Strike {
  readonly kind: string;
  /** `"write"`, `"rename"` … */
  readonly call: string;
  /** Of the data folder. */
  readonly file: string;
}

/** What became of a run of the program. */
export interface VictimReport {
  /** What was disturbed; `undefined` when the program came to its end before. */
  readonly strike: Strike | undefined;
  /** Whether it was killed. */
  readonly wasKilled: boolean;
  /** What it was doing last. */
  readonly phase: Phase;
  /** The appends that it began, but for those that were refused. */
  readonly calls: readonly AppendCall[];
  /** What it read. */
  readonly seen: ReadonlyMap<Position, string>;
  /** Whether it damaged documents, and was not told that they are mended. */
  readonly isDamaged: boolean;
}

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
/** What Deno needs besides `--allow-run`, with which a program may kill itself. */
const PERMISSIONS = [
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys",
];
/** A run takes less than a second: one that takes this long hangs. */
const HANG_MS = 120_000;

/** The program with its file system port as the disturber: needs no tools. */
export const portDisturber: Disturber = {
  prepare: (task, portFault) => ({
    command: denoCommand("--allow-run"),
    task: { ...task, portFault },
  }),
};

/** The words that start the program, but for its task. */
export function denoCommand(
  ...permissions: readonly string[]
): [string, ...string[]] {
  const program = "tests/faults/kills/victim_program.ts";
  return [Deno.execPath(), "run", ...PERMISSIONS, ...permissions, program];
}

/**
 * Runs the program until its end.
 *
 * @param disturber Who disturbs it.
 * @param planned What it is to do.
 * @param point Which call is disturbed, and how.
 * @returns What became of it.
 * @throws If it failed of itself, or hangs.
 */
export async function runVictim(
  disturber: Disturber,
  planned: VictimTask,
  point: FaultPoint,
): Promise<VictimReport> {
  const { command: [command, ...args], task } = disturber.prepare(
    planned,
    point,
  );
  const child = new Deno.Command(command, {
    args: [...args, JSON.stringify(task)],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let isHung = false;
  const ended = new AbortController();
  const watching = systemClock.sleep(HANG_MS, ended.signal).then(() => {
    if (ended.signal.aborted) return;
    isHung = true;
    child.kill("SIGKILL");
  });
  const { stdout, stderr, success, signal } = await child.output();
  ended.abort();
  await watching;
  const errors = new TextDecoder().decode(stderr);
  const strike = strikeOf(errors, task.path);
  const wasKilled = !isHung && signal === "SIGKILL" && strike !== undefined;
  if (isHung || !success && !wasKilled) {
    const what = isHung ? "hangs" : `failed (${signal ?? "no signal"})`;
    throw new Error(`The program ${what}: ${errors}`);
  }
  const messages = messagesIn(new TextDecoder().decode(stdout));
  return { strike, wasKilled, ...gather(messages) };
}

function strikeOf(errors: string, path: string): Strike | undefined {
  const pattern = new RegExp(`^${FAULT_LINE} (\\S+) (\\S+) (.*)$`, "m");
  const [, kind, call, file] = pattern.exec(errors) ?? [];
  if (!kind || !call || !file) return undefined;
  return { kind, call, file: file.replace(`${path}/`, "") };
}

function messagesIn(text: string): VictimMessage[] {
  // A line without its end was being written: nobody read it.
  return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

function gather(
  messages: readonly VictimMessage[],
): Pick<VictimReport, "phase" | "calls" | "seen" | "isDamaged"> {
  let phase: Phase = "open";
  let isDamaged = false;
  const calls = new Map<number, AppendCall>();
  const seen = new Map<Position, string>();
  for (const message of messages) {
    switch (message.kind) {
      case "phase":
        phase = message.phase;
        break;
      case "call": {
        const { call, ids, condition } = message;
        calls.set(call, { ids, ...(condition ? { condition } : {}) });
        break;
      }
      case "stored": {
        const begun = calls.get(message.call);
        if (begun) calls.set(message.call, { ...begun, first: message.first });
        break;
      }
      case "damaging":
        isDamaged = true;
        break;
      case "mended":
        isDamaged = false;
        break;
      case "refused":
        calls.delete(message.call);
        break;
      case "saw": {
        const { position, id } = message;
        const before = seen.get(position);
        if (before !== undefined && before !== id) {
          throw new Error(
            `I3 does not hold: ${position} was ${before} and ${id}`,
          );
        }
        seen.set(position, id);
      }
    }
  }
  return { phase, calls: [...calls.values()], seen, isDamaged };
}
