/**
 * Damaged stores, and the commands that look at them.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { openOpossum, silentLogger } from "../../mod.ts";
import { openFileEventStore } from "../../src/log/file_event_store.ts";
import { runCommand } from "../cli/cli_fixture.ts";
import { projections } from "../cli/counting_projections.ts";
import { TestFolder } from "../log/support.ts";
import { counts } from "../support/course_fixture.ts";

/** Where the definitions are. */
const MODULE = new URL("../cli/counting_projections.ts", import.meta.url).href;

/** A store of 12 appends of two events in several segments, with two projections. */
export async function filledStore(): Promise<TestFolder> {
  const folder = new TestFolder();
  {
    await using store = await openFileEventStore({
      path: folder.path,
      logger: silentLogger,
      segmentBytesMax: 1_200,
    });
    for (let n = 0; n < 12; n++) await store.append(counts(2));
  }
  await using opossum = await openOpossum({
    path: folder.path,
    projections,
    logger: silentLogger,
  });
  await opossum.daemon.whenStarted();
  return folder;
}

/** What a command said. */
export interface Said {
  readonly exitCode: number;
  readonly text: string;
  // deno-lint-ignore no-explicit-any -- whatever a command prints
  readonly json: any;
}

/** Runs a command on a folder twice: for its text and for its JSON. */
export async function say(
  folder: TestFolder,
  ...args: string[]
): Promise<Said> {
  const all = [...args, "--data", folder.path, "--projections", MODULE];
  const plain = await runCommand(all);
  const { exitCode, stdout } = args.includes("--apply") ||
      args[0] === "salvage"
    ? { exitCode: plain.exitCode, stdout: "null" }
    : await runCommand([...all, "--json"]);
  if (exitCode !== plain.exitCode) throw new Error("The statuses differ");
  const text = plain.stdout + plain.reports.join("\n");
  return { exitCode, text, json: JSON.parse(stdout) };
}

/** Everything in a folder, to see that nothing changed. */
export function contentOf(path: string, prefix = ""): Map<string, string> {
  const content = new Map<string, string>();
  for (const { name, isDirectory } of Deno.readDirSync(`${path}/${prefix}`)) {
    const file = `${prefix}${name}`;
    if (isDirectory) {
      for (const entry of contentOf(path, `${file}/`)) content.set(...entry);
    } else {
      content.set(file, digest(Deno.readFileSync(`${path}/${file}`)));
    }
  }
  return content;
}

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
