/**
 * The log records of a rebuild find its trace, and its operation.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { MemoryLogger } from "../log/support.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { registerOtel } from "../telemetry/otel_fixture.ts";

const MESSAGES = [
  /^Starting parallel rebuild of 2/,
  /^Rebuilding projection 'One'/,
  /^Rebuilding projection 'Broken'/,
  /^Projection 'One' rebuilt/,
  /^Failed to rebuild projection 'Broken'/,
  /^Projection rebuild completed with errors/,
];

Deno.test("every record of a rebuild bears its operation and a span of its trace", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  const logger = new MemoryLogger();
  const broken = countingProjection("Broken", {
    apply: () => {
      throw new RangeError("Out of cheese");
    },
  });
  await using opossum = openOverMemory(
    dir.path,
    [countingProjection("One"), broken],
    { logger },
  );
  await opossum.events.append(counts(10));
  const { operationId } = await opossum.rebuilder.rebuildAll();
  const root = otel.spans().find(({ name }) => name === "opossum.rebuild");
  const { traceId } = root?.spanContext() ?? {};
  assert(traceId !== undefined);
  const spanIds = otel.spans().map((span) => span.spanContext().spanId);
  for (const message of MESSAGES) {
    const [record, ...others] = logger.records.filter((record) =>
      message.test(record.message)
    );
    assertEquals(others, []);
    const { attributes = {} } = record ?? {};
    assertEquals(
      [attributes.operationId, attributes.traceId],
      [operationId, traceId],
      `${message}`,
    );
    assert(spanIds.includes(String(attributes.spanId)), `${message}`);
  }
});
