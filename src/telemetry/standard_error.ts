/**
 * Standard error, past the console.
 *
 * @module
 */
import { harmless } from "./harmless.ts";

/**
 * Writes a line to standard error itself. Deno's own OpenTelemetry exports what is written to the
 * console as it is, or takes it away from standard error: but lines hold messages of errors, which
 * may quote events, and the last words of a process that ends would be lost.
 *
 * @param line The line, without its end. One that cannot be written is lost.
 */
export function writeToStandardError(line: string): void {
  let rest = new TextEncoder().encode(`${line}\n`);
  harmless(() => {
    while (rest.length > 0) rest = rest.subarray(Deno.stderr.writeSync(rest));
  });
}
