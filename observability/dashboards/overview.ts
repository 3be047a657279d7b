/**
 * The dashboard that answers first: which projection is behind, what is running, is it stuck?
 *
 * @module
 */
import {
  type Dashboard,
  MappingType,
  type ValueMapping,
} from "@grafana/grafana-foundation-sdk/dashboard";
import {
  dashboard,
  instances,
  type Section,
  service,
  tracesUrl,
} from "./dashboard.ts";
import { graph, type Link, stat, table } from "./panels.ts";
import {
  gained,
  max,
  meanGained,
  meanOf,
  min,
  PROJECTION,
  quantileOf,
  rateOf,
  sum,
} from "./promql.ts";

const L = '{instance=~"$instance"}';
const P = [PROJECTION];
const NAME = `{{${PROJECTION}}}`;

/** From a series to the dashboard of its projection's rebuilds. */
const TO_REBUILD: Link = {
  title: "Its rebuilds",
  url: `/d/opossum-rebuild?var-projection=\${__field.labels.${PROJECTION}}` +
    "&${instance:queryparam}&${__url_time_range}",
};

const UP: ValueMapping = {
  type: MappingType.ValueToText,
  options: {
    "0": { text: "Down", color: "red", index: 0 },
    "1": { text: "Up", color: "green", index: 1 },
  },
};

const NOW: Section = {
  title: "Now",
  panels: [
    stat(
      {
        title: "Server",
        description: "Whether Prometheus can read the server's metrics.",
        queries: [{
          expr: 'min(up{job="opossum", instance=~"$instance"})',
        }],
        width: 3,
      },
      {},
      [UP],
    ),
    stat({
      title: "Faulted projections",
      description: "Projections that stand still on an event that their " +
        "code fails on. Others go on. See the runbook.",
      queries: [{ expr: `sum(opossum_projection_faulted${L})` }],
      width: 3,
    }, { red: 1 }),
    stat({
      title: "Events behind, at most",
      description: "How far the projection that is most behind is behind.",
      queries: [{ expr: `max(opossum_projection_lag${L})` }],
      width: 3,
    }, { orange: 1_000, red: 100_000 }),
    stat({
      title: "Being rebuilt",
      description: "Projections whose rebuild is under way.",
      queries: [{ expr: `sum(opossum_rebuild_active${L})` }],
      width: 3,
    }),
    stat({
      title: "Stalled rebuilds",
      description: "Rebuilds that have not moved for ten seconds, though " +
        "nobody paused them.",
      queries: [{ expr: `sum(opossum_rebuild_stalled${L})` }],
      width: 3,
      noValue: "none",
    }, { orange: 1 }),
    stat({
      title: "Damage found",
      description: "Problems that the last scrub found.",
      queries: [{ expr: `sum(opossum_scrub_problems${L})` }],
      width: 3,
      noValue: "no scrub yet",
    }, { red: 1 }),
    stat({
      title: "Disk free",
      description: "Bytes that can still be written where the data are.",
      queries: [{ expr: `min(opossum_disk_free${L})` }],
      unit: "bytes",
      width: 3,
    }),
    stat({
      title: "Alerts",
      description: "Alerts of Opossum that are firing.",
      queries: [{
        expr: 'count(ALERTS{alertname=~"Opossum.+", alertstate="firing"})',
      }],
      width: 3,
      noValue: "none",
      links: [{ title: "All alerts", url: "http://127.0.0.1:9090/alerts" }],
    }, { orange: 1 }),
  ],
};

const PROJECTIONS: Section = {
  title: "Projections: which is behind?",
  panels: [
    table({
      title: "How they stand",
      description: "What each projection has applied of the log, and what " +
        "it holds. Of several servers, behind and position are of the one " +
        "that is least far.",
      rows: { [PROJECTION]: "Projection" },
      columns: [
        { legend: "Behind", expr: max(`opossum_projection_lag${L}`, P) },
        { legend: "Position", expr: min(`opossum_projection_position${L}`, P) },
        { legend: "Faulted", expr: sum(`opossum_projection_faulted${L}`, P) },
        { legend: "Stale", expr: sum(`opossum_projection_stale${L}`, P) },
        {
          legend: "Dead letters",
          expr: sum(`opossum_projection_dead_letters${L}`, P),
        },
        {
          legend: "Documents",
          expr: sum(`opossum_projection_documents${L}`, P),
        },
        {
          legend: "Size",
          expr: sum(`opossum_projection_bytes${L}`, P),
          unit: "bytes",
        },
      ],
      width: 12,
    }),
    graph({
      title: "Events behind",
      description: "Events in the log that a projection has not applied. " +
        "A sawtooth is life, a slope is not.",
      queries: [{ expr: max(`opossum_projection_lag${L}`, P), legend: NAME }],
      width: 12,
      links: [TO_REBUILD],
    }),
    graph({
      title: "Events applied live, a second",
      description: "What the daemon applies as events are appended.",
      queries: [{
        expr: rateOf(`opossum_live_events_total${L}`, P),
        legend: NAME,
      }],
      width: 8,
      links: [TO_REBUILD],
    }),
    graph({
      title: "Time of a live update, 99th percentile",
      description: "One transaction: documents and checkpoint together.",
      queries: [{
        expr: quantileOf(0.99, "opossum_live_batch_duration", L, P),
        legend: NAME,
      }],
      unit: "s",
      width: 8,
      links: [
        TO_REBUILD,
        { title: "Traces", url: tracesUrl("opossum.live.batch") },
      ],
    }),
    graph({
      title: "Live updates that failed",
      description: "By the class of the error. One that repeats is tried " +
        "again and again: the projection is faulted.",
      queries: [{
        expr: gained(
          `opossum_projection_faults_total${L}`,
          [...P, "error_type"],
          "$__rate_interval",
        ),
        legend: `${NAME}: {{error_type}}`,
      }],
      width: 8,
      noValue: "none",
    }, "bars"),
  ],
};

