/**
 * Every metric really arrives, by both ways: what `/metrics` prints, and what is pushed by OTLP.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { OTHERS, prometheusName } from "../../scripts/metrics_docs.ts";
import { type MetricDefinition, METRICS } from "../../src/telemetry/metrics.ts";
import {
  type OtlpMetric,
  startOtlpReceiver,
} from "../support/otlp_receiver.ts";
import { TempDir } from "../support/temp_dir.ts";
import { SECRET } from "./metrics_secret.ts";

const DEFINITIONS: readonly MetricDefinition[] = [
  ...Object.values(METRICS),
  ...OTHERS,
];

/** What the program printed of itself, and pushed. */
interface Reported {
  readonly text: string;
  readonly pushed: readonly OtlpMetric[];
  /** All that was pushed, spans as well. */
  readonly texts: readonly string[];
}

async function runProgram(): Promise<Reported> {
  using dir = new TempDir();
  await using receiver = startOtlpReceiver();
  const program = new URL("./metrics_program.ts", import.meta.url);
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "--allow-env",
      "--allow-sys",
      "--allow-read",
      `--allow-write=${dir.path}`,
      "--allow-net=127.0.0.1",
      program.href,
      dir.path,
    ],
    env: receiver.env(),
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return {
    text: new TextDecoder().decode(stdout),
    pushed: await receiver.metrics(),
    texts: receiver.texts(),
  };
}

/** The labels of a name's series, without those of OpenTelemetry's own. */
function labelsOf(text: string, name: string): Set<string> {
  const labels = new Set<string>();
  const series = new RegExp(`^${name}(?:_bucket)?\\{(.*)\\} `, "gm");
  for (const [, inside = ""] of text.matchAll(series)) {
    for (const [, label = ""] of inside.matchAll(/(\w+)="/g)) labels.add(label);
  }
  for (const own of ["otel_scope_name", "otel_scope_version", "le"]) {
    labels.delete(own);
  }
  return labels;
}

/** The value of a series that bears some labels; 0 is no answer. */
function valueOf(text: string, name: string, ...labels: string[]): number {
  const line = text.split("\n").find((line) =>
    line.startsWith(`${name}{`) && labels.every((label) => line.includes(label))
  );
  return Number(line?.split(" ").at(-1) ?? NaN);
}

const KINDS = {
  counter: { kind: "sum", isMonotonic: true, type: "counter" },
  histogram: { kind: "histogram", isMonotonic: false, type: "histogram" },
  observableGauge: { kind: "gauge", isMonotonic: false, type: "gauge" },
  observableUpDownCounter: { kind: "sum", isMonotonic: false, type: "gauge" },
} as const;

Deno.test("every metric arrives by /metrics and by OTLP, as it is defined, without a word of what is stored", async (test) => {
  const { text, pushed, texts } = await runProgram();

  await test.step("by /metrics", async () => {
    for (const definition of DEFINITIONS) {
      const { kind, description, attributes } = definition;
      const name = await prometheusName(definition);
      assert(text.includes(`\n# TYPE ${name} ${KINDS[kind].type}\n`), name);
      const allowed = attributes.map((each) => each.replaceAll(".", "_"));
      const unknown = labelsOf(text, name).difference(new Set(allowed));
      assertEquals([...unknown], [], name);
      if (!OTHERS.includes(definition)) {
        assert(text.includes(`# HELP ${name} ${description}\n`), name);
      }
    }
    const names = new Set(
      await Promise.all(DEFINITIONS.map((each) => prometheusName(each))),
    );
    const printed = [...text.matchAll(/^# TYPE (\S+)/gm)]
      .map(([, name = ""]) => name);
    assertEquals(printed.filter((name) => !names.has(name)), ["target_info"]);
  });

  await test.step("by OTLP", () => {
    for (const { name, unit, kind, attributes } of DEFINITIONS) {
      const last = pushed.filter((each) => each.name === name).at(-1);
      assert(last, name);
      const { points, ...rest } = last;
      assertEquals(
        { unit: rest.unit, kind: rest.kind, isMonotonic: rest.isMonotonic },
        {
          unit,
          kind: KINDS[kind].kind,
          isMonotonic: KINDS[kind].isMonotonic,
        },
        name,
      );
      assert(points.length > 0, name);
      for (const point of points) {
        const unknown = Object.keys(point.attributes)
          .filter((attribute) => !attributes.includes(attribute));
        assertEquals(unknown, [], name);
      }
    }
  });

  await test.step("with what happened", () => {
    const values = (
      [
        ["opossum_append_events_total", 12],
        ["opossum_append_conflicts_total", 1],
        ["opossum_append_batch_size_sum", 12],
        ["opossum_append_duration_count", 1, "AppendConditionError"],
        ["opossum_log_sync_duration_count", 2],
        ["opossum_log_position", 12],
        ["opossum_log_segments", 1],
        ["opossum_rebuild_events_total", 10, '"Good"'],
        ["opossum_rebuild_failures_total", 1, '"Broken"', "ApplyError"],
        ["opossum_rebuild_remaining", 0, '"Good"'],
        ["opossum_projection_position", 12, '"Good"'],
        ["opossum_projection_position", 11, '"Faulted"'],
        ["opossum_projection_lag", 1, '"Faulted"'],
        ["opossum_projection_faulted", 1, '"Faulted"'],
        ["opossum_projection_documents", 3, '"Good"'],
        ["opossum_live_events_total", 2, '"Good"'],
        ["opossum_scrub_problems", 0],
      ] as const
    ).map(([name, value, ...labels]) => ({
      name,
      value,
      found: valueOf(text, name, ...labels),
    }));
    assertEquals(values.filter(({ value, found }) => value !== found), []);
    const sizes = [
      valueOf(text, "opossum_log_size"),
      valueOf(text, "opossum_disk_free"),
      valueOf(text, "opossum_projection_bytes", '"Good"'),
      valueOf(text, "opossum_rebuild_bytes_total", '"Good"'),
    ];
    assertEquals(sizes.filter((size) => !(size > 0)), []);
  });

  await test.step("in Prometheus' text format", () => {
    const seen = new Set<string>();
    for (const line of text.trimEnd().split("\n")) {
      assertMatch(
        line,
        /^(?:# (?:HELP|UNIT|TYPE) [a-z_]+ \S.*|[a-z_]+\{(?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)+\} [-+.\deInf]+)$/,
      );
      const [series = ""] = line.split("} ");
      assert(!seen.has(series), series);
      seen.add(series);
    }
    assert(text.endsWith("\n"));
  });

  await test.step("without a word of what is stored", () => {
    for (const each of [text, ...texts]) assert(!each.includes(SECRET));
  });
});
