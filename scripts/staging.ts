/**
 * Copies of the project for checks that need it laid out or configured differently.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT: string = fileURLToPath(new URL("../", import.meta.url));

/** What a copy does without: made by tools, or by running the project. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  ".git",
  "coverage",
  "data",
  "node_modules",
]);

/** The fields of `deno.json` that a copy may change. */
export interface StagedConfig {
  /** Folders that stand in for packages. */
  links?: string[];
}

/** A folder that holds copies, deleted with all in it when disposed. */
export class Staging implements Disposable {
  /** Its absolute path. */
  readonly path: string = Deno.makeTempDirSync({ prefix: "opossum_staged_" });

  /**
   * Copies the project, or a folder of it, into a folder of the staging.
   *
   * @param source What to copy, within the project; `""` is all of it.
   * @param target Where to, within the staging.
   * @param leftOut Names not to copy, besides those of tools.
   * @returns The absolute path of the copy.
   */
  copy(
    source: string,
    target: string,
    leftOut: readonly string[] = [],
  ): string {
    const path = join(this.path, target);
    copyFolder(join(ROOT, source), path, new Set([...LEFT_OUT, ...leftOut]));
    return path;
  }

  /**
   * Changes the configuration of a copy.
   *
   * @param path The copy's absolute path.
   * @param change Returns the new configuration.
   */
  configure(
    path: string,
    change: (config: StagedConfig) => StagedConfig,
  ): void {
    const file = join(path, "deno.json");
    const config: StagedConfig = JSON.parse(Deno.readTextFileSync(file));
    Deno.writeTextFileSync(file, JSON.stringify(change(config), null, 2));
  }

  /** Deletes it. */
  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/**
 * Runs Deno, its output shown.
 *
 * @param cwd The working folder.
 * @param args The arguments.
 * @returns The exit code.
 */
export async function runDeno(cwd: string, ...args: string[]): Promise<number> {
  const command = new Deno.Command(Deno.execPath(), { args, cwd });
  const { code } = await command.spawn().status;
  return code;
}

function copyFolder(
  source: string,
  target: string,
  leftOut: ReadonlySet<string>,
): void {
  Deno.mkdirSync(target, { recursive: true });
  for (const { name, isDirectory, isFile } of Deno.readDirSync(source)) {
    if (leftOut.has(name)) continue;
    if (isDirectory) {
      copyFolder(join(source, name), join(target, name), leftOut);
    }
    if (isFile) Deno.copyFileSync(join(source, name), join(target, name));
  }
}
