/** What the dashboard says of damage, and which buttons it has against it. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import type { ProjectionInfo, ScrubReport } from "../../mod.ts";
import { Browser, TOKENS } from "./browser.ts";
import { FakeOpossum } from "./fake_opossum.ts";
import { SOUND } from "./sound_report.ts";

const HOSTILE = "<script>alert(1)</script>";

/** A fake that was scrubbed, and says so of its projection. */
class ScrubbedOpossum extends FakeOpossum {
  report: ScrubReport | undefined;
  changes: Partial<ProjectionInfo> = {};
  override readonly lastScrub = () => Promise.resolve(this.report);

  constructor() {
    super("A");
    const info = this.projections.info;
    Object.assign(this.projections, {
      info: async (name: string) => ({ ...await info(name), ...this.changes }),
    });
  }
}

/** The section about damage, without its tags. */
function damageIn(html: string): string {
  const [, section = ""] = /data-key="damage">(.*?)<\/section>/s.exec(html) ??
    [];
  return section.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ").trim();
}

Deno.test("the overview says when there was looked for damage, and what was found", async () => {
  const fake = new ScrubbedOpossum();
  const browser = await Browser.signedIn(fake);
  assertEquals(
    damageIn(await browser.read("/admin")),
    "Damage Check for damage Nothing was checked for damage yet.",
  );
  fake.report = SOUND;
  assertMatch(
    damageIn(await browser.read("/admin")),
    /nothing found Last checked .+, 2026-01-15 02:03:12 UTC\.$/,
  );
  const [projection] = SOUND.projections;
  assert(projection);
  fake.report = {
    ...SOUND,
    ok: false,
    log: {
      ...SOUND.log,
      ok: false,
      problems: [{
        file: "events/1.ndjson",
        offset: 1_175,
        first: 1,
        last: 1_000,
        what: HOSTILE,
      }],
    },
    projections: [{
      ...projection,
      state: "damaged",
      problem: HOSTILE,
      previousProblem: "It has 2",
    }],
  };
  const html = await browser.read("/admin");
  assertMatch(
    damageIn(html),
    /damage found .+ The log is damaged in 1 place: restore it from a backup.+ events\/1\.ndjson, byte 1,175, events 1 to 1,000: &lt;script&gt;.+ A is damaged: &lt;script&gt;.+ The previous generation of A is damaged: It has 2$/,
  );
  assert(!html.includes("<script>"));
});

Deno.test("a check that is under way is told of, and no second one is offered", async () => {
  const fake = new ScrubbedOpossum();
  fake.scrubbingSince = "2026-01-15T02:00:00.000Z";
  const browser = await Browser.signedIn(fake);
  const html = await browser.read("/admin");
  assertMatch(
    damageIn(html),
    /A check is under way since 2026-01-15 02:00:00 UTC\./,
  );
  const progress = {
    startedAt: "2026-01-15T02:00:00.000Z",
    phase: "log",
    eventsChecked: 4_000,
    events: 9_000,
    projectionName: null,
    projectionsChecked: 0,
    projections: 2,
    documentsChecked: 0,
    documents: 0,
    percent: 22,
  } as const;
  fake.scrubProgress = progress;
  assertMatch(
    damageIn(await browser.read("/admin")),
    /since 2026-01-15 02:00:00 UTC: 22 %, 4,000 of 9,000 events of the log\./,
  );
  fake.scrubProgress = {
    ...progress,
    phase: "projections",
    projectionName: "A",
    projectionsChecked: 1,
    documentsChecked: 50,
    documents: 120,
    percent: 75,
  };
  assertMatch(
    damageIn(await browser.read("/admin")),
    /75 %, 50 of 120 documents of A, 1 of 2 projections done/,
  );
  const [button = ""] = /<button [^>]*\/scrub"[^>]*>/.exec(html) ?? [];
  assertMatch(button, /aria-disabled="true"/);
  assertMatch(button, /title="A check is under way already"/);
});

Deno.test("a projection's page has a button that repairs it, when that can be done", async () => {
  const fake = new ScrubbedOpossum();
  const button = async (
    changes: Partial<ProjectionInfo>,
    token?: string,
  ): Promise<string> => {
    fake.changes = changes;
    const browser = await Browser.signedIn(fake, token);
    const html = await browser.read("/admin?view=projection&name=A");
    const [button = ""] = /<button [^>]*\/A\/repair"[^>]*>/.exec(html) ?? [];
    return button;
  };
  const ready = await button({ state: "ready", generation: 1 });
  assertMatch(ready, /data-title="Repair A\?"/);
  assert(!ready.includes("disabled"));
  const damaged = await button({ state: "damaged", generation: 1 });
  assert(damaged !== "" && !damaged.includes("disabled"));
  const table: [Partial<ProjectionInfo>, string][] = [
    [{ state: "absent", generation: null }, "It was never built"],
    [{ state: "stale", generation: 1 }, "It must be rebuilt as a whole"],
  ];
  for (const [changes, words] of table) {
    const unavailable = await button(changes);
    assert(unavailable.includes(`title="${words}"`), unavailable);
    assert(unavailable.includes('aria-disabled="true"'));
  }
  const reader = await button({ state: "ready", generation: 1 }, TOKENS.read);
  assertMatch(reader, /title="Your token may look only"/);
});

Deno.test("a projection's page tells how far a repair is, and what came of the last", async () => {
  const fake = new ScrubbedOpossum();
  const page = async () => {
    const browser = await Browser.signedIn(fake);
    const html = await browser.read("/admin?view=projection&name=A");
    return html.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");
  };
  assert(!(await page()).includes("Last repair"));
  fake.changes = {
    repair: {
      projectionName: "A",
      startedAt: "2026-01-15T02:00:00.000Z",
      phase: "scanning",
      documentsChecked: 3,
      documents: 3,
      position: 5,
      target: 9,
      keys: 1,
      percent: 58,
      perSecond: null,
    },
    lastRepair: {
      scope: "missingOrDamaged",
      outcome: "succeeded",
      startedAt: "2026-01-15T02:00:00.000Z",
      completedAt: "2026-01-15T02:03:12.000Z",
      keys: 12,
      keysChanged: 3,
      error: null,
    },
  };
  const words = await page();
  assertStringIncludes(
    words,
    "Repair reads the log, 58 %, 1 document to make anew, since 2026-01-15 02:00:00 UTC",
  );
  assertStringIncludes(
    words,
    "Last repair succeeded 2026-01-15 02:03:12 UTC: 12 documents looked at closer, 3 mended",
  );
});
