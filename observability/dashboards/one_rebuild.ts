/**
 * The dashboard of one projection's rebuilds: how far, how fast, until when, and why it was slow.
 *
 * @module
 */
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import {
  dashboard,
  instances,
  type Section,
  service,
  tracesUrl,
  variable,
} from "./dashboard.ts";
import { graph, stat, table } from "./panels.ts";
import {
  gained,
  max,
  meanGained,
  PROJECTION,
  quantileOf,
  rateOf,
  SERVER,
  sum,
} from "./promql.ts";

/** Of the server as a whole. */
const L = '{instance=~"$instance"}';
/** Of the projection that was chosen. */
const P = `{instance=~"$instance", ${PROJECTION}="$projection"}`;

const REMAINING = `sum(opossum_rebuild_remaining${P})`;
/** Of each server: their logs differ. */
const DONE = `min(1 - (${sum(`opossum_rebuild_remaining${P}`, SERVER)} > 0)` +
  ` / ${max(`opossum_log_position${L}`, SERVER)})`;
/** Events worked off a second, as long as there are some. */
const PACE =
  `(sum(-deriv(opossum_rebuild_remaining${P}[$__rate_interval])) > 0)`;

const TRACES = {
  title: "Traces of its rebuilds",
  url: tracesUrl(
    "opossum.rebuild.projection",
    "opossum.projection.name=${projection}",
  ),
};

const NOW: Section = {
  title: "Now",
  panels: [
    stat({
      title: "Done",
      description: "Share of the log that the rebuild has worked off, where " +
        "it is least. Nothing when none is under way.",
      queries: [{ expr: DONE }],
      unit: "percentunit",
      width: 4,
      noValue: "none under way",
    }),
    stat({
      title: "Events left",
      description: "What is still to be worked off; 0 when none is under way.",
      queries: [{ expr: REMAINING }],
      width: 4,
    }),
    stat({
      title: "Events worked off, a second",
      description: "How fast the events that are left become fewer.",
      queries: [{ expr: PACE }],
      width: 4,
      noValue: "not known",
    }),
    stat({
      title: "Done in",
      description: "At that pace. Nothing while there is none: it has just " +
        "begun, is paused, or stuck.",
      queries: [{ expr: `(${REMAINING} > 0) / ${PACE}` }],
      unit: "s",
      width: 4,
      noValue: "not known",
    }),
    stat({
      title: "Stalled",
      description: "1 when it has not moved for ten seconds, though nobody " +
        "paused it. See the runbook.",
      queries: [{ expr: `max(opossum_rebuild_stalled${P})` }],
      width: 4,
      noValue: "no",
    }, { red: 1 }),
    stat({
      title: "Workers",
      description: "Threads that scan the log, of all rebuilds. 0 for small " +
        "logs, which are scanned by the serving thread.",
      queries: [{ expr: `sum(opossum_rebuild_workers${L})` }],
      width: 4,
    }),
  ],
};

const PROGRESS: Section = {
  title: "Progress",
  panels: [
    graph({
      title: "Events left over time",
      description: "Falls while it goes well; flat when it is paused or " +
        "stuck, and for a while when documents outgrow the memory and events " +
        "are put aside; a step up when the next one begins.",
      queries: [{ expr: REMAINING, legend: "left" }],
      width: 12,
      links: [TRACES],
      noValue: "none since the start",
    }),
    graph({
      title: "Events a second",
      description: "Worked off, wanted or not, and applied.",
      queries: [
        { expr: PACE, legend: "worked off" },
        {
          expr: rateOf(`opossum_rebuild_events_total${P}`),
          legend: "applied",
        },
      ],
      width: 12,
      links: [TRACES],
    }),
  ],
};

