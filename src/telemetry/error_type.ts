/**
 * What telemetry says about an error: its class and where it was thrown, never its message, for
 * messages quote what users stored.
 *
 * @module
 */

/** Stands for errors whose class has no usable name, as the semantic conventions have it. */
const OTHER = "_OTHER";

/**
 * The value of the attribute `error.type`.
 *
 * @param error Whatever was thrown.
 * @returns The error's class; its code where the class is plain `Error`, as with the file
 * system's `ENOSPC`; `_OTHER` when there is neither.
 */
export function errorType(error: unknown): string {
  if (!(error instanceof Error)) return OTHER;
  const { name } = error;
  const code: unknown = "code" in error ? error.code : undefined;
  if (
    name === "Error" && typeof code === "string" &&
    /^[A-Z_0-9]{1,64}$/.test(code)
  ) {
    return code;
  }
  return errorTypeNamed(name);
}

/**
 * The value of the attribute `error.type` where only the class is known.
 *
 * @param name The error's name, which anybody may have given it.
 * @returns The name; `_OTHER` when it cannot be that of a class.
 */
export function errorTypeNamed(name: string): string {
  return /^[\w$.]{1,128}$/.test(name) ? name : OTHER;
}

/**
 * Where an error was thrown.
 *
 * @param error Whatever was thrown.
 * @returns The frames of its stack, one a line, or `undefined` when it has none.
 */
export function stackFrames(error: unknown): string | undefined {
  if (!(error instanceof Error) || typeof error.stack !== "string") {
    return undefined;
  }
  // The message comes first and may hold any line, even one that looks like a frame.
  const text = error.stack.startsWith(`${error.name}: ${error.message}`)
    ? error.stack.slice(`${error.name}: ${error.message}`.length)
    : error.stack.replace(error.message, "");
  const frames = text.split("\n").filter((line) => /^ +at /.test(line));
  return frames.length === 0 ? undefined : frames.join("\n");
}
