/**
 * Checks that the package can be published: `deno publish --dry-run` on a copy whose stand-ins
 * lie outside the package, since it refuses linked packages within.
 *
 * @module
 */
import { runDeno, Staging } from "./staging.ts";

/** Returns the exit code of the dry run. */
async function checkPublishing(): Promise<number> {
  using staging = new Staging();
  staging.copy("links", "links");
  const path = staging.copy("", "package", ["links"]);
  staging.configure(path, (config) => ({
    ...config,
    links: (config.links ?? []).map((link) => link.replace(/^\./, "..")),
  }));
  return await runDeno(path, "publish", "--dry-run", "--allow-dirty");
}

if (import.meta.main) Deno.exit(await checkPublishing());
