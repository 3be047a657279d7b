/**
 * Tidying up when a bench is interrupted: stores of gigabytes and servers must not stay behind.
 *
 * @module
 */
const SIGNALS = ["SIGINT", "SIGTERM"] as const;
/** What a shell says of a process that was interrupted. */
const EXIT_INTERRUPTED = 130;

const cleanups = new Set<() => void>();

function interrupt(): void {
  // The newest first: programs end before the folders they write to are deleted.
  for (const cleanup of [...cleanups].reverse()) {
    try {
      cleanup();
    } catch {
      // It ended or went by itself. The others want their turn.
    }
  }
  Deno.exit(EXIT_INTERRUPTED);
}

/**
 * Sees to it that something is done if SIGINT or SIGTERM ends the process.
 *
 * @param cleanup What to do; must not wait.
 * @returns Dispose it when there is nothing to do any more.
 */
export function onInterrupt(cleanup: () => void): Disposable {
  if (cleanups.size === 0) {
    for (const signal of SIGNALS) Deno.addSignalListener(signal, interrupt);
  }
  cleanups.add(cleanup);
  return {
    [Symbol.dispose]() {
      if (!cleanups.delete(cleanup) || cleanups.size > 0) return;
      for (const signal of SIGNALS) {
        Deno.removeSignalListener(signal, interrupt);
      }
    },
  };
}