const REBUILDS: Section = {
  title: "Rebuilds: what is running, is it stuck?",
  panels: [
    graph({
      title: "Under way and waiting",
      description: "Projections being rebuilt, those that wait for a place, " +
        "and the workers that scan the log for them.",
      queries: [
        { expr: `sum(opossum_rebuild_active${L})`, legend: "being rebuilt" },
        { expr: `sum(opossum_rebuild_queued${L})`, legend: "waiting" },
        { expr: `sum(opossum_rebuild_workers${L})`, legend: "workers" },
      ],
      width: 8,
      links: [{ title: "Traces", url: tracesUrl("opossum.rebuild") }],
    }),
    graph({
      title: "Events left to rebuild",
      description: "Falls while a rebuild goes well; flat when it is paused " +
        "or stuck, and for a while when documents outgrow the memory and " +
        "events are put aside.",
      queries: [{
        expr: sum(`opossum_rebuild_remaining${L}`, P),
        legend: NAME,
      }],
      width: 8,
      links: [TO_REBUILD],
      noValue: "nothing was rebuilt",
    }),
    graph({
      title: "Events applied by rebuilds, a second",
      description: "Also of those under way.",
      queries: [{
        expr: rateOf(`opossum_rebuild_events_total${L}`, P),
        legend: NAME,
      }],
      width: 8,
      links: [TO_REBUILD],
    }),
    graph({
      title: "How long they took",
      description: "A point for each rebuild that ended, without queueing.",
      queries: [{
        expr: meanGained("opossum_rebuild_duration", L, P, "$__rate_interval"),
        legend: NAME,
      }],
      unit: "s",
      width: 12,
      links: [TO_REBUILD],
      noValue: "none ended",
    }, "points"),
    graph({
      title: "Rebuilds that failed",
      description: "By the class of the error. The documents from before " +
        "go on serving.",
      queries: [{
        expr: gained(
          `opossum_rebuild_failures_total${L}`,
          [...P, "error_type"],
          "$__rate_interval",
        ),
        legend: `${NAME}: {{error_type}}`,
      }],
      width: 12,
      links: [TO_REBUILD],
      noValue: "none",
    }, "bars"),
  ],
};

const LOG: Section = {
  title: "Appends and the log",
  panels: [
    graph({
      title: "Events appended, a second",
      description: "And appends that were refused since their condition no " +
        "longer held: somebody else was faster.",
      queries: [
        { expr: rateOf(`opossum_append_events_total${L}`), legend: "events" },
        {
          expr: rateOf(`opossum_append_conflicts_total${L}`),
          legend: "conflicts",
        },
      ],
      width: 8,
    }),
    graph({
      title: "Time of an append",
      description: "From the call to its durability; the sync is the part " +
        "that the disk takes.",
      queries: [
        {
          expr: quantileOf(0.5, "opossum_append_duration", L),
          legend: "append, median",
        },
        {
          expr: quantileOf(0.99, "opossum_append_duration", L),
          legend: "append, 99th percentile",
        },
        {
          expr: quantileOf(0.99, "opossum_log_sync_duration", L),
          legend: "sync, 99th percentile",
        },
      ],
      unit: "s",
      width: 8,
      links: [{ title: "Traces", url: tracesUrl("opossum.append") }],
    }),
    graph({
      title: "Events a sync makes durable",
      description: "Appends that arrive during a sync go into the next one " +
        "together: it grows with the load.",
      queries: [{
        expr: meanOf("opossum_append_batch_size", L),
        legend: "mean",
      }],
      width: 8,
    }),
    stat({
      title: "Last event",
      description: "Position of the last event in the log.",
      queries: [{ expr: `max(opossum_log_position${L})` }],
      width: 8,
    }),
    stat({
      title: "Size of the log",
      description: "All segments together.",
      queries: [{ expr: `sum(opossum_log_size${L})` }],
      unit: "bytes",
      width: 8,
    }),
    stat({
      title: "Segments",
      description: "Files that the log consists of.",
      queries: [{ expr: `sum(opossum_log_segments${L})` }],
      width: 8,
    }),
  ],
};

const MACHINE: Section = {
  title: "The machine",
  panels: [
    graph({
      title: "Event loop: late by",
      description: "How late the serving thread gets to what is due. " +
        "Rebuilds slow down by themselves above 50 ms.",
      queries: [
        {
          expr: quantileOf(0.5, "opossum_event_loop_delay", L),
          legend: "median",
        },
        {
          expr: quantileOf(0.99, "opossum_event_loop_delay", L),
          legend: "99th percentile",
        },
      ],
      unit: "s",
      width: 12,
    }),
    graph({
      title: "Room on the disk, and the log",
      description: "A rebuild needs about as much room as the generation " +
        "that it replaces.",
      queries: [
        { expr: `min(opossum_disk_free${L})`, legend: "free" },
        { expr: `sum(opossum_log_size${L})`, legend: "log" },
        { expr: `sum(opossum_projection_bytes${L})`, legend: "projections" },
      ],
      unit: "bytes",
      width: 12,
    }),
  ],
};

/** The dashboard. */
export const overview: Dashboard = dashboard({
  uid: "opossum-overview",
  title: "Opossum: overview",
  description: "Which projection is behind, what is running, is it stuck?",
  variables: [instances(), service()],
  links: [
    { title: "One rebuild", url: "/d/opossum-rebuild" },
    { title: "Traces of rebuilds", url: tracesUrl("opossum.rebuild") },
  ],
  sections: [NOW, PROJECTIONS, REBUILDS, LOG, MACHINE],
});
