/**
 * What the dashboards are put together from: few kinds of panels, alike everywhere.
 *
 * @module
 */
// deno-lint-ignore-file no-boolean-literal-for-arguments -- the builders want it
import {
  BigValueColorMode,
  BigValueGraphMode,
  type DataSourceRef,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  VizLegendOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import {
  DashboardLinkBuilder,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type ValueMapping,
} from "@grafana/grafana-foundation-sdk/dashboard";
import {
  DataqueryBuilder,
  PromQueryFormat,
} from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TableBuilder } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as GraphBuilder } from "@grafana/grafana-foundation-sdk/timeseries";

/** The data source that `provisioning/datasources` names. */
export const PROMETHEUS: DataSourceRef = {
  type: "prometheus",
  uid: "prometheus",
};

/** A query of a panel. */
export interface Query {
  /** PromQL. */
  readonly expr: string;
  /** What its series are called. @default {what Grafana makes of the labels} */
  readonly legend?: string;
}

/** What every panel has. */
export interface PanelOptions {
  readonly title: string;
  /** What it says, and what to think of it. */
  readonly description: string;
  readonly queries: readonly Query[];
  /** Grafana's name of the unit. @default {"short"} */
  readonly unit?: string;
  /** Columns of 24. */
  readonly width: number;
  /** Where a series leads. @default {nowhere} */
  readonly links?: readonly Link[];
  /** What stands there without data. @default {Grafana's "No data"} */
  readonly noValue?: string;
}

/** Where somebody may go from here. */
export interface Link {
  readonly title: string;
  readonly url: string;
}

/** From which value on a number is in which colour. */
export interface Limits {
  readonly orange?: number;
  readonly red?: number;
}

const STAT_ROWS = 4;
const GRAPH_ROWS = 8;

const STYLES = {
  line: GraphDrawStyle.Line,
  bars: GraphDrawStyle.Bars,
  points: GraphDrawStyle.Points,
} as const;

function limitSteps({ orange, red }: Limits): Threshold[] {
  return [
    { value: null, color: "green" },
    ...orange === undefined ? [] : [{ value: orange, color: "orange" }],
    ...red === undefined ? [] : [{ value: red, color: "red" }],
  ];
}

function dataLinks(links: readonly Link[] = []): DashboardLinkBuilder[] {
  return links.map(({ title, url }) =>
    new DashboardLinkBuilder(title).url(url)
  );
}

function target(
  { expr, legend }: Query,
  index: number,
  format: PromQueryFormat | "instant" = PromQueryFormat.TimeSeries,
): DataqueryBuilder {
  const query = new DataqueryBuilder().datasource(PROMETHEUS).expr(expr)
    .refId(String.fromCharCode("A".charCodeAt(0) + index));
  if (legend !== undefined) query.legendFormat(legend);
  if (format === PromQueryFormat.TimeSeries) return query.range();
  query.instant();
  return format === "instant" ? query : query.format(format);
}

/**
 * A number as it is now.
 *
 * @param options What it shows.
 * @param limits When it is bad.
 * @param mappings Words for values. @default {none}
 */
export function stat(
  options: PanelOptions,
  limits: Limits = {},
  mappings: readonly ValueMapping[] = [],
): StatBuilder {
  const { title, description, queries, unit = "short", width } = options;
  const panel = new StatBuilder().title(title).description(description)
    .datasource(PROMETHEUS).unit(unit).span(width).height(STAT_ROWS)
    .targets(queries.map((query, i) => target(query, i, "instant")))
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]))
    .colorMode(BigValueColorMode.Value)
    .graphMode(BigValueGraphMode.None)
    .mappings([...mappings])
    .thresholds(
      new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute)
        .steps(limitSteps(limits)),
    )
    .dataLinks(dataLinks(options.links));
  return options.noValue === undefined ? panel : panel.noValue(options.noValue);
}

/**
 * Numbers over time.
 *
 * @param options What it shows.
 * @param style Lines, or bars for what happens now and then. @default {"line"}
 */
export function graph(
  options: PanelOptions,
  style: keyof typeof STYLES = "line",
): GraphBuilder {
  const { title, description, queries, unit = "short", width } = options;
  const panel = new GraphBuilder().title(title).description(description)
    .datasource(PROMETHEUS).unit(unit).span(width).height(GRAPH_ROWS).min(0)
    .targets(queries.map((query, i) => target(query, i)))
    .drawStyle(STYLES[style])
    .fillOpacity(style === "bars" ? 60 : 10)
    .pointSize(style === "points" ? 8 : 4)
    .legend(
      new VizLegendOptionsBuilder().showLegend(true)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom),
    )
    .dataLinks(dataLinks(options.links));
  return options.noValue === undefined ? panel : panel.noValue(options.noValue);
}

/** A column of a table: a query of which every series is a row. */
export interface Column extends Query {
  /** What stands above it. */
  readonly legend: string;
  /** Grafana's name of the unit. @default {"short"} */
  readonly unit?: string;
}

/** What a table has besides. */
export interface TableOptions extends Omit<PanelOptions, "queries" | "unit"> {
  /** The labels that make a row, and what stands above them. */
  readonly rows: Readonly<Record<string, string>>;
  readonly columns: readonly Column[];
}

/**
 * A table: a row for each combination of labels, a column for each query.
 *
 * @param options What it shows.
 */
export function table(options: TableOptions): TableBuilder {
  const { title, description, rows, columns, width, noValue } = options;
  const labels = Object.keys(rows);
  const valueOf = (index: number) =>
    columns.length === 1
      ? "Value"
      : `Value #${String.fromCharCode("A".charCodeAt(0) + index)}`;
  const panel = new TableBuilder().title(title).description(description)
    .datasource(PROMETHEUS).span(width).height(GRAPH_ROWS)
    .targets(
      columns.map((column, i) => target(column, i, PromQueryFormat.Table)),
    )
    .transformations([
      { id: "merge", options: {} },
      {
        id: "organize",
        options: {
          excludeByName: { Time: true },
          indexByName: Object.fromEntries(
            [...labels, ...columns.map((_, i) => valueOf(i))]
              .map((name, i) => [name, i]),
          ),
          renameByName: {
            ...rows,
            ...Object.fromEntries(
              columns.map(({ legend }, i) => [valueOf(i), legend]),
            ),
          },
        },
      },
    ])
    .dataLinks(dataLinks(options.links));
  for (const { legend, unit = "short" } of columns) {
    panel.overrideByName(legend, [{ id: "unit", value: unit }]);
  }
  return noValue === undefined ? panel : panel.noValue(noValue);
}
