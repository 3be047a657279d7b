/** Damage in the dashboard, in Chromium: `deno task test:browser`. */
/// <reference lib="dom" />
import { assert, assertEquals } from "@std/assert";
import { damageDocuments } from "../rebuild/repair_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { startCampus, TOKENS } from "./campus.ts";
import {
  faintTexts,
  openBrowser,
  press,
  scrollsSideways,
  signIn,
  verdictIs,
} from "./chromium.ts";

const FILE = "data/projections/CourseDetails/000001.sqlite";

Deno.test("check for damage, and see what was found", async () => {
  using dir = new TempDir();
  await using campus = await startCampus({
    events: 100,
    path: dir.file("data"),
  });
  await using browser = await openBrowser(campus.url);
  const { page } = browser;
  await signIn(page, TOKENS.operate);
  await page.getByText("Nothing was checked for damage yet.").waitFor();
  await press(page, "Check for damage", "Check");
  await page.getByText("Nothing is damaged.").waitFor();
  await page.getByText("nothing found").waitFor();
  damageDocuments(dir.file(FILE), [{ kind: "delete", at: 0 }]);
  await press(page, "Check for damage", "Check");
  await page.getByText("Damage was found: see under Damage.").waitFor();
  await page.getByText(
    "CourseDetails is damaged: It says 40 documents and has 39",
  ).waitFor();
  await verdictIs(page, "CourseDetails is damaged: reads fail");
  assert(!await scrollsSideways(page));
  assertEquals(await faintTexts(page), []);
});

Deno.test("repair a projection, and see what was mended, or why it cannot be", async () => {
  using dir = new TempDir();
  await using campus = await startCampus({
    events: 100,
    path: dir.file("data"),
  });
  await using browser = await openBrowser(campus.url, {}, /status of 409/);
  const { page } = browser;
  const { projections, rebuilder } = campus.opossum;
  await signIn(page, TOKENS.operate);
  await page.getByRole("link", { name: "CourseDetails" }).click();
  await press(page, "Repair CourseDetails", "Repair");
  await page.getByText("Repair of CourseDetails: nothing was to be mended.")
    .waitFor();
  damageDocuments(dir.file(FILE), [
    { kind: "delete", at: 0 },
    { kind: "change", at: 5 },
    { kind: "foreign", key: "x" },
  ]);
  const button = page.getByRole("button", { name: "Repair CourseDetails" });
  await button.click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Every document and every event is looked at.")
    .waitFor();
  await dialog.getByRole("button", { name: "Repair" }).click();
  await page.getByText(
    "Repair of CourseDetails: 1 changed, 1 added, 1 removed.",
  ).waitFor();
  assertEquals((await projections.info("CourseDetails")).documents, 40);
  // The page was shown before the rebuild was asked for.
  await button.click();
  const { id } = await rebuilder.start(["CourseDetails"], {
    promote: "manual",
  });
  await page.getByText("waits to be promoted").first().waitFor();
  await dialog.getByRole("button", { name: "Repair" }).click();
  await dialog.getByRole("alert").waitFor();
  await rebuilder.cancel(id);
});
