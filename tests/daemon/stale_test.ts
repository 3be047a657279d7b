import { assert, assertEquals } from "@std/assert";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import { damageDocuments } from "../rebuild/repair_fixture.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

const NAMES = ["Changed", "Damaged", "New", "Raised", "Same"];

/** Three are as they were; one has another version, one other code. */
const LATER = [
  countingProjection("Changed", {
    apply: (state, event) => ({ sum: (state?.sum ?? 0) + 2 * event.data.by }),
  }),
  countingProjection("Damaged"),
  countingProjection("New"),
  countingProjection("Raised", { version: 2 }),
  countingProjection("Same"),
];

for (const enableAutoRebuild of [true, "missing", false] as const) {
  Deno.test(`what is stale is shown by version and fingerprint, and rebuilt or not: enableAutoRebuild ${enableAutoRebuild}`, async () => {
    using dir = new TempDir();
    const log = new MemoryEventStore();
    await log.append(counts(3));
    const before = NAMES.filter((name) => name !== "New");
    {
      const definitions = before.map((name) => countingProjection(name));
      await using opossum = openOverMemory(dir.path, definitions, {}, log);
      await opossum.rebuilder.rebuild(before);
      damageDocuments(dir.file("projections/Damaged/000001.sqlite"), [
        { kind: "change", at: 0 },
      ]);
      const { projections } = await opossum.scrubber.scrub();
      assertEquals(
        projections.filter(({ state }) => state !== "ok").map(({ name }) =>
          name
        ),
        ["Damaged"],
      );
    }
    await using opossum = openOverMemory(
      dir.path,
      LATER,
      { enableAutoRebuild },
      log,
    );
    const { daemon, projections, rebuilder } = opossum;
    const infos = async () =>
      await Promise.all(NAMES.map((name) => projections.info(name)));
    const [changed, , , raised, same] = await infos();
    assert(changed && raised && same);
    assertEquals([changed.version, changed.builtVersion], [1, 1]);
    assert(changed.fingerprint !== changed.builtFingerprint);
    assertEquals([raised.version, raised.builtVersion], [2, 1]);
    assertEquals(raised.fingerprint, raised.builtFingerprint);
    assertEquals(same.fingerprint, same.builtFingerprint);
    const reasons = async () =>
      (await rebuilder.plan(undefined)).map(({ reason }) => reason);
    assertEquals(await reasons(), [
      "fingerprintChanged",
      "damaged",
      "absent",
      "versionChanged",
      "upToDate",
    ]);
    await daemon.start();
    await daemon.whenStarted();
    const states = (await infos()).map(({ state }) => state);
    const ready = ["ready", "ready", "ready", "ready", "ready"];
    assertEquals(
      states,
      {
        true: ready,
        missing: ["stale", "ready", "ready", "stale", "ready"],
        false: ["stale", "damaged", "absent", "stale", "ready"],
      }[String(enableAutoRebuild)],
    );
    // What is stale serves what it has; what is not there says so.
    const sum = enableAutoRebuild === true ? 2 : 1;
    assertEquals(await projections.get("Changed", "a"), { sum });
    await rebuilder.rebuildAll();
    assertEquals((await infos()).map(({ state }) => state), ready);
    assertEquals(await reasons(), NAMES.map(() => "upToDate"));
  });
}
