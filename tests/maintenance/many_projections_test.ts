import { assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../mod.ts";
import { inspectFolder } from "../../src/maintenance/inspect_folder.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { projections } from "../cli/counting_projections.ts";
import { TempDir } from "../support/temp_dir.ts";
import { filledStore } from "./maintenance_fixture.ts";

Deno.test("more projections than may be open at once are inspected in several passes over the log, and found the same", async () => {
  await using folder = await filledStore();
  {
    using database = new DatabaseSync(
      `${folder.path}/projections/Beta/000001.sqlite`,
    );
    database.exec("DELETE FROM document_tags WHERE key = 'a'");
  }
  const inspect = async (projectionsMax: number) => {
    using scratch = new TempDir();
    let openMax = 0;
    let runs = 0;
    const { ok, findings, compared = [], log } = await inspectFolder({
      fileSystem: denoFileSystem,
      path: folder.path,
      clock: systemClock,
      definitions: projections,
      scratch: scratch.path,
      deep: true,
      projectionsMax,
      onRun: () => void runs++,
      onStep() {
        const open = scratch.list().filter((name) => name.endsWith(".sqlite"));
        openMax = Math.max(openMax, open.length);
      },
    });
    const names = compared.map(({ projectionName }) => projectionName);
    assertEquals(scratch.list(), []);
    return { found: { ok, findings, names, runs, head: log.head }, openMax };
  };
  const together = await inspect(64);
  assertEquals(together.found.names, ["Alpha", "Beta"]);
  assertEquals(together.found.findings.map(({ file, what }) => [file, what]), [
    [
      "projections/Beta/000001.sqlite",
      "1 of 2 tags are not what the log says",
    ],
  ]);
  assertEquals(together.openMax, 2);
  assertEquals(await inspect(1), { found: together.found, openMax: 1 });
});
