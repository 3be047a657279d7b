/**
 * What stands in `observability/`, read as the tools read it.
 *
 * @module
 */
import { parse } from "yaml";
import { METRICS } from "../../../src/telemetry/metrics.ts";
import { ROOT } from "../../support/source_files.ts";

/** The folder, with a final `/`. */
export const FOLDER = `${ROOT}observability/`;

/** Reads a file of the folder. */
export function textOf(path: string): string {
  return Deno.readTextFileSync(`${FOLDER}${path}`);
}

/** Reads a YAML file of the folder, with its anchors. */
export function yamlOf<T>(path: string): T {
  return parse(textOf(path), { merge: true, strict: true }) as T;
}

/** A query, and where it stands. */
export interface CommittedQuery {
  readonly where: string;
  readonly expr: string;
}

/** The part of a panel that is looked at. */
export interface CommittedPanel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly targets?: readonly {
    readonly refId: string;
    readonly expr: string;
  }[];
}

/** The part of a dashboard that is looked at. */
export interface CommittedDashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly CommittedPanel[];
  readonly templating: {
    readonly list: readonly {
      readonly name: string;
      readonly definition: string;
    }[];
  };
  readonly annotations: {
    readonly list: readonly { readonly name: string; readonly expr: string }[];
  };
}

/** Names of the dashboards' files. */
export const DASHBOARD_FILES = ["overview.json", "one_rebuild.json"] as const;

/** The dashboards. */
export function dashboards(): CommittedDashboard[] {
  return DASHBOARD_FILES.map((name) =>
    JSON.parse(textOf(`grafana/dashboards/${name}`))
  );
}

/** The queries of the dashboards' panels and annotations. */
export function dashboardQueries(): CommittedQuery[] {
  return dashboards().flatMap(({ title, panels, annotations }) => [
    ...panels.flatMap((panel) =>
      (panel.targets ?? []).map(({ refId, expr }) => ({
        where: `${title} / ${panel.title} / ${refId}`,
        expr,
      }))
    ),
    ...annotations.list.map(({ name, expr }) => ({
      where: `${title} / annotation ${name}`,
      expr,
    })),
  ]);
}

/** The labels that the dashboards' variables choose from: `label_values(SELECTOR, LABEL)`. */
export function variableQueries(): (CommittedQuery & { label: string })[] {
  return dashboards().flatMap(({ title, templating }) =>
    templating.list.map(({ name, definition }) => {
      const [, expr = "", label = ""] =
        /^label_values\((.+), (\w+)\)$/.exec(definition) ?? [];
      return { where: `${title} / variable ${name}`, expr, label };
    })
  );
}

interface DataSources {
  readonly datasources: readonly {
    readonly uid: string;
    readonly jsonData: {
      readonly tracesToMetrics?: {
        readonly datasourceUid: string;
        readonly queries: readonly {
          readonly name: string;
          readonly query: string;
        }[];
      };
    };
  }[];
}

/** The queries that lead from a trace to metrics; tags are in the place of Grafana's. */
export function traceQueries(): CommittedQuery[] {
  const { datasources } = yamlOf<DataSources>(
    "grafana/provisioning/datasources/datasources.yaml",
  );
  return datasources.flatMap(({ uid, jsonData }) =>
    (jsonData.tracesToMetrics?.queries ?? []).map(({ name, query }) => ({
      where: `data source ${uid} / ${name}`,
      // Grafana reads "$$" as "$" when it provisions, and then puts in the span's tags.
      expr: query.replaceAll(
        "$$__tags",
        'opossum_projection_name="$projection"',
      ),
    }))
  );
}

/** An alert. */
export interface CommittedAlert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** The alerts. */
export function alerts(): CommittedAlert[] {
  const { groups } = yamlOf<{
    readonly groups: readonly { readonly rules: readonly CommittedAlert[] }[];
  }>("prometheus/rules.yaml");
  return groups.flatMap(({ rules }) => rules);
}

/** What a query means for a server and a projection, at scrapes of one a second. */
export function substitute(expr: string, projection: string): string {
  return expr.replaceAll("$__rate_interval", "4s")
    .replaceAll("$__range", "10m")
    .replaceAll("$instance", ".*")
    .replaceAll("$projection", projection);
}

/** The names of a metric's series in `/metrics`. */
export function seriesOf(key: keyof typeof METRICS): string[] {
  const { name, kind } = METRICS[key];
  const base = name.replaceAll(".", "_");
  switch (kind) {
    case "counter":
      return [`${base}_total`];
    case "histogram":
      return ["bucket", "sum", "count"].map((part) => `${base}_${part}`);
    default:
      return [base];
  }
}
