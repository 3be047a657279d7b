/**
 * What an OpenAPI document says, as far as requests are made of it and answers are judged by it.
 *
 * @module
 */

/** A JSON schema, as far as values are made of it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly example?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
}

/** A parameter of an operation. */
export interface Parameter {
  readonly in: "path" | "query" | "header";
  readonly name: string;
  readonly schema: Schema;
}

/** One operation. */
export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body: Schema | undefined;
  readonly isGuarded: boolean;
  readonly statuses: ReadonlySet<number>;
}

interface Document {
  readonly paths: Record<string, Record<string, DescribedOperation>>;
  readonly components: { readonly schemas: Record<string, Schema> };
}

interface DescribedOperation {
  readonly parameters?: Parameter[];
  readonly security?: unknown[];
  readonly requestBody?: {
    readonly content: Record<string, { readonly schema: Schema }>;
  };
  readonly responses: Record<string, unknown>;
}

/** The document of a server. */
export class DescribedApi {
  readonly operations: readonly Operation[];
  readonly #schemas: Readonly<Record<string, Schema>>;
  readonly #patterns: readonly (readonly [RegExp, Operation])[];

  constructor(document: Document) {
    this.#schemas = document.components.schemas;
    this.operations = Object.entries(document.paths).flatMap((
      [path, methods],
    ) =>
      Object.entries(methods).map(([method, described]) => ({
        method: method.toUpperCase(),
        path,
        parameters: described.parameters ?? [],
        body: described.requestBody?.content["application/json"]?.schema,
        isGuarded: described.security !== undefined,
        statuses: new Set(Object.keys(described.responses).map(Number)),
      }))
    );
    this.#patterns = this.operations.map((operation) =>
      [
        new RegExp(`^${operation.path.replaceAll(/\{[^}]+\}/g, "[^/]+")}$`),
        operation,
      ] as const
    );
  }

  /** What a schema refers to, or itself. */
  resolve(schema: Schema): Schema {
    const name = schema.$ref?.split("/").at(-1);
    return name === undefined ? schema : this.#schemas[name] ?? {};
  }

  /**
   * The operations that a request may be for: a path can match several, as
   * `/admin/projections/status` is also a name.
   */
  matching(method: string, target: string): readonly Operation[] {
    const [path = ""] = target.split(/[?#]/);
    const asked = method === "HEAD" ? "GET" : method;
    const readings = [path, decoded(path)];
    return this.#patterns.flatMap(([pattern, operation]) =>
      operation.method === asked && readings.some((each) => pattern.test(each))
        ? [operation]
        : []
    );
  }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
