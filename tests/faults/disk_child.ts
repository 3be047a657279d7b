/**
 * A program that works on a store under limits that its parent sets: descriptors, room, rights.
 * Prints one line of JSON.
 *
 * `disk_child.ts many FOLDER COUNT` · `fill FOLDER ROUNDS ROOM` · `inspect FOLDER` ·
 * `small FOLDER` · `restart FOLDER 0 ROOM`
 *
 * @module
 */
import { AppendFailedError, openOpossum, silentLogger } from "../../mod.ts";
import { countingProjection, counts } from "../support/course_fixture.ts";

const [mode, path = "", argument = "0", room = ""] = Deno.args;
const work = { many, fill, inspect, small, restart }[mode ?? ""];
if (work === undefined) throw new TypeError(`No such work: ${mode}`);
Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(await work())));

/** Builds, updates and reads many projections at once. */
async function many() {
  const names = Array.from(
    { length: Number(argument) },
    (_, i) => `P${i}`,
  );
  const failures: string[] = [];
  const warnings: unknown[] = [];
  let descriptorsMax = 0;
  const look = () => {
    try {
      const { length } = [...Deno.readDirSync("/proc/self/fd")];
      descriptorsMax = Math.max(descriptorsMax, length);
    } catch {
      // Looking takes one as well.
    }
  };
  await using opossum = await openOpossum({
    path,
    projections: names.map((name) => countingProjection(name)),
    logger: {
      log: (level, _, attributes) => {
        if (level === "warn") warnings.push(attributes?.limit);
      },
    },
    maxConcurrentRebuilds: 64,
    startDaemon: false,
  });
  const { events, projections, rebuilder, daemon } = opossum;
  await events.append(counts(30));
  const { details } = await rebuilder.rebuildAll();
  for (const { error } of details) if (error) failures.push(error.name);
  look();
  await daemon.start();
  await daemon.whenStarted();
  await events.append(counts(3));
  await projections.waitFor(33);
  look();
  let ready = 0;
  for (const name of names) {
    if (await projections.get(name, "a")) ready++;
    look();
  }
  return { ready, failures, descriptorsMax, warnings };
}

/** Something else takes the room. */
function takeRoom(): void {
  Deno.writeFileSync(room, new Uint8Array(0));
  using other = Deno.openSync(room, { write: true, append: true });
  for (let size = 65_536; size >= 512;) {
    try {
      other.writeSync(new Uint8Array(size));
    } catch {
      size /= 2;
    }
  }
}

/** Fills a very small disk by itself, and waits for its projections then. */
async function small() {
  await using opossum = await openOpossum({
    path,
    projections: [countingProjection("One"), countingProjection("Two")],
    logger: silentLogger,
    pollingInterval: 100,
    segmentBytesMax: 262_144,
  });
  const { events, projections, rebuilder, daemon } = opossum;
  await daemon.whenStarted();
  let acknowledged = 0;
  let code: string | undefined;
  for (let n = 0; code === undefined; n++) {
    const data = { key: "abc".charAt(n % 3), by: 1, rest: "x".repeat(9_000) };
    try {
      await events.append([{ type: "Counted", data }]);
      acknowledged++;
    } catch (error) {
      if (!(error instanceof AppendFailedError)) throw error;
      code = error.code;
    }
  }
  await projections.waitFor(acknowledged);
  const rebuilt = await rebuilder.rebuildAll({ forceRebuild: true })
    .then(({ state }) => state, (error) => `${error.name} ${error.code}`);
  const { checkpoint } = await projections.info("One");
  return { acknowledged, code, rebuilt, checkpoint };
}

