import { assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { assertRefused, FILE } from "./sums_fixture.ts";

/** Changes the number of a row where it stands, so that the rows are not in order any more. */
function renumber(file: string, table: string, row: number, to: number): void {
  let rootPage = 0;
  let pageBytes = 0;
  {
    using database = new DatabaseSync(file);
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    rootPage = Number(
      database.prepare("SELECT rootpage FROM sqlite_master WHERE name = ?")
        .get(table)?.rootpage,
    );
    pageBytes = Number(database.prepare("PRAGMA page_size").get()?.page_size);
  }
  const bytes = Deno.readFileSync(file);
  const view = new DataView(bytes.buffer, (rootPage - 1) * pageBytes);
  const leafOfTable = 13;
  assertEquals(view.getUint8(0), leafOfTable);
  const cells = Array.from(
    { length: view.getUint16(3) },
    (_, i) => view.getUint16(8 + 2 * i),
  );
  // A byte each, as long as rows are short and few: the length of the row, and its number.
  const cell = cells.find((at) => view.getUint8(at + 1) === row) ?? -1;
  view.setUint8(cell + 1, to);
  Deno.writeFileSync(file, bytes);
}

Deno.test("repair() comes to an end, and refuses, when rows are not in the order of their numbers", async () => {
  using dir = new TempDir();
  const related = countingProjection("Sums", {
    related: { eventTypes: ["Counted"], tags: () => [] },
  });
  const log = new MemoryEventStore();
  const open = () =>
    openOverMemory(dir.path, [related], { enableAutoRebuild: false }, log);
  await log.append(counts(6).map((event) => ({ ...event, tags: ["t"] })));
  {
    await using opossum = open();
    await opossum.rebuilder.rebuild("Sums");
  }
  // One bit or two: who looks for what comes after row 6 is led to row 101, and to row 6 again.
  renumber(dir.file(FILE), "related_tags", 5, 101);
  await using opossum = open();
  await assertRefused(() => opossum.rebuilder.repair("Sums"), "damaged");
  assertEquals((await opossum.projections.info("Sums")).state, "damaged");
});
