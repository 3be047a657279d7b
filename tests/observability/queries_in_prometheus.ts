/**
 * Every query of the dashboards and alerts on the data of the running sample, in the Prometheus on
 * the PATH: `deno task test:observability`.
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { METRICS } from "../../src/telemetry/metrics.ts";
import { CampusSession } from "./support/campus_session.ts";
import {
  alerts,
  dashboardQueries,
  seriesOf,
  substitute,
  traceQueries,
  variableQueries,
} from "./support/committed.ts";
import { PrometheusProcess } from "./support/prometheus_process.ts";
import { ScrapeRelay } from "./support/scrape_relay.ts";

/** Enough that rebuilds use workers. */
const EVENTS = 25_000;
/** Slow enough that a rebuild is seen by several scrapes. */
const REBUILD_EVENTS_MAX = 5_000;
/** A test that waits for what never comes ends by then. */
const SCRAPES_MAX = 60;
const PROJECTION = "CourseDetails";

Deno.test("every query of every panel returns data in the course of a session, and so do the alerts that should", async (t) => {
  await using campus = await CampusSession.start({
    events: EVENTS,
    rebuildEventsMax: REBUILD_EVENTS_MAX,
  });
  await using relay = new ScrapeRelay(campus.url);
  await using prometheus = await PrometheusProcess.start({
    target: relay.target,
    token: campus.readToken,
  });
  const unseen = new Map(
    [...dashboardQueries(), ...variableQueries(), ...traceQueries()].map(
      ({ where, expr }) => [where, substitute(expr, PROJECTION)],
    ),
  );
  assertGreater(unseen.size, 60);

  /** Asks everything that had no data yet, after each scrape, until something is the case. */
  const look = async (what: string, until: () => Promise<boolean>) => {
    for (let scrapes = 0;; scrapes++) {
      assert(scrapes < SCRAPES_MAX, `Never seen: ${what}`);
      await campus.register();
      await relay.scraped();
      for (const [where, expr] of unseen) {
        const samples = await prometheus.query(expr);
        if (samples.some(({ value }) => Number.isFinite(value))) {
          unseen.delete(where);
        }
      }
      if (await until()) return;
    }
  };
  const valueOf = async (expr: string) =>
    (await prometheus.query(substitute(expr, PROJECTION)))[0]?.value;
  const isFiring = async (alert: string) =>
    await valueOf(`ALERTS{alertname="${alert}", alertstate="firing"}`) === 1;

  await t.step(
    "the target is up, with a token that may only look",
    async () => {
      await look("up", async () => await valueOf('up{job="opossum"}') === 1);
    },
  );

  await t.step("a rebuild is seen from its beginning to its end", async () => {
    const active = () => valueOf("sum(opossum_rebuild_active)");
    await look(
      "the end of the first builds",
      async () =>
        await active() === 0 &&
        await valueOf("count(opossum_projection_documents)") === 4,
    );
    await campus.order(`/admin/projections/${PROJECTION}/rebuild`);
    await look("the rebuild", async () => await active() === 1);
    const queryOf = (panel: string) => {
      const where = `Opossum: one rebuild / ${panel} / A`;
      const found = dashboardQueries().find((query) => query.where === where);
      return found?.expr ?? "";
    };
    await look("how long it will take", async () => {
      const seconds = await valueOf(queryOf("Done in")) ?? NaN;
      return seconds > 0 && seconds <= EVENTS / 1_000;
    });
    const done = await valueOf(queryOf("Done")) ?? NaN;
    assert(done > 0 && done <= 1, `${done}`);
    await look("its end", async () => await active() === 0);
    assertEquals(await valueOf(queryOf("Events left")), 0);
    assertEquals(await valueOf(queryOf("Done in")), undefined);
  });

  await t.step("appends that collide are counted", async () => {
    await look(
      "a conflict",
      async () =>
        await valueOf("sum(opossum_append_conflicts_total)") !== undefined,
    );
  });

  await t.step(
    "a poison event faults those who want it, and their rebuild fails",
    async () => {
      const { expr } = alertNamed("OpossumProjectionFaulted");
      assertEquals(await prometheus.query(expr), []);
      const position = await campus.poison();
      await look(
        "the fault",
        async () => (await prometheus.query(expr)).length === 2,
      );
      await campus.order(`/admin/projections/${PROJECTION}/rebuild`);
      await look("the failure", () => isFiring("OpossumRebuildFailed"));
      for (const name of [PROJECTION, "CourseShortInfo"]) {
        await campus.order(
          `/admin/projections/${name}/events/${position}/skip`,
        );
      }
      await look(
        "the end of the fault",
        async () => (await prometheus.query(expr)).length === 0,
      );
    },
  );

  await t.step("a scrub finds damage", async () => {
    assert(!await isFiring("OpossumScrubFoundDamage"));
    campus.damage("StudentDetails");
    await campus.order("/admin/scrub");
    await look("the damage", () => isFiring("OpossumScrubFoundDamage"));
  });

  await t.step("every query has returned data", async () => {
    await look("the rest", async () => await valueOf("up") === 1);
    assertEquals([...unseen.keys()], []);
  });

  await t.step(
    "every metric is there, by the name that queries use",
    async () => {
      const names = await prometheus.seriesNames();
      const keys = Object.keys(METRICS) as (keyof typeof METRICS)[];
      assertEquals(
        keys.flatMap(seriesOf).filter((name) => !names.includes(name)),
        [],
      );
    },
  );

  await t.step("every alert is evaluated without an error", async () => {
    const rules = await prometheus.rules();
    assertEquals(rules.map(({ name }) => name), alerts().map((a) => a.alert));
    assertEquals(
      rules.filter(({ health }) => health !== "ok"),
      [],
    );
  });

  await t.step("promtool finds nothing wrong with the metrics", async () => {
    const child = new Deno.Command("promtool", {
      args: ["check", "metrics"],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    await ReadableStream.from([await campus.metrics()])
      .pipeThrough(new TextEncoderStream()).pipeTo(child.stdin);
    const { code, stdout, stderr } = await child.output();
    const said = new TextDecoder().decode(stdout) +
      new TextDecoder().decode(stderr);
    assertEquals({ code, said }, { code: 0, said: "" });
  });
});

function alertNamed(name: string) {
  const found = alerts().find(({ alert }) => alert === name);
  assert(found, name);
  return found;
}
