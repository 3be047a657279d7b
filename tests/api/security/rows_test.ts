/** The table in SECURITY.md and the tests that it names. */
import { assert, assertEquals } from "@std/assert";
import { ROOT } from "../../support/source_files.ts";

/** Rows of the acceptance list, but for those of group B, which are about operations. */
const COUNTS = { A: 10, C: 3, D: 10, E: 10, G: 6 };

Deno.test("SECURITY.md has every row, each with a test of that name in the file that it names", async () => {
  const text = await Deno.readTextFile(`${ROOT}SECURITY.md`);
  const table = new Map<string, string>();
  for (const line of text.split("\n")) {
    const cells = line.split("|").map((cell) => cell.trim());
    const [, row = ""] = cells;
    if (/^[A-G]\d+$/.test(row)) table.set(row, cells.at(-2) ?? "");
  }
  for (const [group, count] of Object.entries(COUNTS)) {
    for (let i = 1; i <= count; i++) assert(table.has(group + i), group + i);
  }
  for (const [row, where] of table) {
    const task = /^`deno task (\S+)`$/.exec(where)?.[1];
    if (task !== undefined) {
      const manifest = await Deno.readTextFile(`${ROOT}deno.json`);
      assert(manifest.includes(`"${task}": {`), task);
      continue;
    }
    for (const file of where.split(", ")) {
      const source = await Deno.readTextFile(
        `${ROOT}tests/api/security/${file}`,
      );
      const names = source.match(new RegExp(`"row ${row}: `, "g")) ?? [];
      assertEquals([row, file, names.length > 0], [row, file, true]);
    }
  }
});
