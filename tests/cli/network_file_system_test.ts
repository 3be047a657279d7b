import {
  assertEquals,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { TempDir } from "../support/temp_dir.ts";
import { fillStore, modulePath, runCommand } from "./cli_fixture.ts";

const PROJECTIONS = modulePath("counting_projections.ts");

/** Until it is disposed, every folder of the machine looks like one on NFS. */
function onNfs(): Disposable {
  const { type } = denoFileSystem;
  Object.assign(denoFileSystem, { type: () => 0x6969 });
  return {
    [Symbol.dispose]: () => void Object.assign(denoFileSystem, { type }),
  };
}

Deno.test("every command that opens a store takes --allow-network-file-system, and refuses without it", async () => {
  for (
    const command of [
      ["checkpoints", "--projections", PROJECTIONS],
      ["checkpoints", "--projections", PROJECTIONS, "--read-only"],
      // Both open a store only when there is something to do.
      ["repair", "--apply"],
      ["salvage", "TARGET"],
    ]
  ) {
    using dir = new TempDir();
    const data = dir.file("data");
    await fillStore(data, [{ type: "A", tags: [], data: {} }]);
    const [segment] = [...Deno.readDirSync(`${data}/events`)];
    if (command[0] === "repair") {
      const path = `${data}/events/${segment?.name}`;
      Deno.writeTextFileSync(path, '{"frame":2,', { append: true });
    }
    using _nfs = onNfs();
    const args = [
      ...command.map((word) => word === "TARGET" ? dir.file("new") : word),
      "--data",
      data,
    ];
    const refused = await runCommand(args);
    assertNotEquals(refused.exitCode, 0, `${command}`);
    assertStringIncludes(refused.reports.join("\n"), "network file system");
    const allowed = await runCommand([...args, "--allow-network-file-system"]);
    assertEquals(allowed.exitCode, 0, `${command}: ${allowed.reports}`);
  }
});
