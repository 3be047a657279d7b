/**
 * The registry: which projections there are.
 *
 * @module
 */
import { defineProjection, type ProjectionDefinition } from "./definition.ts";
import { UnknownProjectionError } from "./errors.ts";

/** The projections of one store, by name. */
export class ProjectionRegistry {
  readonly #definitions: ReadonlyMap<string, ProjectionDefinition>;
  /** The names, sorted. */
  readonly names: readonly string[];

  /**
   * @param definitions The projections.
   * @throws {TypeError | RangeError} If one is malformed, or a name is used twice; also when two
   * names differ in case alone, since they would share a folder on some file systems.
   */
  constructor(definitions: readonly ProjectionDefinition[]) {
    const byName = new Map<string, ProjectionDefinition>();
    const seen = new Map<string, string>();
    for (const definition of definitions) {
      const { name } = defineProjection(definition);
      const other = seen.get(name.toLowerCase());
      if (other !== undefined) {
        throw new RangeError(
          "Cannot register projections as their names must differ in more than case: " +
            `"${other}" and "${name}"`,
        );
      }
      seen.set(name.toLowerCase(), name);
      byName.set(name, definition);
    }
    this.names = Object.freeze([...byName.keys()].sort());
    this.#definitions = byName;
  }

  /**
   * The definition of that name.
   *
   * @param name The projection.
   * @returns Its definition.
   * @throws {UnknownProjectionError} If it is not registered.
   */
  get(name: string): ProjectionDefinition {
    const definition = this.#definitions.get(name);
    if (!definition) throw new UnknownProjectionError([name], this.names);
    return definition;
  }

  /**
   * Checks a list of names and removes repetitions.
   *
   * @param names The projections.
   * @returns The names, each once.
   * @throws {UnknownProjectionError} If any of them is not registered; names all of those.
   */
  resolve(names: readonly string[]): string[] {
    const unknown = names.filter((name) => !this.#definitions.has(name));
    if (unknown.length > 0) {
      throw new UnknownProjectionError(unknown, this.names);
    }
    return [...new Set(names)];
  }
}

/**
 * The definitions that a module exports, by whatever names, single or in arrays. Other exports
 * are passed over.
 *
 * @param url The module, such as `import.meta.resolve("./projections.ts")`.
 * @returns The definitions; each once, however often it is exported.
 * @throws {TypeError} If the module exports no definition.
 */
export async function loadProjections(
  url: string,
): Promise<ProjectionDefinition[]> {
  const module: Record<string, unknown> = await import(url);
  const found = Object.values(module).flat().filter(isDefinition);
  if (found.length === 0) {
    throw new TypeError(
      `Cannot load projections as the module exports no projection definition: "${url}"`,
    );
  }
  return [...new Set(found)];
}

function isDefinition(value: unknown): value is ProjectionDefinition {
  return typeof value === "object" && value !== null && "name" in value &&
    "eventTypes" in value && "apply" in value;
}
