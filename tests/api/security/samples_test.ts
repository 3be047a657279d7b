/**
 * Documents are data: the samples of a comparison are for who may operate, wherever it is told of.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { defineProjection, openOpossum, silentLogger } from "../../../mod.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { Browser, TOKENS } from "../browser.ts";
import { EventReader } from "../sse.ts";

const seats = (version: number) =>
  defineProjection<{ seats: number }>({
    name: "Courses",
    version,
    eventTypes: ["Opened"],
    key: () => "the-course",
    apply: () => ({ seats: 31_337 * version }),
  });

/** What only documents hold. */
const DOCUMENT = /31337|62674|the-course/;

Deno.test("tokens that may only look are told how many documents differ, and of none what is in it", async () => {
  using dir = new TempDir();
  const open = (version: number) =>
    openOpossum({
      path: dir.path,
      projections: [seats(version)],
      enableAutoRebuild: false,
      logger: silentLogger,
    });
  {
    await using first = await open(1);
    await first.events.append([{ type: "Opened", data: {} }]);
    await first.rebuilder.rebuildAll();
  }
  await using opossum = await open(2);
  const { rebuilder } = opossum;
  const { id } = await rebuilder.start(["Courses"], {
    verify: true,
    promote: "manual",
  });
  const isWaiting = async () =>
    (await rebuilder.getOperation(id))?.progress[0]?.phase ===
      "awaitingPromotion";
  while (!await isWaiting()) await setImmediate();
  const operator = await Browser.signedIn(opossum);
  const reader = await Browser.signedIn(opossum, TOKENS.read);

  const compare = async (paths: Record<string, boolean>) => {
    for (const [path, isTold] of Object.entries(paths)) {
      const [whole, cut] = [await operator.read(path), await reader.read(path)];
      assertEquals(DOCUMENT.test(whole), isTold, path);
      assert(!DOCUMENT.test(cut), `${path}: ${cut}`);
      // But for the samples, both are told the same.
      if (path === "/admin" || !isTold) continue;
      assertEquals(
        JSON.parse(cut),
        JSON.parse(whole, (name, value) => name === "samples" ? [] : value),
        path,
      );
    }
  };
  const operation = `/admin/operations/${id}`;
  await compare({
    [operation]: true,
    "/admin/operations": true,
    "/admin/projections": true,
    "/admin/projections/Courses": true,
    "/admin": true,
  });
  const watched = async (browser: Browser, path: string) => {
    await using events = new EventReader(await browser.ask(path));
    return JSON.stringify(await events.take(1));
  };
  for (const path of ["/admin/events", `${operation}/events`]) {
    assert(DOCUMENT.test(await watched(operator, path)), path);
    const told = await watched(reader, path);
    assert(told.includes('"changed":1') && !DOCUMENT.test(told), told);
  }

  await rebuilder.promote(id);
  assert((await rebuilder.wait(id))?.success);
  await compare({
    [operation]: true,
    "/admin/operations": true,
    "/admin/projections/status": true,
    "/admin/projections": false,
    "/admin": true,
  });
});

Deno.test("tokens that may only look are told how many documents a repair looked at, and not which", async () => {
  using dir = new TempDir();
  await using opossum = await openOpossum({
    path: dir.path,
    projections: [seats(1)],
    startDaemon: false,
    logger: silentLogger,
  });
  await opossum.events.append([{ type: "Opened", data: {} }]);
  await opossum.rebuilder.rebuildAll();
  await opossum.rebuilder.rebuildKeys("Courses", ["the-course"]);
  const operator = await Browser.signedIn(opossum);
  const reader = await Browser.signedIn(opossum, TOKENS.read);
  const path = "/admin/projections/Courses/repair";
  const { last, rebuilt } = JSON.parse(await operator.read(path));
  assertEquals(rebuilt.keys, [{ key: "the-course", change: "unchanged" }]);
  assertEquals(JSON.parse(await reader.read(path)), {
    running: null,
    last,
    rebuilt: null,
  });
  assertEquals(last.keys, 1);
  for (const path of ["/admin/projections/Courses", "/admin"]) {
    assert(!DOCUMENT.test(await reader.read(path)), path);
  }
});
