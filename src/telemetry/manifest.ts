/**
 * The name and version of this package, as its manifest has them.
 *
 * @module
 */
import manifest from "../../deno.json" with { type: "json" };

/** The name of this package, and of its instrumentation scope. */
export const PACKAGE_NAME: string = manifest.name;

/** The version of this package: a semantic version. */
export const VERSION: string = manifest.version;
