/**
 * How many files the process may have open at a time, where the system tells.
 *
 * @module
 */

const LIMITS_FILE = "/proc/self/limits";

/** With fewer, the runtime itself may panic: where it starts a thread, for instance. */
export const DESCRIPTORS_MIN = 200;

/**
 * The limit of open files. Needs Linux and `--allow-all`: the runtime shows what the system tells of
 * a process to nobody else.
 *
 * @returns The limit, or `undefined` where it cannot be told.
 */
export function descriptorLimit(): number | undefined {
  if (Deno.build.os !== "linux") return undefined;
  // Asked first: to just try would prompt on a terminal.
  const read = { name: "read", path: LIMITS_FILE } as const;
  if (Deno.permissions.querySync(read).state !== "granted") return undefined;
  try {
    return parseLimit(Deno.readTextFileSync(LIMITS_FILE));
  } catch {
    return undefined;
  }
}

/**
 * Reads the limit of open files.
 *
 * @param limits What the system tells of all limits.
 */
export function parseLimit(limits: string): number | undefined {
  const [, soft] = /^Max open files +(\d+) /m.exec(limits) ?? [];
  return soft === undefined ? undefined : Number(soft);
}
