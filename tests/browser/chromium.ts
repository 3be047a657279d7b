/**
 * Chromium without a window, watched: what it must never do fails the test.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  type Browser,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";

/** A page, and a browser around it that ends with it. */
export interface TestBrowser extends AsyncDisposable {
  readonly page: Page;
  /** Opens another page of the same browser, with the same cookies. */
  readonly open: () => Promise<Page>;
}

/**
 * Opens a page. When it is disposed, it fails if anything was refused by the page's policy, was
 * written to the console, was thrown, or was asked of another host.
 *
 * @param url Where the server is.
 * @param options What the browser is like.
 * @param expected Console messages that are meant to be there.
 */
export async function openBrowser(
  url: string,
  options: BrowserContextOptions = {},
  expected: RegExp = /^$/,
): Promise<TestBrowser> {
  await using resources = new AsyncDisposableStack();
  const browser = await launch();
  resources.defer(() => browser.close());
  const context = await browser.newContext({ baseURL: url, ...options });
  context.setDefaultTimeout(20_000);
  const offences: string[] = [];
  context.on("console", (message) => {
    const text = message.text();
    if (!expected.test(text)) offences.push(`console: ${text}`);
  });
  context.on("weberror", (error) => offences.push(`${error.error()}`));
  context.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol !== "data:" && host !== new URL(url).host) {
      offences.push(`request: ${request.url()}`);
    }
  });
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", ({ violatedDirective }) => {
      // deno-lint-ignore no-console -- runs in the page, whose console is watched
      console.error(`policy: ${violatedDirective}`);
    });
  });
  const page = await context.newPage();
  const owned = resources.move();
  return {
    page,
    open: () => context.newPage(),
    async [Symbol.asyncDispose]() {
      await owned.disposeAsync();
      assertEquals(offences, []);
    },
  };
}

async function launch(): Promise<Browser> {
  const executablePath = Deno.env.get("OPOSSUM_TEST_CHROMIUM") ??
    "/usr/bin/chromium";
  try {
    return await chromium.launch({
      executablePath,
      // Who tests as root has no sandbox to offer.
      args: ["--no-sandbox"],
    });
  } catch (cause) {
    throw new Error(
      `Cannot test the dashboard as Chromium does not start: install it, or ` +
        `name it in OPOSSUM_TEST_CHROMIUM: current value is ${executablePath}`,
      { cause },
    );
  }
}

/** Signs in, and waits for the dashboard to be live. */
export async function signIn(page: Page, token: string): Promise<void> {
  await page.goto("/admin");
  await page.getByLabel("Token of the admin API").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Live", { exact: true }).waitFor();
}

/** Presses a button, and what confirms it in the dialog; returns when that is closed. */
export async function press(
  page: Page,
  name: string,
  confirm: string,
): Promise<void> {
  await page.getByRole("button", { name, exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: confirm, exact: true }).click();
  await dialog.waitFor({ state: "hidden" });
}

/** Waits until the verdict is this. */
export async function verdictIs(page: Page, text: string): Promise<void> {
  await page.locator("[data-verdict]", { hasText: text }).waitFor();
}

/** Whether the page must be scrolled sideways. */
export function scrollsSideways(page: Page): Promise<boolean> {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth > clientWidth;
  });
}

/** Texts whose contrast to what is behind them is below what WCAG AA demands. */
export function faintTexts(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const numbers = (color: string) =>
      (color.match(/[\d.]+/g) ?? []).map(Number);
    const luminance = (color: string) => {
      const [r = 0, g = 0, b = 0] = numbers(color).map((value) => {
        const share = value / 255;
        return share <= 0.04045
          ? share / 12.92
          : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element: Element): string => {
      const { backgroundColor } = getComputedStyle(element);
      const isClear = numbers(backgroundColor)[3] === 0;
      if (!isClear) return backgroundColor;
      return element.parentElement
        ? behind(element.parentElement)
        : "rgb(255,255,255)";
    };
    const faint: string[] = [];
    for (const element of document.querySelectorAll("body *")) {
      const hasText = [...element.childNodes].some((node) =>
        node.nodeType === Node.TEXT_NODE && node.textContent?.trim()
      );
      const isShown = element.checkVisibility() && !element.closest(".unseen");
      if (!hasText || !isShown || element.matches(":disabled")) continue;
      const a = luminance(getComputedStyle(element).color);
      const b = luminance(behind(element));
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      if (ratio < 4.5) {
        faint.push(`${element.textContent?.trim()}: ${ratio.toFixed(2)}`);
      }
    }
    return faint;
  });
}
