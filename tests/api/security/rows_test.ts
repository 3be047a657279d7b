/** The table in SECURITY.md and the tests that it names. */
import { assert, assertEquals } from "@std/assert";
import { ROOT } from "../../support/source_files.ts";

/** Rows of the acceptance list by group. */
const COUNTS = { A: 10, B: 12, C: 3, D: 10, E: 10, G: 6 };

Deno.test("SECURITY.md has every row, each with a test of that name in the file that it names", async () => {
  const text = await Deno.readTextFile(`${ROOT}SECURITY.md`);
  const table: [row: string, where: string][] = [];
  for (const line of text.split("\n")) {
    const cells = line.split("|").map((cell) => cell.trim());
    const [, row = ""] = cells;
    if (/^[A-G]\d+$/.test(row)) table.push([row, cells.at(-2) ?? ""]);
  }
  for (const [group, count] of Object.entries(COUNTS)) {
    for (let i = 1; i <= count; i++) {
      assert(table.some(([row]) => row === group + i), group + i);
    }
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
      // Some tests are about several rows.
      const name = new RegExp(
        `"(?:row )?(?:[A-G]\\d+, )*${row}(?:, [A-G]\\d+)*: `,
      );
      assertEquals([row, file, name.test(source)], [row, file, true]);
    }
  }
});
