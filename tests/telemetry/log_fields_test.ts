/**
 * Every call of a logger, read from the source: what it says may be searched for by names that
 * mean the same everywhere.
 *
 * @module
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { LOG_FIELDS } from "../../mod.ts";
import { sourceFiles } from "../support/source_files.ts";

/** A call, as it stands in the source. */
interface LogCall {
  readonly where: string;
  /** Its arguments. */
  readonly args: readonly string[];
}

const files = sourceFiles("src", "api", "examples");
const calls = files.flatMap(({ path, text }) => logCalls(path, text));

Deno.test("every record bears the fields of the list alone, written out where it is made", () => {
  assertGreater(calls.length, 60);
  const offences = calls.flatMap(({ where, args }) => {
    const [, , attributes] = args;
    if (attributes === undefined) return [];
    if (!/^\{[^]*\}$/.test(attributes)) return [`${where}: ${attributes}`];
    return parts(attributes.slice(1, -1))
      .map((part) => /^(\w+)\s*(?::|$)/.exec(part)?.[1] ?? part)
      .filter((name) => !Object.hasOwn(LOG_FIELDS, name))
      .map((name) => `${where}: ${name}`);
  });
  assertEquals(offences, []);
});

Deno.test("every field of the list is used, and has one attribute at most", () => {
  const used = new Set(
    calls.flatMap(({ args: [, , attributes = "{}"] }) =>
      parts(attributes.slice(1, -1)).map((part) => /^\w*/.exec(part)?.[0])
    ),
  );
  const addedByTheLibrary = ["traceId", "spanId"];
  assertEquals(
    Object.keys(LOG_FIELDS).filter((name) =>
      !used.has(name) && !addedByTheLibrary.includes(name)
    ),
    [],
  );
  const attributes = Object.values(LOG_FIELDS).flatMap((field) =>
    "attribute" in field ? [field.attribute] : []
  );
  assertEquals(attributes.length, new Set(attributes).size);
});

Deno.test("no message is that of an error, which may quote what users stored", () => {
  const offences = calls.filter(({ args: [, message = ""] }) =>
    // Words do not matter, but what is put between them.
    /\berror\b|\bcause\b|\breason\b|\.message\b/i.test(
      message.replace(/"(?:[^"\\]|\\.)*"/g, "")
        .replace(/(?:`|\})[^`$]*/g, ""),
    )
  );
  assertEquals(offences, []);
});

function logCalls(path: string, text: string): LogCall[] {
  const code = text.replace(/^\s*(?:\*|\/\/).*$/gm, "");
  return [...code.matchAll(/\blogger\??\s*\.log\(/gi)].map((match) => {
    const args = parts(code.slice(match.index + match[0].length));
    return {
      where: `${path}: ${args[1]}`,
      args,
    };
  }).filter(({ args: [level = ""] }) => level !== "level");
}

/** The parts of a text that commas separate, up to the bracket that closes it. */
function parts(text: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let quote = "";
  let part = "";
  for (let i = 0; i < text.length; i++) {
    const unit = text[i] ?? "";
    if (quote !== "") {
      if (unit === "\\") part += text[i++];
      else if (unit === quote) quote = "";
    } else if (`"'\``.includes(unit)) quote = unit;
    else if ("([{".includes(unit)) depth++;
    else if (")]}".includes(unit) && --depth < 0) break;
    else if (unit === "," && depth === 0) {
      found.push(part.trim());
      part = "";
      continue;
    }
    part += text[i];
  }
  assert(quote === "", `A quote is not closed: ${part}`);
  return [...found, part.trim()].filter((each) => each !== "");
}
