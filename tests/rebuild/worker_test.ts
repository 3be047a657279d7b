/**
 * Rebuilds in workers: the same documents as in the serving thread, and nothing that goes wrong
 * in one of them reaches further than its projections.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import {
  type EventInput,
  type Logger,
  openOpossum,
  type Opossum,
  type OpossumOptions,
  type ProjectionRebuildDetail,
} from "../../mod.ts";
import { TempDir } from "../support/temp_dir.ts";
import * as counting from "./worker_fixtures/counting.ts";

/** More than a log for which a worker is not worth it. */
const EVENTS = 24_000;
const KEYS = 400;

const fixture = (name: string) =>
  import.meta.resolve(`./worker_fixtures/${name}.ts`);

function* events(): Generator<EventInput> {
  for (let n = 0; n < EVENTS; n++) {
    const key = `k\u00e9y-${n * 7 % KEYS}`;
    if (n % 50 === 0) {
      yield {
        type: "Named",
        tags: [`key:${key}`],
        data: { key, name: `name ${n} \u{1F99D}` },
      };
    }
    yield {
      type: "Counted",
      tags: [`key:${key}`],
      data: { key, other: `k\u00e9y-${n * 11 % KEYS}`, n },
    };
  }
}

/** A logger that keeps what it is told. */
function recorder(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    log: (level, message, fields) =>
      void lines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
  };
}

async function fill(path: string): Promise<void> {
  await using opossum = await openOpossum({ path, startDaemon: false });
  const all = [...events()];
  for (let at = 0; at < all.length; at += 5_000) {
    await opossum.events.append(all.slice(at, at + 5_000));
  }
}

async function open(
  path: string,
  options: Partial<OpossumOptions>,
): Promise<Opossum> {
  const logger = recorder();
  return await openOpossum({ path, startDaemon: false, logger, ...options });
}

/** All documents of all projections, as text. */
async function documentsOf({ projections }: Opossum): Promise<string> {
  const lines: string[] = [];
  for (const name of projections.names) {
    for await (const document of projections.documents(name)) {
      lines.push(JSON.stringify([name, document]));
    }
  }
  return lines.join("\n");
}

function byName(
  details: readonly ProjectionRebuildDetail[],
): Record<string, ProjectionRebuildDetail> {
  return Object.fromEntries(
    details.map((detail) => [detail.projectionName, detail]),
  );
}

Deno.test("a rebuild in workers gives the same documents as one in the serving thread, whatever the memory", async () => {
  using dir = new TempDir();
  await fill(dir.path);
  const definitions = [
    counting.sums,
    counting.histories,
    counting.pairs,
    counting.turncoats,
  ];
  const texts = new Map<string, string>();
  for (
    const [what, options] of Object.entries({
      "in process": { projections: definitions },
      "in workers": { projections: fixture("counting") },
      "in workers, one at a time": {
        projections: fixture("counting"),
        maxConcurrentRebuilds: 1,
      },
      "in workers, little memory": {
        projections: fixture("counting"),
        rebuildMemoryBytesMax: 1_048_576,
        batchSize: 77,
      },
      "in process, little memory": {
        projections: definitions,
        rebuildMemoryBytesMax: 1_048_576,
      },
    })
  ) {
    await using opossum = await open(dir.path, options);
    const places = new Set<string | null>();
    const { id } = await opossum.rebuilder.start(undefined, {
      forceRebuild: true,
    });
    const result = await opossum.rebuilder.wait(id);
    const operation = await opossum.rebuilder.getOperation(id);
    for (const { runsIn } of operation?.progress ?? []) places.add(runsIn);
    assert(result?.success, JSON.stringify(result?.details));
    assertEquals(result.totalRebuilt, 4);
    assertEquals(
      [...places],
      [what.startsWith("in process") ? "process" : "worker"],
    );
    assertEquals(byName(result.details).Sums?.eventsProcessed, EVENTS);
    assertEquals(byName(result.details).Pairs?.eventsProcessed, EVENTS);
    assertEquals(byName(result.details).Turncoats?.eventsProcessed, EVENTS);
    texts.set(what, await documentsOf(opossum));
  }
  const [first] = texts.values();
  for (const [what, text] of texts) {
    assert(text === first, `Documents differ ${what}`);
  }
});

Deno.test("a projection that throws in a worker fails with position, type and cause; the others do not", async () => {
  using dir = new TempDir();
  await fill(dir.path);
  await using opossum = await open(dir.path, {
    projections: fixture("poisoned"),
  });
  const { details } = await opossum.rebuilder.rebuild(["Throwing", "Working"]);
  const { Throwing, Working } = byName(details);
  assertEquals(Throwing?.state, "failed");
  assertEquals(Throwing?.error?.name, "ProjectionApplyError");
  assertEquals(Throwing?.error?.position, 10_000 + 201 + 1);
  assertEquals(Throwing?.error?.eventType, "Counted");
  assertStringIncludes(
    Throwing?.errorMessage ?? "",
    "Ten thousand is too much",
  );
  assert(Working?.success);
});

