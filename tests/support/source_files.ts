/**
 * The project's own source files, and what they import.
 *
 * @module
 */
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's folder. */
export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));

/** A source file. */
export interface SourceFile {
  /** Path within the project, with `/`. */
  readonly path: string;
  /** What it contains. */
  readonly text: string;
  /** What it imports and re-exports: paths within the project, or bare specifiers. */
  readonly imports: readonly string[];
  /** The specifiers as written. */
  readonly specifiers: readonly string[];
}

const STATIC_IMPORT =
  /^(?:import|export)\b(?:[^;"']*?\bfrom)?\s*["']([^"']+)["']/gm;
const DYNAMIC_IMPORT =
  /\bimport\(\s*["']([^"']+)["']|\bimport\.meta\.resolve\(\s*["']([^"']+)["']|\bnew URL\(\s*["']([^"']+\.ts)["']\s*,\s*import\.meta\.url/g;

/** Every TypeScript file below the folders, or the files themselves; missing ones are none. */
export function sourceFiles(...roots: string[]): SourceFile[] {
  return roots.flatMap((root) => filesBelow(join(ROOT, root)))
    .filter((path) => /\.tsx?$/.test(path))
    .map(readSourceFile);
}

/** Every file that is reached from the given ones through imports. */
export function reachableFrom(
  files: readonly SourceFile[],
  entryPoints: readonly string[],
): Set<string> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const reached = new Set<string>();
  const waiting = [...entryPoints];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    waiting.push(...byPath.get(path)?.imports ?? []);
  }
  return reached;
}

function readSourceFile(absolutePath: string): SourceFile {
  const text = Deno.readTextFileSync(absolutePath);
  // Examples in comments import, too; a statement begins its line, a comment's does not.
  const code = text.replace(/^\s*(?:\*|\/\/).*$/gm, "");
  const specifiers = [
    ...code.matchAll(STATIC_IMPORT),
    ...code.matchAll(DYNAMIC_IMPORT),
  ].map(([, a, b, c]) => a ?? b ?? c ?? "");
  const imports = specifiers.map((specifier) =>
    specifier.startsWith(".")
      ? toPath(resolve(dirname(absolutePath), specifier))
      : specifier
  );
  return { path: toPath(absolutePath), text, imports, specifiers };
}

function filesBelow(path: string): string[] {
  try {
    if (Deno.statSync(path).isFile) return [path];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  return [...Deno.readDirSync(path)]
    .map(({ name }) => name)
    .filter((name) => name !== "node_modules")
    .sort()
    .flatMap((name) => filesBelow(join(path, name)));
}

function toPath(absolutePath: string): string {
  return relative(ROOT, absolutePath).replaceAll("\\", "/");
}
