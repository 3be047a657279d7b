/** The dashboard for those who use no mouse, no eyes, no script, or a phone. */
/// <reference lib="dom" />
import { assert, assertEquals } from "@std/assert";
import { startCampus, TOKENS } from "./campus.ts";
import { openBrowser, scrollsSideways, signIn, verdictIs } from "./chromium.ts";

/** A log that a rebuild is not through with before the test is. */
const SLOW = { events: 10_000, eventsPerSecondMax: 100 };

const SIZES = [{ width: 1280, height: 900 }, { width: 390, height: 844 }];

Deno.test("those who hear the page are told of progress, verdicts and outcomes", async () => {
  await using campus = await startCampus({
    events: 4_000,
    eventsPerSecondMax: 1_000,
  });
  await using browser = await openBrowser(campus.url);
  const { page } = browser;
  await signIn(page, TOKENS.operate);
  await verdictIs(page, "All 4 projections are up to date");
  await page.evaluate(() => {
    const told: string[] = [];
    Object.assign(globalThis, { told });
    const watcher = new MutationObserver(() => {
      for (const region of document.querySelectorAll("[role=status]")) {
        const text = region.textContent?.trim() ?? "";
        if (text && !told.includes(text)) told.push(text);
      }
    });
    watcher.observe(document.body, {
      subtree: true,
      childList: true,
      characterData: true,
    });
  });
  const { id } = await campus.opossum.rebuilder.start(["CourseDetails"]);
  await page.getByText("Rebuild of CourseDetails: succeeded.").waitFor();
  await verdictIs(page, "All 4 projections are up to date");
  const told = await page.evaluate(() => Reflect.get(globalThis, "told"));
  for (
    const text of [
      "Rebuilding CourseDetails",
      "Rebuild of CourseDetails: 50 percent",
      `Rebuild of CourseDetails: succeeded. Operation ${
        id.slice(0, 8)
      }. Dismiss`,
    ]
  ) assert(told.includes(text), `${text} of ${told}`);
});

Deno.test("whatever is long breaks, and the page is not scrolled sideways", async () => {
  await using campus = await startCampus(SLOW);
  for (const viewport of SIZES) {
    await using browser = await openBrowser(campus.url, { viewport });
    const { page } = browser;
    await campus.opossum.rebuilder.start(["CourseDetails"], { note: "note" });
    await signIn(page, TOKENS.operate);
    await page.getByRole("progressbar").first().waitFor();
    const texts = await page.evaluate(() => {
      const long = document.querySelectorAll(
        "h2, h3, th a, summary, strong, q, .bar-name, .bar-facts, .facts",
      );
      for (const element of long) element.textContent = "W".repeat(128);
      for (const folded of document.querySelectorAll("details")) {
        folded.open = true;
      }
      return long.length;
    });
    assert(texts > 20);
    const wide = await page.evaluate(() =>
      [...document.querySelectorAll("body *")].filter((element) =>
        element.getBoundingClientRect().right >
          document.documentElement.clientWidth
      ).map(({ outerHTML }) => outerHTML.slice(0, 60))
    );
    assertEquals(wide, [], `${viewport.width} pixels`);
    assert(!await scrollsSideways(page));
  }
});

Deno.test("everything can be done with the keyboard, and the focus is not lost", async () => {
  await using campus = await startCampus(SLOW);
  await using browser = await openBrowser(campus.url);
  const { page } = browser;
  await page.goto("/admin");
  await page.locator("#token:focus").waitFor();
  await page.keyboard.type(TOKENS.operate);
  await page.keyboard.press("Enter");
  await page.getByText("Live", { exact: true }).waitFor();
  const focused = () =>
    page.evaluate(() => document.activeElement?.textContent ?? "");
  const tabTo = async (text: string) => {
    for (let i = 0; i < 30 && await focused() !== text; i++) {
      await page.keyboard.press("Tab");
    }
    assertEquals(await focused(), text);
  };
  await tabTo("Skip to the content");
  await tabTo("Rebuild CourseDetails");
  const outline = await page.evaluate(() =>
    getComputedStyle(document.activeElement as Element).outlineStyle
  );
  assertEquals(outline, "solid");
  await page.keyboard.press("Enter");
  const go = page.locator("#confirm-go:not(:disabled)");
  await go.waitFor();
  // The dialog keeps the focus to itself.
  for (let i = 0; i < 8; i++) {
    await page.keyboard.press("Tab");
    const isOutside = await page.evaluate(() => {
      const { activeElement: active } = document;
      return active !== document.body && !active?.closest("dialog");
    });
    assert(!isOutside);
  }
  await page.keyboard.press("Escape");
  assertEquals(await focused(), "Rebuild CourseDetails");
  await page.keyboard.press("Enter");
  await go.waitFor();
  await page.getByLabel("Why?").focus();
  await page.keyboard.press("Enter");
  await verdictIs(page, "Rebuilding CourseDetails");
  await tabTo(
    `Pause operation ${
      (await campus.opossum.rebuilder.listOperations({ limit: 1 }))[0]?.id
        .slice(0, 8)
    }`,
  );
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).press(
    "Enter",
  );
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  // The page changed under the focus, which stays.
  await page.getByRole("button", { name: "Resume operation" }).waitFor();
  assert((await focused()).startsWith("Resume operation"));
});

