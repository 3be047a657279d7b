/**
 * The packages that are used, down to the last: that each is pinned by its hash, that no advisory
 * of a high severity is known of one, and, with `--sbom FILE`, a list of them in CycloneDX's
 * format. `deno task audit`.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- this program talks to people
import { Buffer } from "node:buffer";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import manifest from "../deno.json" with { type: "json" };
import { runDeno } from "./staging.ts";

const ROOT: string = fileURLToPath(new URL("../", import.meta.url));
const INTEGRITY = /^sha512-([A-Za-z0-9+/]{86}==)$/;

/** The part of a lock file that is looked at. */
export interface LockFile {
  readonly npm?: Readonly<Record<string, { readonly integrity?: string }>>;
  readonly jsr?: Readonly<Record<string, { readonly integrity?: string }>>;
  readonly remote?: Readonly<Record<string, string>>;
}

/** A package in one version. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** SHA-512 of its archive, in hexadecimal. */
  readonly sha512: string;
}

/**
 * Reads which packages a lock file pins.
 *
 * @param lock The lock file.
 * @returns The packages, each once.
 * @throws {TypeError} If something is not pinned by its hash, or comes from no registry.
 */
export function lockedPackages(lock: LockFile): LockedPackage[] {
  const urls = Object.keys(lock.remote ?? {});
  if (urls.length > 0) {
    throw new TypeError(`The lock file holds code of no registry: ${urls[0]}`);
  }
  const packages = Object.entries(lock.npm ?? {}).map(
    ([key, { integrity }]) => {
      // "@scope/name@1.2.3_peer@4.5.6": what follows the version says how it is put together.
      const [, name, version] = /^(@?[^@]+)@([^_]+)/.exec(key) ?? [];
      const hash = INTEGRITY.exec(integrity ?? "")?.[1];
      if (name === undefined || version === undefined || hash === undefined) {
        throw new TypeError(
          `The lock file does not pin it by its hash: ${key}`,
        );
      }
      return {
        name,
        version,
        sha512: Buffer.from(hash, "base64").toString("hex"),
      };
    },
  );
  for (const [key, { integrity }] of Object.entries(lock.jsr ?? {})) {
    if (!/^[0-9a-f]{64}$/.test(integrity ?? "")) {
      throw new TypeError(`The lock file does not pin it by its hash: ${key}`);
    }
  }
  const byId = packages.map((each) =>
    [`${each.name}@${each.version}`, each] as const
  );
  return [...new Map(byId).values()];
}

/**
 * Lists packages as a software bill of materials.
 *
 * @param packages The packages.
 * @returns CycloneDX 1.6, to be written as JSON.
 */
export function billOfMaterials(packages: readonly LockedPackage[]): object {
  const { name, version, license } = manifest;
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        type: "library",
        name,
        version,
        licenses: [{ license: { id: license } }],
      },
    },
    components: packages.map((each) => ({
      type: "library",
      name: each.name,
      version: each.version,
      purl: `pkg:npm/${each.name.replace(/^@/, "%40")}@${each.version}`,
      hashes: [{ alg: "SHA-512", content: each.sha512 }],
    })),
  };
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: { sbom: { type: "string" } },
  });
  const lock = JSON.parse(await Deno.readTextFile(`${ROOT}deno.lock`));
  const packages = lockedPackages(lock);
  console.log(`${packages.length} packages, each pinned by its hash`);
  if (values.sbom !== undefined) {
    const text = JSON.stringify(billOfMaterials(packages), undefined, 2);
    await Deno.writeTextFile(values.sbom, `${text}\n`);
    console.log(`Listed in ${values.sbom}`);
  }
  // Asks the registry; where it cannot be reached, that is a failure too.
  return await runDeno(ROOT, "audit", "--level", "high");
}

if (import.meta.main) Deno.exit(await main());
