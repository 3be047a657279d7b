/**
 * What rebuilds of a folder by the command line export.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { counts } from "../support/course_fixture.ts";
import { startHangingCollector } from "../support/hanging_collector.ts";
import { startOtlpReceiver } from "../support/otlp_receiver.ts";
import { sourceFiles } from "../support/source_files.ts";
import { TempDir } from "../support/temp_dir.ts";
import { fillStore, modulePath } from "./cli_fixture.ts";
import { endOf as end, startOpossum as start } from "./processes.ts";

/** Events of one append. */
const APPENDED_MAX = 10_000;
const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const PARENT_ID = "b7ad6b7169203331";

/** Arguments of a rebuild of a new store with some events. */
async function rebuildArgs(
  dir: TempDir,
  module = "./counting_projections.ts",
  events = 10,
): Promise<string[]> {
  const data = dir.file("data");
  for (let left = events; left > 0; left -= APPENDED_MAX) {
    await fillStore(data, counts(Math.min(left, APPENDED_MAX)));
  }
  return [
    "projections",
    "rebuild",
    "--data",
    data,
    "--projections",
    modulePath(module),
  ];
}

for (
  const [name, more, scope] of [
    ["an SDK", {}, "@opossum/deno"],
    ["OTEL_DENO", { OTEL_DENO: "true" }, "@opossum/deno"],
  ] as const
) {
  Deno.test(`a rebuild of a folder exports its trace to the end, within the caller's, with ${name}`, async () => {
    await using receiver = startOtlpReceiver();
    using dir = new TempDir();
    const { code, stdout, stderr } = await end(
      start([...await rebuildArgs(dir), "--json"], {
        ...receiver.env(),
        ...more,
        TRACEPARENT: `00-${TRACE_ID}-${PARENT_ID}-01`,
      }),
    );
    assertEquals([code, stderr.includes("elemetry")], [0, false], stderr);
    const { operationId } = JSON.parse(stdout);
    const spans = await receiver.spans();
    const rebuilds = spans.filter(({ name }) => name === "opossum.rebuild");
    assertEquals(
      rebuilds.map(({ attributes, ...span }) => [
        span.scope,
        span.traceId,
        span.parentSpanId,
        attributes["opossum.operation.id"],
        attributes["opossum.rebuild.outcome"],
      ]),
      [[scope, TRACE_ID, PARENT_ID, operationId, "succeeded"]],
    );
    const durations = (await receiver.metrics()).filter(({ name }) =>
      name === "opossum.rebuild.duration"
    );
    assertEquals(durations.at(-1)?.points.length, 2);
  });
}

Deno.test("a rebuild of a folder exports its log records, also those that standard error is spared", async () => {
  await using receiver = startOtlpReceiver();
  using dir = new TempDir();
  const { code, stderr } = await end(
    start(await rebuildArgs(dir), receiver.env()),
  );
  assertEquals(code, 0, stderr);
  assert(!stderr.includes("Starting parallel"));
  const record = (await receiver.logs()).find(({ body }) =>
    String(body).startsWith("Starting parallel rebuild of 2")
  );
  assertEquals([record?.severity, record?.resource["service.name"]], [
    9,
    "opossum",
  ]);
});

for (const mode of ["capture", "replace"]) {
  Deno.test(`with OTEL_DENO_CONSOLE=${mode} the words of a rebuild stay on standard error, and what is exported quotes no event`, async () => {
    await using receiver = startOtlpReceiver();
    using dir = new TempDir();
    const { code, stderr } = await end(
      start(await rebuildArgs(dir, "./broken_projections.ts"), {
        ...receiver.env(),
        OTEL_DENO: "true",
        OTEL_DENO_CONSOLE: mode,
      }),
    );
    assertEquals(code, 1);
    // Of the one who runs it: how it goes, and why it failed.
    assertStringIncludes(stderr, "Broken: queued");
    assertStringIncludes(stderr, "cheese");
    const logs = (await receiver.logs()).map(({ body, severity }) => ({
      severity,
      body: String(body),
    }));
    assertEquals(
      logs.filter(({ body }) => /queued|cheese/.test(body)),
      [],
    );
    const failed = logs.filter(({ body }) =>
      body.includes("Failed to rebuild")
    );
    assertEquals(
      failed.map(({ severity }) => severity),
      mode === "replace" ? [17] : [],
    );
  });
}

Deno.test("a rebuild of a folder that is interrupted exports how it ended", async () => {
  await using receiver = startOtlpReceiver();
  using dir = new TempDir();
  const child = start(
    // So many that a worker applies them, and this thread is free to be interrupted.
    await rebuildArgs(dir, "./slow_projections.ts", 30_000),
    receiver.env(),
  );
  let written = "";
  for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
    const isBegun = written.includes("scanning");
    written += text;
    if (!isBegun && written.includes("scanning")) child.kill("SIGINT");
  }
  await child.stdout.cancel();
  const { code } = await child.status;
  assertEquals(code, 130, written);
  const rebuild = (await receiver.spans()).find(({ name }) =>
    name === "opossum.rebuild"
  );
  assertEquals(rebuild?.attributes["opossum.rebuild.outcome"], "cancelled");
});

Deno.test("a rebuild of a folder that fails exports how it ended", async () => {
  await using receiver = startOtlpReceiver();
  using dir = new TempDir();
  const args = await rebuildArgs(dir, "./broken_projections.ts");
  const { code, stderr } = await end(start(args, receiver.env()));
  assertEquals(code, 1, stderr);
  const rebuild = (await receiver.spans()).find(({ name }) =>
    name === "opossum.rebuild"
  );
  assertEquals(rebuild?.attributes["opossum.rebuild.outcome"], "failed");
  for (const text of receiver.texts()) assert(!text.includes("cheese"));
});

Deno.test("a rebuild of a folder works and ends with a collector that hangs", async () => {
  await using collector = startHangingCollector();
  using dir = new TempDir();
  const { code, stderr } = await end(
    start(await rebuildArgs(dir), collector.env),
  );
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, "could not be exported in time");
});

Deno.test("the command line loads nothing for telemetry unless it is asked to export", () => {
  const files = sourceFiles("mod.ts", "src", "api").map((file) => ({
    ...file,
    // What is loaded later does not count.
    imports: file.imports.filter((imported) =>
      !file.text.includes(`import(\n    "../../${imported}"`)
    ),
  }));
  const byPath = new Map(files.map((file) => [file.path, file]));
  const loaded = new Set<string>();
  const load = (path: string) => {
    if (loaded.has(path)) return;
    loaded.add(path);
    for (const imported of byPath.get(path)?.imports ?? []) load(imported);
  };
  load("src/cli/main.ts");
  assertEquals(
    [...loaded].filter((name) => name.startsWith("@opentelemetry/")),
    ["@opentelemetry/api"],
  );
});
