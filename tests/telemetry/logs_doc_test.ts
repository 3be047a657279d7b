import { assertEquals } from "@std/assert";
import { LOG_FIELDS, type LogFieldDefinition } from "../../mod.ts";

Deno.test("docs/TELEMETRY.md lists the fields of log records as LOG_FIELDS has them", () => {
  const url = new URL("../../docs/TELEMETRY.md", import.meta.url);
  const [, table = ""] = /\n\| field [^\n]*\n\|[^\n]*\n((?:\|[^\n]*\n)+)/
    .exec(Deno.readTextFileSync(url)) ?? [];
  const rows = table.trimEnd().split("\n").map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  );
  assertEquals(
    rows,
    Object.entries<LogFieldDefinition>(LOG_FIELDS).map((
      [name, { meaning, attribute }],
    ) => [
      `\`${name}\``,
      meaning,
      attribute === undefined ? "–" : `\`${attribute}\``,
    ]),
  );
});