/** Opens a store whose disk is full, and goes on when there is room again. */
async function restart() {
  takeRoom();
  await using opossum = await openOpossum({
    path,
    projections: [countingProjection("One")],
    logger: silentLogger,
    pollingInterval: 100,
  });
  const { events, projections, daemon } = opossum;
  await daemon.whenStarted();
  const append = () => {
    // More than the room that is left in the last page.
    const data = { key: "a", by: 1, rest: "x".repeat(9_000) };
    return events.append([{ type: "Counted", data }])
      .then(() => "appended", (error) => `${error.name} ${error.code}`);
  };
  const look = async () => {
    const query = { items: [{ types: ["Counted"] }] };
    const { length } = await Array.fromAsync(events.read(query));
    const { state } = await projections.info("One");
    const a = await projections.get("One", "a");
    return { events: length, head: await events.head(), state, a };
  };
  // What opening gave back.
  takeRoom();
  const before = await look();
  const refusal = await append();
  const { state: health } = opossum.appendHealth;
  const after = await look();
  Deno.removeSync(room);
  const outcome = await append();
  await projections.waitFor(await events.head());
  const last = await look();
  const { ok } = await opossum.verify();
  return { before, refusal, health, after, outcome, last, ok };
}

/** Fills a small disk and frees it again, without ever opening the store anew. */
async function fill() {
  await using opossum = await openOpossum({
    path,
    projections: [countingProjection("One")],
    logger: silentLogger,
    pollingInterval: 100,
    segmentBytesMax: 262_144,
  });
  const { events, projections, rebuilder, daemon } = opossum;
  await daemon.whenStarted();
  let acknowledged = 0;
  let refused = 0;
  let rebuildsFailed = 0;
  for (let round = 0; round < Number(argument); round++) {
    takeRoom();
    const data = {
      key: "abc".charAt(round % 3),
      by: 1,
      rest: "x".repeat(9_000),
    };
    for (let tries = 0; tries < 2;) {
      try {
        await events.append([{ type: "Counted", data }]);
        acknowledged++;
      } catch (error) {
        if (!(error instanceof AppendFailedError)) throw error;
        if (error.code !== "ENOSPC") throw error;
        if (opossum.appendHealth.state !== "failing") throw new Error("Health");
        tries++;
        refused++;
      }
    }
    // Reads and status go on.
    await projections.info("One");
    if (await events.head() !== acknowledged) throw new Error("Head");
    if (round % 20 === 0) {
      const result = await rebuilder.rebuildAll({ forceRebuild: true })
        .catch(() => ({ success: false }));
      if (!result.success) rebuildsFailed++;
    }
    Deno.truncateSync(room, 0);
    await events.append([{ type: "Counted", data: { ...data, rest: "" } }]);
    acknowledged++;
    await projections.waitFor(acknowledged);
  }
  const result = await rebuilder.rebuildAll({ forceRebuild: true });
  let sum = 0;
  for await (const { state } of projections.documents("One")) {
    sum += (state as { sum: number }).sum;
  }
  const { ok } = await opossum.verify();
  const { success } = result;
  return { acknowledged, refused, rebuildsFailed, sum, ok, success };
}

/** Opens a store as one usually does, and then with `readOnly`. */
async function inspect() {
  const projections = [countingProjection("One")];
  const options = { path, projections, logger: silentLogger };
  const refusal = await openOpossum({ ...options, startDaemon: false })
    .then(async (opossum) => {
      await using _opened = opossum;
      const append = await opossum.events.append(counts(1))
        .then(() => "appended", (error) => error.name);
      const rebuild = await opossum.rebuilder.rebuildAll({ forceRebuild: true })
        .then(({ success }) => `${success}`, (error) => error.name);
      return `${append}, ${rebuild}`;
    }, (error) => `${error.name} ${error.code}`);
  await using opossum = await openOpossum({ ...options, readOnly: true });
  const query = { items: [{ types: ["Counted"] }] };
  const events = await Array.fromAsync(opossum.events.read(query));
  const last = await opossum.events.readLast(query);
  const a = await opossum.projections.get("One", "a");
  const { ok } = await opossum.verify();
  return { refusal, events: events.length, last: last?.position, a, ok };
}
