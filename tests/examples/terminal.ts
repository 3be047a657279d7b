/**
 * A terminal for the sample's commands that keeps what they write.
 *
 * @module
 */
import type { Terminal } from "../../examples/course_management/terminal.ts";

/** A terminal, and what was written to it. */
export interface RecordedTerminal extends Terminal {
  readonly printed: string[];
  readonly reported: string[];
  /** Stops the command, as SIGINT would. */
  interrupt(): void;
}

/** A terminal that nobody watches. */
export function recordTerminal(
  options: {
    readonly env?: Readonly<Record<string, string>>;
    /** Sees every line as it is printed. */
    readonly onPrint?: (line: string) => void;
    /** Sees every line as it is reported. */
    readonly onReport?: (line: string) => void;
  } = {},
): RecordedTerminal {
  const printed: string[] = [];
  const reported: string[] = [];
  const stop = new AbortController();
  return {
    printed,
    reported,
    isInteractive: false,
    print(line) {
      printed.push(line);
      options.onPrint?.(line);
    },
    report(line) {
      reported.push(line);
      options.onReport?.(line);
    },
    env: (name) => options.env?.[name],
    signal: stop.signal,
    interrupt: () => stop.abort(),
  };
}
