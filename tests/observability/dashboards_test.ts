import { assert, assertEquals } from "@std/assert";
import {
  DASHBOARDS,
  textOf as textOfDashboard,
} from "../../observability/dashboards/write.ts";
import { METRICS } from "../../src/telemetry/metrics.ts";
import { SPANS } from "../../src/telemetry/names.ts";
import {
  alerts,
  DASHBOARD_FILES,
  dashboardQueries,
  dashboards,
  seriesOf,
  substitute,
  textOf,
  traceQueries,
  variableQueries,
  yamlOf,
} from "./support/committed.ts";
import { namesIn } from "./support/promql.ts";

type MetricKey = keyof typeof METRICS;

const KEYS = Object.keys(METRICS) as MetricKey[];

/** Metrics that no dashboard shows, and why not. */
const NOT_SHOWN: Readonly<Partial<Record<MetricKey, string>>> = {};

/** Series of Prometheus and of OpenTelemetry, and their labels. */
const FOREIGN_SERIES = ["up", "ALERTS", "target_info"];
const FOREIGN_LABELS = [
  "alertname",
  "alertstate",
  "instance",
  "job",
  "le",
  "service_name",
];

const ALL_QUERIES = [
  ...dashboardQueries(),
  ...variableQueries(),
  ...traceQueries(),
  ...alerts().map(({ alert, expr }) => ({ where: `alert ${alert}`, expr })),
].map(({ where, expr }) => ({ where, expr: substitute(expr, "P") }));

Deno.test("dashboards: the files are what `deno task dashboards` writes", () => {
  assertEquals(Object.keys(DASHBOARDS).sort(), [...DASHBOARD_FILES].sort());
  for (const [name, dashboard] of Object.entries(DASHBOARDS)) {
    assert(
      textOf(`grafana/dashboards/${name}`) === textOfDashboard(dashboard),
      `${name} is out of date: run 'deno task dashboards'`,
    );
  }
});

Deno.test("dashboards: every query, and every alert, is PromQL", () => {
  assert(ALL_QUERIES.length > 60);
  const offences = ALL_QUERIES.flatMap(({ where, expr }) =>
    namesIn(expr).errors.map((error) => `${where}: ${error}`)
  );
  assertEquals(offences, []);
});

Deno.test("dashboards: every series that is asked for is one of METRICS, by its name in /metrics", () => {
  const known = new Set([...KEYS.flatMap(seriesOf), ...FOREIGN_SERIES]);
  const offences = ALL_QUERIES.flatMap(({ where, expr }) =>
    namesIn(expr).series.filter((name) => !known.has(name))
      .map((name) => `${where}: ${name}`)
  );
  assertEquals(offences, []);
});

Deno.test("dashboards: every label that is asked for is one that its metric bears", () => {
  const offences = ALL_QUERIES.flatMap(({ where, expr }) => {
    const { series, labels } = namesIn(expr);
    const borne = KEYS.filter((key) =>
      seriesOf(key).some((name) => series.includes(name))
    ).flatMap((key) => [...METRICS[key].attributes])
      .map((name) => name.replaceAll(".", "_"));
    return labels.filter((label) =>
      !FOREIGN_LABELS.includes(label) && !borne.includes(label)
    ).map((label) => `${where}: ${label}`);
  });
  assertEquals(offences, []);
});

Deno.test("dashboards: every metric is shown, or is said why not", () => {
  const shown = new Set(
    dashboardQueries().flatMap(({ expr }) =>
      namesIn(substitute(expr, "P")).series
    ),
  );
  const isShown = (key: MetricKey) =>
    seriesOf(key).some((name) => shown.has(name));
  assertEquals(
    KEYS.filter((key) => !isShown(key)),
    Object.keys(NOT_SHOWN),
  );
});

Deno.test("dashboards: ids and titles are unique, and every panel says what it shows", () => {
  const uids = dashboards().map(({ uid }) => uid);
  assertEquals(new Set(uids).size, uids.length);
  for (const { title, panels } of dashboards()) {
    const ids = panels.map(({ id }) => id);
    assertEquals(ids, [...new Set(ids)], title);
    const titles = panels.map((panel) => panel.title);
    assertEquals(titles, [...new Set(titles)], title);
    for (const panel of panels.filter(({ type }) => type !== "row")) {
      assert(panel.description, `${title} / ${panel.title}`);
      const refs = panel.targets?.map(({ refId }) => refId) ?? [];
      assert(refs.length > 0, `${title} / ${panel.title}`);
      assertEquals(refs, [...new Set(refs)], `${title} / ${panel.title}`);
    }
  }
});

/** A panel's place on a grid of 24 columns. */
interface Placed {
  readonly title: string;
  readonly gridPos: { x: number; y: number; w: number; h: number };
}

Deno.test("dashboards: no panel lies on another, or beside the grid", () => {
  for (const dashboard of dashboards()) {
    const taken = new Map<string, string>();
    for (const panel of dashboard.panels) {
      const { title, gridPos: { x, y, w, h } } = panel as unknown as Placed;
      assert(x + w <= 24, title);
      for (let row = y; row < y + h; row++) {
        for (let column = x; column < x + w; column++) {
          const cell = `${row}:${column}`;
          assertEquals(taken.get(cell), undefined, `${title} at ${cell}`);
          taken.set(cell, title);
        }
      }
    }
  }
});

Deno.test("dashboards: data sources, dashboards and variables that are named exist", () => {
  const { datasources } = yamlOf<{ datasources: { uid: string }[] }>(
    "grafana/provisioning/datasources/datasources.yaml",
  );
  const uids = datasources.map(({ uid }) => uid);
  const dashboardIds = dashboards().map(({ uid }) => uid);
  for (const { title, templating, ...rest } of dashboards()) {
    const text = JSON.stringify(rest);
    const own = templating.list.map(({ name }) => name);
    for (const [, uid = ""] of text.matchAll(/"uid":"([\w-]+)"/g)) {
      assert(
        uids.includes(uid) || dashboardIds.includes(uid),
        `${title}: ${uid}`,
      );
    }
    for (const [, uid = ""] of text.matchAll(/\/d\/([\w-]+)/g)) {
      assert(dashboardIds.includes(uid), `${title}: ${uid}`);
    }
    for (const [, name = ""] of text.matchAll(/\$\{?([a-z]\w*)/g)) {
      assert(own.includes(name), `${title}: ${name}`);
    }
  }
});

Deno.test("dashboards: links to traces are searches that Grafana can read", () => {
  const found = dashboards().flatMap((dashboard) =>
    [...JSON.stringify(dashboard).matchAll(/"(\/explore\?[^"]+)"/g)]
      .map(([, url = ""]) => url)
  );
  assert(found.length > 5);
  const spans: readonly string[] = Object.values(SPANS);
  for (const url of found) {
    const { searchParams } = new URL(url, "http://localhost:3000");
    const panes = JSON.parse(searchParams.get("panes") ?? "");
    const { datasource, queries: [query], range } = panes.traces;
    assertEquals(datasource, "jaeger");
    assertEquals(query.datasource.uid, "jaeger");
    assertEquals(query.queryType, "search");
    assert(spans.includes(query.operation), query.operation);
    assertEquals(range, { from: "${__from}", to: "${__to}" });
  }
});
