/**
 * What the sample's commands need of the process that runs them, so that tests can run them too.
 *
 * @module
 */

/** Where a command writes, and who stops it. */
export interface Terminal {
  /** Takes a line of what was asked for. */
  readonly print: (line: string) => void;
  /** Takes a line about how it goes. */
  readonly report: (line: string) => void;
  /** Whether somebody watches, so that a progress bar makes sense. */
  readonly isInteractive: boolean;
  /** Reads an environment variable. */
  readonly env: (name: string) => string | undefined;
  /** Stops the command. */
  readonly signal: AbortSignal;
}

/** Exit status: all went well. */
export const EXIT_OK = 0;
/** Exit status: it did not work. */
export const EXIT_FAILURE = 1;
/** Exit status: the command was called wrongly. */
export const EXIT_USAGE = 2;
/** Exit status: stopped by SIGINT, as shells have it. */
export const EXIT_INTERRUPTED = 130;

/** The command was called wrongly: see its help. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * The process's own terminal, whose signal aborts on SIGINT and SIGTERM.
 *
 * @returns The terminal.
 */
export function processTerminal(): Terminal {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => stop.abort());
  }
  return {
    // deno-lint-ignore no-console -- the command's own output
    print: (line) => console.log(line),
    report: writeToStderr,
    isInteractive: Deno.stderr.isTerminal(),
    env: readVariable,
    signal: stop.signal,
  };
}

/**
 * Past the console: Deno's own OpenTelemetry exports that as it is, and these lines hold messages of
 * errors.
 */
function writeToStderr(line: string): void {
  let rest = new TextEncoder().encode(`${line}\n`);
  try {
    while (rest.length > 0) rest = rest.subarray(Deno.stderr.writeSync(rest));
  } catch {
    // Nobody reads it any more: that must not stop the command.
  }
}

function readVariable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (error) {
    // Not allowed to look: then there is none.
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

/**
 * Reads what a command was called with.
 *
 * @param read Reads it.
 * @returns What it read.
 * @throws {UsageError} If it throws; with its words.
 */
export function readCall<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : "", {
      cause,
    });
  }
}

/**
 * Reads an option that is a whole number.
 *
 * @param option Its name, for the message.
 * @param text What was given.
 * @param min The least.
 * @param max The greatest.
 * @returns The number.
 * @throws {UsageError} If it is anything else.
 */
export function integerOption(
  option: string,
  text: string,
  min: number,
  max: number,
): number {
  const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max)) {
    throw new UsageError(
      `Option '${option}' must be an integer from ${min} to ${max}: current value is ${
        JSON.stringify(text)
      }`,
    );
  }
  return value;
}
