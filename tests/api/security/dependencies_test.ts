/** Row G6: what is not ours. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  billOfMaterials,
  lockedPackages,
  type LockFile,
} from "../../../scripts/dependencies.ts";
import { ROOT } from "../../support/source_files.ts";

const HASH = `sha512-${"A".repeat(86)}==`;

Deno.test("row G6: every package is pinned by its hash, and hono is none with known holes", async () => {
  const lock = JSON.parse(await Deno.readTextFile(`${ROOT}deno.lock`));
  const packages = lockedPackages(lock);
  assert(packages.length > 10);
  const hono = packages.filter(({ name }) => name === "hono");
  assertEquals(hono.length, 1);
  const [major = 0, minor = 0, patch = 0] = hono[0]?.version.split(".")
    .map(Number) ?? [];
  // Up to 4.13.4 there are advisories about its authentication, its body limit and its CORS.
  assert(major > 4 || minor > 13 || (minor === 13 && patch >= 5));
});

Deno.test("lockedPackages() refuses what is not pinned, or comes from no registry", () => {
  const broken: LockFile[] = [
    { npm: { "a@1.0.0": {} } },
    { npm: { "a@1.0.0": { integrity: "sha1-AAAA" } } },
    { npm: { "a@1.0.0": { integrity: "sha512-AAAA" } } },
    { npm: { a: { integrity: HASH } } },
    { jsr: { "@std/assert@1.0.0": {} } },
    { remote: { "https://example.org/mod.ts": "00" } },
  ];
  for (const lock of broken) {
    assertThrows(() => lockedPackages(lock), TypeError, "The lock file");
  }
});

Deno.test("billOfMaterials() lists each package once, under its package URL", () => {
  const packages = lockedPackages({
    npm: {
      "@scope/a@1.2.3_b@1.0.0": { integrity: HASH },
      "@scope/a@1.2.3": { integrity: HASH },
      "b@1.0.0": { integrity: HASH },
    },
  });
  const text = JSON.stringify(billOfMaterials(packages));
  assertEquals(
    [...text.matchAll(/"purl":"([^"]+)"/g)].map(([, purl]) => purl),
    ["pkg:npm/%40scope/a@1.2.3", "pkg:npm/b@1.0.0"],
  );
});
