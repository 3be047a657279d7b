/**
 * Tokens in a file of their own, which can be changed while the server runs.
 *
 * ```
 * # id      scope     token                                          ends (optional)
 * grafana   read      k3Jm0q8Yw2VfT6bZr1XsPe9Lh4Nc7Ud5
 * ada       operate   Qe8Rt1Yu6Io3Pa9Sd4Fg7Hj2Kl5Zx0Cv               2027-01-01T00:00:00Z
 * ```
 *
 * @module
 */
import type { Logger } from "../mod.ts";
import type { AdminScope } from "./principal.ts";
import { type AdminToken, knownTokens } from "./tokens.ts";

/** Bytes of the largest file. */
const FILE_BYTES_MAX = 1_048_576;
/** Bits of group and others. */
const OTHERS = 0o077;
/** File systems keep times at this grain or finer, in milliseconds. */
const TIME_GRAIN_MS = 2_000;

/** A token file cannot be used. The message never repeats what is in it. */
export class TokenFileError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "TokenFileError";

  /**
   * Creates the error.
   *
   * @param path The file.
   * @param reason What is wrong with it.
   * @param options `cause`: what the system said.
   */
  constructor(
    /** The file. */
    readonly path: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`Cannot use the token file "${path}" as ${reason}`, options);
  }
}

/**
 * Reads a token file: a token a line, `id scope token`, with the scope `read` or `operate`, and
 * when it ends, if ever. Empty lines and lines that begin with `#` are passed over.
 *
 * @param path The file. Only its owner may be able to read it (mode 0600 or 0400).
 * @returns The tokens, to be given as `auth.tokens`.
 * @throws {TokenFileError} If it cannot be read, others can read it, or a line is unusable.
 *
 * @example
 * ```ts
 * import { readTokenFile } from "@opossum/deno/api";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile();
 * const token = crypto.randomUUID() + crypto.randomUUID();
 * await Deno.writeTextFile(path, `# who   scope    token\nada     operate  ${token}\n`);
 * await Deno.chmod(path, 0o600);
 * assertEquals(readTokenFile(path), [{ id: "ada", token, scopes: ["operate"] }]);
 * await Deno.remove(path);
 * ```
 */
export function readTokenFile(path: string): readonly AdminToken[] {
  return load(path).tokens;
}

/**
 * Reads a token file, and again whenever it has changed: tokens are added, rotated and revoked
 * without a restart. Replace the file by renaming another one over it. While it is missing or
 * unusable, the last tokens stay in force, and the log says so.
 *
 * @param path The file, as for {@linkcode readTokenFile}.
 * @param logger Told of reloads, and of files that cannot be used.
 * @returns What to give as `auth.tokens`.
 * @throws {TokenFileError} If it cannot be used to begin with.
 */
export function watchTokenFile(
  path: string,
  logger: Logger,
): () => readonly AdminToken[] {
  let loaded = load(path);
  let complaint: string | undefined;
  // Asked at each request, which costs a few microseconds and misses nothing.
  return () => {
    try {
      const seen = identityOf(Deno.statSync(path));
      if (seen !== undefined && seen === loaded.identity) return loaded.tokens;
      const fresh = load(path);
      const isNew = fresh.text !== loaded.text;
      loaded = fresh;
      if (isNew || complaint !== undefined) {
        logger.log("info", "Tokens were read from their file again", {
          principals: loaded.tokens.map(({ id }) => id),
        });
      }
      complaint = undefined;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      // Once: requests come by the thousand.
      if (reason !== complaint) {
        logger.log(
          "error",
          "The token file cannot be used: the last tokens stay in force",
          {
            error,
          },
        );
      }
      complaint = reason;
    }
    return loaded.tokens;
  };
}

interface LoadedTokens {
  readonly tokens: readonly AdminToken[];
  readonly text: string;
  readonly identity: string | undefined;
}

function load(path: string): LoadedTokens {
  const { text, identity } = readPrivately(path);
  const tokens = text.split("\n").flatMap((line, i) =>
    parse(path, line, i + 1)
  );
  if (tokens.length === 0) throw new TokenFileError(path, "it holds no token");
  try {
    knownTokens(tokens);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TokenFileError(path, `a token is unusable: ${reason}`, { cause });
  }
  return { tokens, text, identity };
}

function readPrivately(path: string): Omit<LoadedTokens, "tokens"> {
  try {
    using file = Deno.openSync(path, { read: true });
    // Of the open file: what is checked is what is read.
    const info = file.statSync();
    if (!info.isFile) throw new TokenFileError(path, "it is no file");
    if (info.mode !== null && (info.mode & OTHERS) !== 0) {
      throw new TokenFileError(
        path,
        "its group or others can use it: set its mode to 0600, and make new tokens if others may have read these",
      );
    }
    if (info.size > FILE_BYTES_MAX) {
      throw new TokenFileError(path, `it exceeds ${FILE_BYTES_MAX} bytes`);
    }
    const bytes = new Uint8Array(info.size);
    let length = 0;
    for (let n = 1; n > 0 && length < bytes.length; length += n) {
      n = file.readSync(bytes.subarray(length)) ?? 0;
    }
    const text = new TextDecoder("utf-8", { fatal: true })
      .decode(bytes.subarray(0, length));
    return { text, identity: identityOf(info) };
  } catch (cause) {
    if (cause instanceof TokenFileError) throw cause;
    const reason = cause instanceof TypeError
      ? "it is not valid UTF-8"
      : `it cannot be read: ${cause instanceof Error ? cause.message : cause}`;
    throw new TokenFileError(path, reason, { cause });
  }
}

/** `undefined` while another change could bear the same time: it is read again then. */
function identityOf(info: Deno.FileInfo): string | undefined {
  const mtimeMs = info.mtime?.getTime() ?? 0;
  if (Date.now() - mtimeMs < TIME_GRAIN_MS) return undefined;
  return [info.dev, info.ino, info.mode, info.size, mtimeMs].join(":");
}

function parse(path: string, line: string, number: number): AdminToken[] {
  const text = line.trim();
  if (text === "" || text.startsWith("#")) return [];
  const [id = "", scope = "", token, expiresAt, ...rest] = text.split(/[ \t]+/);
  if (token === undefined || rest.length > 0) {
    throw new TokenFileError(
      path,
      `line ${number} is not "id scope token", with when it ends or without`,
    );
  }
  if (scope !== "read" && scope !== "operate") {
    throw new TokenFileError(
      path,
      `the scope in line ${number} is neither "read" nor "operate"`,
    );
  }
  const scopes: AdminScope[] = [scope];
  return [{
    id,
    token,
    scopes,
    ...(expiresAt === undefined ? {} : { expiresAt }),
  }];
}
