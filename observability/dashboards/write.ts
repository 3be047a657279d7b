/**
 * Writes the dashboards as Grafana reads them: `deno task dashboards`.
 *
 * @module
 */
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { oneRebuild } from "./one_rebuild.ts";
import { overview } from "./overview.ts";

const FOLDER = new URL("../grafana/dashboards/", import.meta.url);

/** The dashboards, by the file that they are written to. */
export const DASHBOARDS: Readonly<Record<string, Dashboard>> = {
  "overview.json": overview,
  "one_rebuild.json": oneRebuild,
};

/**
 * The text of a dashboard's file.
 *
 * @param dashboard The dashboard.
 */
export function textOf(dashboard: Dashboard): string {
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

if (import.meta.main) {
  for (const [name, dashboard] of Object.entries(DASHBOARDS)) {
    Deno.writeTextFileSync(new URL(name, FOLDER), textOf(dashboard));
  }
}
