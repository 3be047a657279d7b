/**
 * The token that a server asks for: from a file, or from the environment. Never an argument.
 *
 * @module
 */
import { readFileSync, statSync } from "node:fs";
import { type OptionValues, UsageError } from "../command.ts";
import type { CommandIo } from "../io.ts";

/** The environment variable. */
export const TOKEN_VARIABLE = "OPOSSUM_TOKEN";

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;
/** Bits of group and others. */
const OTHERS = 0o077;
/** Columns of a line of the server's own token file. */
const ID_SCOPE_TOKEN = 3;

/**
 * Finds the token.
 *
 * @param options `--token-file`, if given.
 * @param io Knows the environment.
 * @returns The token, or `undefined` when there is none: some servers ask for none.
 * @throws {UsageError} If the file or the variable cannot be used. The message never repeats what is
 * in it.
 */
export function findToken(
  { "token-file": file }: Pick<OptionValues, "token-file">,
  { env }: Pick<CommandIo, "env">,
): string | undefined {
  if (file === undefined) return fromEnvironment(env?.(TOKEN_VARIABLE));
  const token = tokenOf(readPrivately(file));
  if (token === undefined || !VISIBLE_ASCII.test(token)) {
    throw refusal(file, "its first line is no token");
  }
  return token;
}

/** What no header can hold is refused here: the platform's refusal repeats it. */
function fromEnvironment(text: string = ""): string | undefined {
  const token = text.trim();
  if (token === "") return undefined;
  if (VISIBLE_ASCII.test(token)) return token;
  throw new UsageError(
    `Cannot use $${TOKEN_VARIABLE} as it is no token: it has other characters than visible ASCII`,
  );
}

/** The token alone, or as it stands in the server's own file: `id scope token`. */
function tokenOf(text: string): string | undefined {
  const line = text.split("\n").map((each) => each.trim())
    .find((each) => each !== "" && !each.startsWith("#"));
  const words = line?.split(/[ \t]+/) ?? [];
  return words.length >= ID_SCOPE_TOKEN ? words[2] : words[0];
}

function readPrivately(file: string): string {
  let mode: number;
  let text: string;
  try {
    ({ mode } = statSync(file));
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw refusal(file, cause instanceof Error ? cause.message : String(cause));
  }
  if (Deno.build.os !== "windows" && (mode & OTHERS) !== 0) {
    throw refusal(file, "its group or others can use it: set its mode to 0600");
  }
  return text;
}

function refusal(file: string, reason: string): UsageError {
  return new UsageError(
    `Cannot use the token file ${JSON.stringify(file)} as ${reason}`,
  );
}
