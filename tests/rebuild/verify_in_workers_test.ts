/**
 * Comparing and promoting where rebuilds run in workers: a build is scanned up to where the old
 * one stands, compared, scanned further, and once more when it is promoted.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  type EventInput,
  openOpossum,
  type Opossum,
  type ProjectionDefinition,
  silentLogger,
} from "../../mod.ts";
import { plainFold } from "../../src/testing/determinism/plain_fold.ts";
import { TempDir } from "../support/temp_dir.ts";
import { documentsOf, whenAwaiting } from "./generation_fixture.ts";
import * as counting from "./worker_fixtures/counting.ts";

const DEFINITIONS = [
  counting.sums,
  counting.histories,
  counting.pairs,
  counting.turncoats,
] as readonly ProjectionDefinition[];
/** Above what a worker is worth. */
const PART = 20_200;

async function append(
  { events }: Opossum,
  part: number,
): Promise<void> {
  const all = Array.from({ length: PART }, (_, i): EventInput => {
    const n = part * PART + i;
    const key = `k${n * 7 % 500}`;
    return n % 40 === 0
      ? {
        type: "Named",
        tags: [`key:${key}`],
        data: { key, name: `name ${n}` },
      }
      : { type: "Counted", data: { key, other: `k${n * 11 % 500}`, n } };
  });
  for (let at = 0; at < all.length; at += 5_000) {
    await events.append(all.slice(at, at + 5_000));
  }
}

Deno.test("verify and promote in workers: compared where the old ones stand, and right at the end", async () => {
  using dir = new TempDir();
  await using opossum = await openOpossum({
    path: dir.path,
    projections: import.meta.resolve("./worker_fixtures/counting.ts"),
    startDaemon: false,
    logger: silentLogger,
  });
  const { rebuilder, projections, events } = opossum;
  await append(opossum, 0);
  await rebuilder.rebuildAll();
  await append(opossum, 1);
  const names = [...projections.names];
  const options = { verify: true, promote: "manual" } as const;
  const { id } = await rebuilder.start(names, options);
  const { progress, result } = await whenAwaiting(opossum, id);
  assertEquals(result, null);
  for (const { comparison, runsIn, position, projectionName } of progress) {
    const { documents } = await projections.info(projectionName);
    assertEquals([comparison, runsIn, position], [
      {
        checkpoint: PART,
        generation: 1,
        added: 0,
        removed: 0,
        changed: 0,
        unchanged: documents,
        samples: [],
      },
      "worker",
      2 * PART,
    ]);
  }
  await append(opossum, 2);
  await rebuilder.promote(id);
  const { success, details = [] } = await rebuilder.wait(id) ?? {};
  assert(success);
  const log = await Array.fromAsync(events.read("all"));
  for (const definition of DEFINITIONS) {
    const { name, eventTypes } = definition;
    const expected = plainFold(definition, log);
    const served = Object.entries(await documentsOf(opossum, name))
      .map(([key, state]) => [key, JSON.stringify(state)] as const);
    assertEquals(new Map(served), expected, name);
    const detail = details.find(({ projectionName }) =>
      projectionName === name
    );
    assertEquals(detail?.checkpoint, 3 * PART);
    assertEquals(
      detail?.eventsProcessed,
      log.filter(({ type }) => eventTypes.includes(type)).length,
    );
  }
});
