/**
 * Reading the body of a request: so many bytes at most, and within a time of its own, as the
 * runtime's server would wait forever.
 *
 * @module
 */
import type { Context } from "hono";
import { remoteAddressOf } from "./client_address.ts";
import { bodyTimeoutOf } from "./limits.ts";
import { ProblemError } from "./problem.ts";

/** What is left unread keeps the server from taking another request from the same connection. */
const CLOSE = { "Connection": "close" };

/**
 * Whether a request may have a body.
 *
 * @param context The request's context.
 * @returns `false` where it surely has none.
 */
export function mayHaveBody(context: Context): boolean {
  const { req } = context;
  const length = req.header("content-length");
  if (length !== undefined) return length !== "0";
  // On the wire a body of unknown length is chunked; the runtime makes much of being asked.
  return req.header("transfer-encoding") !== undefined ||
    (remoteAddressOf(context) === undefined && req.raw.body !== null);
}

/**
 * Reads the body of a request.
 *
 * @param context The request's context.
 * @param bytesMax The largest body, in bytes.
 * @returns The bytes. Nothing beyond the limit is read.
 * @throws {ProblemError} 413 if it is larger, 408 if it does not arrive in time, 400 if it is cut
 * off or its chunks are malformed.
 */
export async function readBody(
  context: Context,
  bytesMax: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { body } = context.req.raw;
  if (body === null) return new Uint8Array();
  if (Number(context.req.header("content-length") ?? 0) > bytesMax) {
    throw tooLarge(bytesMax);
  }
  const { ms, clock } = bodyTimeoutOf(context);
  const done = new AbortController();
  const late = clock.sleep(ms, done.signal).then(() => "late" as const);
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const reading = reader.read().catch(() => "broken" as const);
      const next = await Promise.race([reading, late]);
      if (next === "late") throw tooLate(ms);
      if (next === "broken") throw brokenOff();
      if (next.done) return keep(context, joined(chunks, length));
      length += next.value.length;
      if (length > bytesMax) throw tooLarge(bytesMax);
      chunks.push(next.value);
    }
  } finally {
    done.abort();
  }
}

/** Whatever parses the body later parses these bytes. */
function keep(
  context: Context,
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  // Declared as what is awaited, not as the promise of it that it holds.
  const cache: { arrayBuffer?: unknown } = context.req.bodyCache;
  cache.arrayBuffer = Promise.resolve(bytes.buffer);
  return bytes;
}

function joined(
  chunks: readonly Uint8Array[],
  length: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

function tooLarge(bytesMax: number): ProblemError {
  return new ProblemError({
    kind: "content-too-large",
    status: 413,
    title: "Content too large",
    detail: `The body of the request exceeds ${bytesMax} bytes`,
    headers: CLOSE,
  });
}

function tooLate(ms: number): ProblemError {
  return new ProblemError({
    kind: "request-timeout",
    status: 408,
    title: "Request timeout",
    detail: `The body of the request did not arrive within ${ms} ms`,
    headers: CLOSE,
  });
}

function brokenOff(): ProblemError {
  return new ProblemError({
    kind: "malformed-body",
    status: 400,
    title: "Malformed body",
    detail: "The body of the request was cut off, or its chunks are malformed",
    headers: CLOSE,
  });
}