const HISTORY: Section = {
  title: "History",
  panels: [
    graph({
      title: "How long rebuilds took",
      description: "A point for each that ended, without queueing.",
      queries: [{
        expr: meanGained(
          "opossum_rebuild_duration",
          P,
          ["opossum_rebuild_outcome"],
          "$__rate_interval",
        ),
        legend: "{{opossum_rebuild_outcome}}",
      }],
      unit: "s",
      width: 8,
      links: [TRACES],
      noValue: "none ended",
    }, "points"),
    graph({
      title: "How fast they were",
      description: "Events looked at a second, over the whole of each that " +
        "succeeded.",
      queries: [{
        expr: meanGained("opossum_rebuild_rate", P, [], "$__rate_interval"),
        legend: "events a second",
      }],
      width: 8,
      links: [TRACES],
      noValue: "none succeeded",
    }, "points"),
    graph({
      title: "What they wrote",
      description: "Bytes of the generations that were swapped in, and the " +
        "size of the one that serves.",
      queries: [
        {
          expr: gained(
            `opossum_rebuild_bytes_total${P}`,
            [],
            "$__rate_interval",
          ),
          legend: "swapped in",
        },
        { expr: `sum(opossum_projection_bytes${P})`, legend: "serving" },
      ],
      unit: "bytes",
      width: 8,
    }),
    table({
      title: "How they ended, and who asked",
      description: "Rebuilds in the time that is looked at.",
      rows: {
        opossum_rebuild_outcome: "Outcome",
        opossum_rebuild_trigger: "Asked by",
      },
      columns: [
        {
          legend: "Rebuilds",
          expr: gained(
            `opossum_rebuild_duration_count${P}`,
            ["opossum_rebuild_outcome", "opossum_rebuild_trigger"],
            "$__range",
          ),
        },
        {
          legend: "Mean time",
          expr: meanGained(
            "opossum_rebuild_duration",
            P,
            ["opossum_rebuild_outcome", "opossum_rebuild_trigger"],
            "$__range",
          ),
          unit: "s",
        },
      ],
      width: 12,
      links: [TRACES],
      noValue: "none",
    }),
    graph({
      title: "Failures by reason",
      description: "By the class of the error. Position and message stand " +
        "in the operation: opossum operations list.",
      queries: [{
        expr: gained(
          `opossum_rebuild_failures_total${P}`,
          ["error_type"],
          "$__rate_interval",
        ),
        legend: "{{error_type}}",
      }],
      width: 12,
      links: [TRACES],
      noValue: "none",
    }, "bars"),
  ],
};

const BESIDE: Section = {
  title: "What else went on: why was it slow?",
  panels: [
    graph({
      title: "Time of an append, 99th percentile",
      description: "Rebuilds slow down by themselves when appends take more " +
        "than 100 ms on average.",
      queries: [
        {
          expr: quantileOf(0.99, "opossum_append_duration", L),
          legend: "append",
        },
        {
          expr: quantileOf(0.99, "opossum_log_sync_duration", L),
          legend: "sync",
        },
      ],
      unit: "s",
      width: 8,
    }),
    graph({
      title: "Event loop: late by, 99th percentile",
      description: "Rebuilds slow down by themselves above 50 ms.",
      queries: [{
        expr: quantileOf(0.99, "opossum_event_loop_delay", L),
        legend: "late by",
      }],
      unit: "s",
      width: 8,
    }),
    graph({
      title: "Other work",
      description: "Other rebuilds share the pass over the log and the disk; " +
        "what is appended meanwhile is to be caught up with.",
      queries: [
        { expr: `sum(opossum_rebuild_active${L})`, legend: "being rebuilt" },
        { expr: `sum(opossum_rebuild_queued${L})`, legend: "waiting" },
        {
          expr: rateOf(`opossum_append_events_total${L}`),
          legend: "events appended, a second",
        },
      ],
      width: 8,
    }),
    graph({
      title: "Room on the disk",
      description: "The new generation stands beside the old one until it " +
        "is swapped in.",
      queries: [{ expr: `min(opossum_disk_free${L})`, legend: "free" }],
      unit: "bytes",
      width: 12,
    }),
    graph({
      title: "Events behind, live",
      description: "The old documents go on being updated meanwhile, unless " +
        "they are stale or faulted.",
      queries: [{ expr: `sum(opossum_projection_lag${P})`, legend: "behind" }],
      width: 12,
    }),
  ],
};

/** The dashboard. */
export const oneRebuild: Dashboard = dashboard({
  uid: "opossum-rebuild",
  title: "Opossum: one rebuild",
  description: "One projection's rebuilds: how far, how fast, until when, " +
    "and why it was slow.",
  variables: [
    instances(),
    variable(
      "projection",
      "Projection",
      `label_values(opossum_projection_position{instance=~"$instance"}, ${PROJECTION})`,
      "one",
    ),
    service(),
  ],
  links: [
    { title: "Overview", url: "/d/opossum-overview" },
    TRACES,
  ],
  sections: [NOW, PROGRESS, HISTORY, BESIDE],
});