Deno.test("a worker that crashes fails its projections only, and says what happened", async () => {
  using dir = new TempDir();
  await fill(dir.path);
  await using opossum = await open(dir.path, {
    projections: fixture("poisoned"),
  });
  const { details } = await opossum.rebuilder.rebuild(["Crashing", "Working"]);
  const { Crashing, Working } = byName(details);
  assertEquals(Crashing?.error?.name, "RebuildWorkerError");
  assertMatch(
    Crashing?.errorMessage ?? "",
    /projection "Crashing" as its worker crashed: .*Out of the blue/,
  );
  assert(Working?.success);
  // Nothing is left behind that would stand in the way of the next one.
  assertEquals(
    [...Deno.readDirSync(`${dir.path}/projections/Crashing`)]
      .map(({ name }) => name).filter((name) => !name.endsWith(".lock")),
    [],
  );
});

Deno.test("a worker that hangs is given up, and its projections fail", async () => {
  using dir = new TempDir();
  await fill(dir.path);
  await using opossum = await open(dir.path, {
    projections: fixture("poisoned"),
    rebuildStallTimeout: 2_000,
  });
  const { details } = await opossum.rebuilder.rebuild(["Hanging", "Working"]);
  const { Hanging, Working } = byName(details);
  assertEquals(Hanging?.error?.name, "RebuildWorkerError");
  assertMatch(
    Hanging?.errorMessage ?? "",
    /shows no sign of life for 2000 ms, in the code of projection "Hanging"/,
  );
  assert(Working?.success, Working?.errorMessage ?? "");
});

Deno.test("a definition that is another one in a worker is rebuilt in the serving process, which is logged", async () => {
  for (const name of ["two_faced", "main_only"]) {
    using dir = new TempDir();
    await fill(dir.path);
    const logger = recorder();
    await using opossum = await open(dir.path, {
      projections: fixture(name),
      logger,
    });
    const { id } = await opossum.rebuilder.start(["Sums"]);
    assert((await opossum.rebuilder.wait(id))?.success);
    const operation = await opossum.rebuilder.getOperation(id);
    assertEquals(operation?.progress[0]?.runsIn, "process");
    assert(
      logger.lines.some((line) =>
        line.startsWith("warn Projection cannot be rebuilt in a worker")
      ),
      logger.lines.join("\n"),
    );
  }
});

Deno.test("a worker's rebuild can be paused, resumed and cancelled", async () => {
  using dir = new TempDir();
  await fill(dir.path);
  await using opossum = await open(dir.path, {
    projections: fixture("counting"),
  });
  const { rebuilder } = opossum;
  const paused = await rebuilder.start(["Sums"]);
  assert(await rebuilder.pause(paused.id));
  assertEquals((await rebuilder.getOperation(paused.id))?.state, "paused");
  // Another one goes its whole way meanwhile.
  assert((await rebuilder.rebuild(["Histories"])).success);
  const standing = await rebuilder.getOperation(paused.id);
  assertEquals(standing?.progress[0]?.position, 0);
  assert(standing?.progress[0]?.paused);
  assertEquals(standing?.progress[0]?.estimatedCompletionAt, null);
  assert(await rebuilder.resume(paused.id));
  assert((await rebuilder.wait(paused.id))?.success);

  const cancelled = await rebuilder.start(["Sums"]);
  await rebuilder.pause(cancelled.id);
  assert(await rebuilder.cancel(cancelled.id));
  const result = await rebuilder.wait(cancelled.id);
  assertEquals(result?.state, "cancelled");
  assert(!await rebuilder.pause(cancelled.id));
  assert(!await rebuilder.resume(cancelled.id));
});

Deno.test("closing a store stops a paused worker, which goes on when it is resumed after the start", async () => {
  using dir = new TempDir();
  await fill(dir.path);
  const projections = fixture("counting");
  let id: string;
  {
    await using opossum = await open(dir.path, { projections });
    ({ id } = await opossum.rebuilder.start(["Sums", "Histories"]));
    await opossum.rebuilder.pause(id);
  }
  await using opossum = await open(dir.path, {
    projections,
    enableAutoRebuild: false,
    startDaemon: true,
  });
  await opossum.daemon.whenStarted();
  const [operation] = await opossum.rebuilder.listOperations();
  assertEquals([operation?.id, operation?.state], [id, "paused"]);
  assert(await opossum.rebuilder.resume(id));
  assert((await opossum.rebuilder.wait(id))?.success);
  assertEquals((await opossum.projections.info("Sums")).state, "ready");
});
