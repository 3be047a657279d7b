/**
 * What both dashboards have.
 *
 * @module
 */
// deno-lint-ignore-file no-boolean-literal-for-arguments -- the builders want it
import {
  AnnotationQueryBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  QueryVariableBuilder,
  RowBuilder,
  VariableHide,
  VariableRefresh,
  VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { type Link, PROMETHEUS } from "./panels.ts";
import { sum } from "./promql.ts";

/** A panel that is still to be built. */
export type PanelBuilder = Parameters<DashboardBuilder["withPanel"]>[0];

/** The part of a dashboard under one heading. */
export interface Section {
  readonly title: string;
  readonly panels: readonly PanelBuilder[];
}

/** A dashboard. */
export interface DashboardOptions {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** Names of its variables, and the label values that they choose from. */
  readonly variables: readonly QueryVariableBuilder[];
  readonly links: readonly Link[];
  readonly sections: readonly Section[];
}

/**
 * A variable of a label's values.
 *
 * @param name Its name.
 * @param label What stands before it.
 * @param query `label_values(…)`.
 * @param choice Whether one value is chosen, several, or nobody is asked.
 */
export function variable(
  name: string,
  label: string,
  query: string,
  choice: "one" | "several" | "hidden",
): QueryVariableBuilder {
  const built = new QueryVariableBuilder(name).label(label)
    .datasource(PROMETHEUS).query({ query, refId: name }).definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc);
  if (choice === "hidden") {
    return built.hide(VariableHide.HideVariable);
  }
  return choice === "one"
    ? built
    : built.multi(true).includeAll(true).allValue(".*")
      .current({ text: "All", value: "$__all" });
}

/** Every dashboard lets choose the servers. */
export function instances(): QueryVariableBuilder {
  const query = "label_values(opossum_log_position, instance)";
  return variable("instance", "Server", query, "several");
}

/** The name that the servers' traces bear. */
export function service(): QueryVariableBuilder {
  const query =
    'label_values(target_info{instance=~"$instance"}, service_name)';
  return variable("service", "Service", query, "hidden");
}

/**
 * The address of a search for traces in Jaeger, within Grafana, at the time that is looked at.
 *
 * @param operation Name of the spans.
 * @param tags What they bear, as Jaeger writes it. @default {anything}
 */
export function tracesUrl(operation: string, tags = ""): string {
  const panes = {
    traces: {
      datasource: "jaeger",
      queries: [{
        refId: "A",
        datasource: { type: "jaeger", uid: "jaeger" },
        queryType: "search",
        service: "${service}",
        operation,
        tags,
      }],
      range: { from: "${__from}", to: "${__to}" },
    },
  };
  // Grafana puts in the variables before anything is decoded: they must stay as they are.
  const encoded = encodeURIComponent(JSON.stringify(panes)).replaceAll(
    /%24%7B(\w+)%7D/g,
    "${$1}",
  );
  return `/explore?schemaVersion=1&orgId=1&panes=${encoded}`;
}

/**
 * Puts a dashboard together.
 *
 * @param options What it consists of.
 */
export function dashboard(options: DashboardOptions): Dashboard {
  const { uid, title, description, variables, links, sections } = options;
  const builder = new DashboardBuilder(title).uid(uid).description(description)
    .tags(["opossum"]).readonly().timezone("browser").refresh("5s")
    .time({ from: "now-30m", to: "now" })
    .tooltip(DashboardCursorSync.Crosshair)
    .variables([...variables])
    .annotation(rebuilds())
    .links(
      links.map(({ title, url }) =>
        new DashboardLinkBuilder(title).type(DashboardLinkType.Link)
          .url(url).icon("external link").keepTime(url.startsWith("/d/"))
      ),
    );
  for (const section of sections) {
    builder.withRow(new RowBuilder(section.title));
    for (const panel of section.panels) builder.withPanel(panel);
  }
  const built = builder.build();
  built.panels?.forEach((panel, i) => panel.id = i + 1);
  return built;
}

/** Shades the times at which something is rebuilt. */
function rebuilds(): AnnotationQueryBuilder {
  const active = 'opossum_rebuild_active{instance=~"$instance"}';
  return new AnnotationQueryBuilder().name("Rebuilds").enable(true)
    .iconColor("blue").datasource(PROMETHEUS)
    .expr(`${sum(active, ["instance"])} > 0`)
    .titleFormat("Rebuild").textFormat("{{instance}}").step("5s")
    .target(
      new DataqueryBuilder().refId("Rebuilds").datasource(PROMETHEUS)
        .expr(`${sum(active, ["instance"])} > 0`).range(),
    );
}
