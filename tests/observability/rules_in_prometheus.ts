/** The alerts and the configuration, by promtool: `deno task test:observability`. */
import { assert, assertEquals } from "@std/assert";
import { stringify } from "yaml";
import { TempDir } from "../support/temp_dir.ts";
import {
  alerts,
  dashboardQueries,
  FOLDER,
  substitute,
  yamlOf,
} from "./support/committed.ts";

async function promtool(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("promtool", {
    args,
    cwd: `${FOLDER}prometheus`,
  }).output();
  const said = new TextDecoder().decode(stdout) +
    new TextDecoder().decode(stderr);
  assertEquals(code, 0, said);
  return said;
}

Deno.test("promtool check config takes the configuration", async () => {
  // Without looking for the token, which is only in the container.
  const said = await promtool(
    "check",
    "config",
    "--syntax-only",
    "prometheus.yaml",
  );
  assert(said.includes("SUCCESS"), said);
});

Deno.test("promtool check rules takes the alerts", async () => {
  const said = await promtool(
    "check",
    "rules",
    "--lint=all",
    "--lint-fatal",
    "rules.yaml",
  );
  assert(said.includes(`SUCCESS: ${alerts().length} rules found`), said);
});

Deno.test("promtool test rules: every alert fires when it should, and not otherwise", async () => {
  const said = await promtool("test", "rules", "rules_test.yaml");
  assert(said.includes("SUCCESS"), said);
});

Deno.test("the unit tests of the alerts see each fire, and each silent", () => {
  const { tests } = yamlOf<{
    tests: {
      alert_rule_test: { alertname: string; exp_alerts?: unknown[] }[];
    }[];
  }>("prometheus/rules_test.yaml");
  const looks = tests.flatMap((test) => test.alert_rule_test);
  for (const { alert } of alerts()) {
    const own = looks.filter(({ alertname }) => alertname === alert);
    const fired = own.filter(({ exp_alerts = [] }) => exp_alerts.length > 0);
    assert(fired.length > 0, `${alert} never fires`);
    assert(fired.length < own.length, `${alert} is never silent`);
  }
});

/** What a panel's query says of series that do not change. */
async function assertPanel(
  where: string,
  series: Readonly<Record<string, number>>,
  samples: readonly { readonly labels: string; readonly value: number }[],
): Promise<void> {
  const found = dashboardQueries().find((query) => query.where === where);
  assert(found, where);
  using dir = new TempDir();
  Deno.writeTextFileSync(
    dir.file("test.yaml"),
    stringify({
      evaluation_interval: "15s",
      tests: [{
        interval: "15s",
        input_series: Object.entries(series).map(([series, value]) => ({
          series,
          values: `${value}x8`,
        })),
        promql_expr_test: [{
          expr: substitute(found.expr, "CourseDetails"),
          eval_time: "1m",
          exp_samples: samples,
        }],
      }],
    }),
  );
  const said = await promtool("test", "rules", dir.file("test.yaml"));
  assert(said.includes("SUCCESS"), said);
}

/** Two servers: what is rebuilt on both, and what on none. */
const TWO_SERVERS: Readonly<Record<string, number>> = Object.fromEntries(
  [["a", 500, 1_000], ["b", 750, 1_000]].flatMap(([name, left, position]) => {
    const server = `job="opossum", instance="${name}"`;
    return ["CourseDetails", "StudentDetails"].flatMap((projection) => {
      const labels = `{${server}, opossum_projection_name="${projection}"}`;
      return [
        [
          `opossum_rebuild_remaining${labels}`,
          projection === "CourseDetails" ? left : 0,
        ],
        [`opossum_projection_lag${labels}`, left],
      ];
    }).concat([[`opossum_log_position{${server}}`, position]]);
  }),
);

Deno.test("dashboards: what is done of a rebuild is that of the server that has done least", async () => {
  await assertPanel("Opossum: one rebuild / Done / A", TWO_SERVERS, [
    { labels: "{}", value: 0.25 },
  ]);
});

Deno.test("dashboards: nothing is said to be done when nothing is rebuilt", async () => {
  const idle = Object.fromEntries(
    Object.entries(TWO_SERVERS).map(([series, value]) => [
      series,
      series.startsWith("opossum_rebuild_remaining") ? 0 : value,
    ]),
  );
  await assertPanel("Opossum: one rebuild / Done / A", idle, []);
});

Deno.test("dashboards: a projection is as far behind as on the server where it is most behind", async () => {
  await assertPanel(
    "Opossum: overview / Events behind / A",
    TWO_SERVERS,
    ["CourseDetails", "StudentDetails"].map((name) => ({
      labels: `{opossum_projection_name="${name}"}`,
      value: 750,
    })),
  );
});
