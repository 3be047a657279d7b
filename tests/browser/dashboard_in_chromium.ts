/** The dashboard in Chromium: `deno task test:browser`. */
/// <reference lib="dom" />
import { assert, assertEquals } from "@std/assert";
import { HOSTILE, POISON, startCampus, TOKENS } from "./campus.ts";
import {
  faintTexts,
  openBrowser,
  press,
  scrollsSideways,
  signIn,
  verdictIs,
} from "./chromium.ts";

/** A log that a rebuild is not through with before the test is. */
const SLOW = { events: 10_000, eventsPerSecondMax: 100 };

const SIZES = [{ width: 1280, height: 900 }, { width: 390, height: 844 }];

for (const viewport of SIZES) {
  for (const colorScheme of ["light", "dark"] as const) {
    const what = `${viewport.width} pixels wide, ${colorScheme}`;
    Deno.test(`sign in, rebuild what needs it, watch it finish, sign out: ${what}`, async () => {
      await using campus = await startCampus({ events: 2_000, version: 2 });
      await using browser = await openBrowser(campus.url, {
        viewport,
        colorScheme,
      });
      const { page } = browser;
      await page.goto("/admin");
      assert(!await scrollsSideways(page));
      assertEquals(await faintTexts(page), []);
      await signIn(page, TOKENS.operate);
      assert(!page.url().includes(TOKENS.operate));
      await verdictIs(page, "CourseDetails needs a rebuild");
      assert(!await scrollsSideways(page));
      assertEquals(await faintTexts(page), []);

      await page.getByRole("button", { name: "Rebuild what needs it" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("row", {
        name: "CourseDetails its version changed 2,000",
      }).waitFor();
      await dialog.getByText("Events to read").waitFor();
      assert(!await scrollsSideways(page));
      assertEquals(await faintTexts(page), []);
      await dialog.getByLabel("Why?").fill("after the release");
      await dialog.getByRole("button", { name: "Rebuild" }).click();
      await page.getByText("The rebuild has started.").first().waitFor();
      await verdictIs(page, "All 4 projections are up to date");

      const { rebuilder } = campus.opossum;
      const [operation] = await rebuilder.listOperations({ limit: 1 });
      assertEquals(operation?.state, "succeeded");
      assertEquals(operation?.projectionNames, ["CourseDetails"]);
      assertEquals(operation?.requestedBy, "ada");
      assertEquals(operation?.note, "after the release");
      await page.getByText("after the release").waitFor();
      assertEquals(await faintTexts(page), []);

      await page.getByRole("link", { name: "CourseDetails" }).click();
      await page.getByRole("heading", { name: "Dead letters" }).waitFor();
      assert(!await scrollsSideways(page));
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByLabel("Token of the admin API").waitFor();
      assertEquals(await page.context().cookies(), []);
    });
  }
}

for (const viewport of SIZES) {
  Deno.test(`pause, resume and cancel a rebuild, each confirmed: ${viewport.width} pixels wide`, async () => {
    await using campus = await startCampus(SLOW);
    await using browser = await openBrowser(campus.url, { viewport });
    const { page } = browser;
    const { rebuilder } = campus.opossum;
    await signIn(page, TOKENS.operate);
    await verdictIs(page, "All 4 projections are up to date");
    for (const name of ["CourseDetails", "StudentDetails"]) {
      await page.getByLabel(`Select ${name}`).check();
    }
    await press(page, "Rebuild selected", "Rebuild");
    await verdictIs(page, "Rebuilding CourseDetails and StudentDetails");
    const [{ id } = { id: "" }] = await rebuilder.listOperations({ limit: 1 });
    const short = id.slice(0, 8);
    const bars = page.getByRole("progressbar");
    await bars.nth(1).waitFor();
    // Live: nobody loads the page again.
    const before = await bars.first().getAttribute("value");
    await page.waitForFunction(
      (value) =>
        document.querySelector("progress")?.getAttribute("value") !== value,
      before,
    );
    await page.locator("#chart-throughput path.line[d]").waitFor({
      state: "attached",
    });
    assert(await page.getByLabel("Select CourseDetails").isChecked());

    await press(page, `Pause operation ${short}`, "Pause");
    await page.getByText("It is paused.").waitFor();
    await verdictIs(page, `Operation ${short} is paused`);
    assertEquals((await rebuilder.getOperation(id))?.state, "paused");

    await press(page, `Resume operation ${short}`, "Resume");
    await verdictIs(page, "Rebuilding CourseDetails and StudentDetails");
    assertEquals((await rebuilder.getOperation(id))?.state, "running");

    // Nothing happens to who looks and closes.
    await page.getByRole("button", { name: `Cancel operation ${short}` })
      .click();
    await page.getByRole("button", { name: "Close" }).click();
    assertEquals((await rebuilder.getOperation(id))?.state, "running");
    await press(page, `Cancel operation ${short}`, "Cancel the rebuild");
    await verdictIs(page, "All 4 projections are up to date");
    const row = page.getByRole("row", { name: short });
    await row.getByText("cancelled", { exact: true }).waitFor();
    assertEquals((await rebuilder.getOperation(id))?.state, "cancelled");
  });
}

for (const viewport of SIZES) {
  Deno.test(`roll back, and forward again: ${viewport.width} pixels wide`, async () => {
    await using campus = await startCampus({ events: 100 });
    await using browser = await openBrowser(campus.url, { viewport });
    const { page } = browser;
    const { projections, rebuilder } = campus.opossum;
    const served = async () =>
      (await projections.info("CourseDetails")).generation;
    await signIn(page, TOKENS.operate);
    await verdictIs(page, "All 4 projections are up to date");
    const button = page.getByRole("button", {
      name: "Roll back CourseDetails",
    });
    assert(await button.isDisabled());
    await rebuilder.rebuild("CourseDetails");
    const [before, after] = [await served(), (await served() ?? 0) - 1];
    await page.getByText(`version 1, generation ${before}`).waitFor();
    await button.click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText(
      `Generation ${after} serves again instead of generation ${before}`,
    ).waitFor();
    await dialog.getByRole("button", { name: "Roll back" }).click();
    await page.getByText("It is rolled back.").waitFor();
    await verdictIs(
      page,
      `CourseDetails is rolled back to generation ${after}`,
    );
    assertEquals(await served(), after);
    await page.getByRole("link", { name: "CourseDetails" }).click();
    await page.getByRole("row", { name: `${before} can be rolled back to` })
      .waitFor();
    await press(page, "Roll back CourseDetails", "Roll back");
    await verdictIs(page, "All 4 projections are up to date");
    assertEquals(await served(), before);
  });
}

Deno.test("compare a build with what serves, and promote it", async () => {
  await using campus = await startCampus({ events: 100, version: 2 });
  await using browser = await openBrowser(campus.url);
  const { page } = browser;
  await signIn(page, TOKENS.operate);
  await page.getByRole("button", { name: "Rebuild CourseDetails" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Compare with what serves").check();
  await dialog.getByLabel("Wait until I promote it").check();
  await dialog.getByRole("button", { name: "Rebuild" }).click();
  await verdictIs(page, "The new build of CourseDetails waits to be promoted");
  await page.getByText("Against generation 1: 0 added, 0 removed, 40 changed")
    .waitFor();
  await page.getByText("The first 20 differences").click();
  await page.getByText('+ {"count":').first().waitFor();
  assertEquals(
    (await campus.opossum.projections.info("CourseDetails")).generation,
    1,
  );
  const [{ id } = { id: "" }] = await campus.opossum.rebuilder
    .listOperations({ limit: 1 });
  await press(page, `Promote operation ${id.slice(0, 8)}`, "Promote");
  await verdictIs(page, "All 4 projections are up to date");
});

Deno.test("what was confirmed is what is rebuilt, whatever else needs it by then", async () => {
  await using campus = await startCampus({ events: 100, version: 2 });
  await using browser = await openBrowser(campus.url);
  const { page } = browser;
  const { events, rebuilder } = campus.opossum;
  await signIn(page, TOKENS.operate);
  await page.getByRole("button", { name: "Rebuild what needs it" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("row", { name: "CourseDetails its version" })
    .waitFor();
  await events.append([POISON]);
  await verdictIs(page, "CourseRatings is faulted at position 101");
  assertEquals(
    (await rebuilder.plan(undefined)).filter(({ rebuild }) => rebuild).length,
    2,
  );
  await dialog.getByRole("button", { name: "Rebuild" }).click();
  await page.getByText("Rebuild of CourseDetails: succeeded.").waitFor();
  const [operation] = await rebuilder.listOperations({ limit: 1 });
  assertEquals(operation?.projectionNames, ["CourseDetails"]);
  assertEquals(operation?.result?.details[0]?.reason, "versionChanged");
});

Deno.test("a problem is shown where it arose", async () => {
  await using campus = await startCampus(SLOW);
  // That a status is one of a problem, Chromium writes to the console.
  await using browser = await openBrowser(campus.url, {}, /status of 409/);
  const { page } = browser;
  const { rebuilder } = campus.opossum;
  const { id } = await rebuilder.start(["CourseDetails"]);
  await signIn(page, TOKENS.operate);
  await page.getByRole("button", { name: "Pause operation" }).click();
  await rebuilder.cancel(id);
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Pause" }).click();
  await dialog.getByRole("alert").waitFor();
  const text = await dialog.getByRole("alert").textContent();
  assert(/^Operation ended: .+ Request .+/.test(text ?? ""), text ?? "");
  // To try again, or to go to what is beside it.
  assertEquals(await page.locator(":focus").textContent(), "Pause");
});

Deno.test("a fault is shown as what it says, and can be retried and skipped", async () => {
  await using campus = await startCampus({ events: 100 });
  await using browser = await openBrowser(campus.url);
  const { page } = browser;
  await signIn(page, TOKENS.operate);
  await verdictIs(page, "All 4 projections are up to date");
  await campus.opossum.events.append([POISON]);
  await verdictIs(page, "CourseRatings is faulted at position 101");
  await page.getByText(HOSTILE).first().waitFor();
  await page.getByText("1 dead letter").click();
  await page.getByRole("row", { name: "101 Poisoned course-1" }).waitFor();
  await page.getByText(HOSTILE).first().waitFor();
  assert((await page.title()).startsWith("CourseSearch"));
  assertEquals(await page.locator("main img, main script").count(), 0);
  await page.getByRole("link", { name: "All projections" }).click();
  await press(page, "Retry CourseRatings", "Retry");
  await page.getByText("It is tried again.").waitFor();
  await press(page, "Skip event CourseRatings", "Skip the event");
  await verdictIs(page, "All 4 projections are up to date");
});

Deno.test("who may look only sees everything, and can press nothing", async () => {
  await using campus = await startCampus({ events: 100, version: 2 });
  await using browser = await openBrowser(campus.url);
  const { page } = browser;
  await signIn(page, TOKENS.read);
  await page.getByText("Your token may look only").waitFor();
  await page.getByRole("button", { name: "Dry run" }).click();
  await page.getByRole("row", { name: "CourseDetails its version" }).waitFor();
  assert(!await page.locator("#confirm-go").isVisible());
  await page.keyboard.press("Escape");
  const buttons = page.locator("button[data-action]:not(:disabled)");
  assertEquals(await buttons.allTextContents(), ["Dry run"]);
});

Deno.test("a page whose session has ended asks to sign in again", async () => {
  await using campus = await startCampus({ events: 100 });
  await using browser = await openBrowser(campus.url, {}, /status of 401/);
  const { page } = browser;
  await signIn(page, TOKENS.operate);
  const other = await browser.open();
  await other.goto("/admin");
  await other.getByRole("button", { name: "Sign out" }).click();
  await other.getByLabel("Token of the admin API").waitFor();
  await campus.opossum.events.append([POISON]);
  await page.bringToFront();
  await page.getByLabel("Token of the admin API").waitFor();
});

Deno.test("a refresh that failed is forgotten once another succeeds", async () => {
  await using campus = await startCampus({ events: 100 });
  await using browser = await openBrowser(campus.url, {}, /ERR_FAILED/);
  const { page } = browser;
  await signIn(page, TOKENS.operate);
  const connection = page.locator("#connection");
  await connection.getByText("Live").waitFor();
  await page.route(/live=/, (route) => route.abort(), { times: 1 });
  await campus.opossum.events.append([POISON]);
  await connection.getByText("Cannot reach the server").waitFor();
  await connection.getByText("Live").waitFor();
});

Deno.test("what ran when the connection was lost is not drawn for ever", async () => {
  await using campus = await startCampus(SLOW);
  await using browser = await openBrowser(campus.url);
  const { page } = browser;
  await page.addInitScript(() => {
    const streams: EventSource[] = [];
    globalThis.EventSource = class extends EventSource {
      constructor(url: string | URL) {
        super(url);
        streams.push(this);
      }
    };
    addEventListener("lose", () => {
      for (const stream of streams) {
        stream.close();
        stream.dispatchEvent(new Event("error"));
      }
    });
  });
  await signIn(page, TOKENS.operate);
  await campus.opossum.rebuilder.start(["CourseDetails"]);
  const throughput = page.locator("#chart-throughput .now");
  await throughput.getByText(/Now [1-9]/).waitFor();
  await page.evaluate(() => dispatchEvent(new Event("lose")));
  await page.locator("#connection").getByText("Connection lost").waitFor();
  await throughput.getByText("Now 0,").waitFor();
});

Deno.test("an operation with nothing to do is not told of as a rebuild", async () => {
  await using campus = await startCampus({ events: 100 });
  await using browser = await openBrowser(campus.url);
  const { page } = browser;
  await signIn(page, TOKENS.operate);
  await page.locator("#connection").getByText("Live").waitFor();
  const { rebuilder } = campus.opossum;
  await rebuilder.start(undefined);
  const { id } = await rebuilder.start(["CourseDetails"]);
  await rebuilder.wait(id);
  await page.getByText("Rebuild of CourseDetails: succeeded.").waitFor();
  const told = await page.locator("main > [role=status]").allTextContents();
  assert(!/of :|Infinity/.test(told.join()), told.join());
});
