/** Sessions against a model: in force exactly as long as all of their conditions hold. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { AdminTokens } from "../../api/auth.ts";
import { ACCEPTED, Browser, SAME_SITE, TOKENS } from "./browser.ts";
import { FakeOpossum } from "./fake_opossum.ts";

const MINUTE = 60_000;

/** What may happen to a session. */
const step = fc.oneof(
  fc.constant({ do: "signIn" } as const),
  fc.constant({ do: "signOut" } as const),
  fc.constant({ do: "use" } as const),
  fc.constant({ do: "look" } as const),
  fc.record({ do: fc.constant("rotate" as const), isAccepted: fc.boolean() }),
  fc.record({
    do: fc.constant("wait" as const),
    // Around the limits, and far beyond.
    ms: fc.oneof(
      fc.integer({ min: 1, max: 31 * MINUTE }),
      fc.constantFrom(30 * MINUTE - 1, 30 * MINUTE, 12 * 60 * MINUTE),
    ),
  }),
);

Deno.test("a session is in force exactly while it is used, young, not ended, and its token accepted", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const opossum = new FakeOpossum("A");
      let isAccepted = true;
      const other: AdminTokens = [TOKENS.read];
      const browser = new Browser(opossum, {
        tokens: () => isAccepted ? ACCEPTED : other,
        limits: { failedLoginsPerMinute: 1_000_000 },
      });
      let nowMs = 0;
      let model: { usedMs: number; endsMs: number } | undefined;
      const isInForce = () =>
        model !== undefined && isAccepted && nowMs < model.endsMs &&
        nowMs - model.usedMs < 30 * MINUTE;
      for (const each of steps) {
        if (each.do === "wait") {
          await opossum.clock.advance(each.ms);
          nowMs += each.ms;
        } else if (each.do === "rotate") {
          isAccepted = each.isAccepted;
        } else if (each.do === "signIn") {
          const { status } = await browser.signIn();
          assertEquals(status, isAccepted ? 303 : 401);
          // Who is not let in keeps what they had.
          if (isAccepted) {
            model = { usedMs: nowMs, endsMs: nowMs + 12 * 60 * MINUTE };
          }
        } else if (each.do === "signOut") {
          await browser.ask("/admin/session", {
            method: "POST",
            body: new URLSearchParams({ signOut: "true" }),
          });
          model = undefined;
        } else {
          const path = each.do === "use"
            ? "/admin/projections/status"
            : "/admin?live=idle";
          const { status } = await browser.ask(path);
          assertEquals(status, isInForce() ? 200 : 401, each.do);
          // Found not to be in force, it is gone, also if its token comes back.
          if (!isInForce()) model = undefined;
          else if (each.do === "use" && model) model.usedMs = nowMs;
        }
      }
    }),
    { numRuns: 150 },
  );
});

Deno.test("whatever is sent to sign in is answered, and opens nothing", async () => {
  const browser = new Browser(new FakeOpossum("A"), {
    limits: { failedLoginsPerMinute: 1_000_000 },
  });
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=utf-16",
        "multipart/form-data; boundary=x",
        "text/plain",
        "",
      ),
      fc.string().map((text) => encodeURIComponent(text.toWellFormed())),
      async (body, type, cookie) => {
        browser.cookies.set("__Host-opossum", cookie);
        const { status } = await browser.ask("/admin/session", {
          method: "POST",
          headers: { ...SAME_SITE, "content-type": type },
          body: new Uint8Array(body),
        });
        assert([400, 401, 415].includes(status), String(status));
        const { status: after } = await browser.ask("/admin?live=active");
        assertEquals(after, 401);
      },
    ),
    { numRuns: 300 },
  );
});