Deno.test("without script the page shows how things stand, and signs out", async () => {
  await using campus = await startCampus({ events: 100, version: 2 });
  await using browser = await openBrowser(campus.url, {
    javaScriptEnabled: false,
  });
  const { page } = browser;
  await page.goto("/admin");
  await page.getByLabel("Token of the admin API").fill(TOKENS.operate);
  await page.getByRole("button", { name: "Sign in" }).click();
  await verdictIs(page, "CourseDetails needs a rebuild");
  await page.getByRole("row", { name: "CourseDetails version 2" }).waitFor();
  await page.getByText("Without script this page only shows").waitFor();
  const visible = page.locator("button:visible");
  assertEquals(await visible.allTextContents(), ["Sign out"]);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Token of the admin API").waitFor();
});

Deno.test("nothing moves for those who asked for that", async () => {
  await using campus = await startCampus(SLOW);
  await using browser = await openBrowser(campus.url, {
    reducedMotion: "reduce",
  });
  const { page } = browser;
  await campus.opossum.rebuilder.start(["CourseDetails"]);
  await signIn(page, TOKENS.operate);
  await page.getByRole("progressbar").first().waitFor();
  const moving = await page.evaluate(() =>
    [...document.querySelectorAll("*")].filter((element) => {
      const { transitionDuration, animationName } = getComputedStyle(
        element,
        element.tagName === "PROGRESS" ? "::-webkit-progress-value" : null,
      );
      return /[1-9]/.test(transitionDuration) || animationName !== "none";
    }).length
  );
  assertEquals(moving, 0);
});

Deno.test("the focus stays where it is when a button changes, and is not lost when one disappears", async () => {
  await using campus = await startCampus(SLOW);
  await using browser = await openBrowser(campus.url);
  const { page } = browser;
  const { rebuilder } = campus.opossum;
  await signIn(page, TOKENS.operate);
  await verdictIs(page, "All 4 projections are up to date");
  const focused = page.locator(":focus");
  const textIs = (text: string) => focused.filter({ hasText: text }).waitFor();

  await page.getByRole("button", { name: "Rebuild CourseDetails" }).focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Events to read").waitFor();
  await page.getByLabel("Why?").press("Enter");
  await verdictIs(page, "Rebuilding CourseDetails");
  // It cannot be rebuilt once more meanwhile.
  await page.locator("button[aria-disabled]", {
    hasText: "Rebuild CourseDetails",
  }).waitFor();
  await textIs("Rebuild CourseDetails");
  await page.keyboard.press("Enter");
  await dialog.getByText("A rebuild is under way.").waitFor();
  assert(!await page.locator("#confirm-go").isVisible());
  await page.keyboard.press("Escape");
  await textIs("Rebuild CourseDetails");

  // What it is about ends elsewhere, with the focus on it.
  const [{ id } = { id: "" }] = await rebuilder.listOperations({ limit: 1 });
  const cancel = page.getByRole("button", { name: "Cancel operation" });
  await cancel.focus();
  await rebuilder.cancel(id);
  await page.getByText("No rebuild is under way.").waitFor();
  await textIs("Under way");
  await page.keyboard.press("Tab");
  await textIs("Check for damage");

  // And with the dialog open over it.
  const other = await rebuilder.start(["StudentDetails"]);
  await cancel.press("Enter");
  await rebuilder.cancel(other.id);
  await page.getByText("No rebuild is under way.").waitFor();
  await page.keyboard.press("Escape");
  await textIs("Under way");
});

Deno.test("notices are dismissed one after the other by keyboard", async () => {
  await using campus = await startCampus({ events: 100 });
  await using browser = await openBrowser(campus.url);
  const { page } = browser;
  await signIn(page, TOKENS.operate);
  await verdictIs(page, "All 4 projections are up to date");
  for (const name of ["CourseDetails", "StudentDetails"]) {
    await campus.opossum.rebuilder.rebuild(name);
    await page.getByText(`Rebuild of ${name}: succeeded.`).waitFor();
  }
  const focused = page.locator(":focus");
  await page.getByRole("button", { name: "Dismiss" }).first().focus();
  await page.keyboard.press("Enter");
  await focused.filter({ hasText: "Dismiss" }).waitFor();
  await page.keyboard.press("Enter");
  await focused.filter({ hasText: "All 4 projections are up to date" })
    .waitFor();
  assertEquals(await page.locator(".notice").count(), 0);
});
