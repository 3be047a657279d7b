/**
 * Code may throw anything: whatever it is, it is a failure at that event.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  fromErrorMessage,
  toErrorMessage,
} from "../../src/rebuild/scan_job.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

const POISON_AT = 3;
const EVENTS = 5;

const withField = (name: string, value: unknown) =>
  Object.defineProperty(new Error("Poison"), name, { value });

const withGetter = (name: string) =>
  Object.defineProperty(new Error("Poison"), name, {
    get() {
      throw new Error("Not to be read");
    },
  });

/** What code may throw, and what may be thrown on looking at it. */
const thrown: Readonly<Record<string, unknown>> = {
  "nothing": undefined,
  "a symbol": Symbol("poison"),
  "an object without a prototype": Object.create(null),
  "an object that cannot be turned into a text": {
    toString() {
      throw new Error("Not to be read");
    },
  },
  "a proxy that answers nothing": new Proxy({}, {
    getPrototypeOf() {
      throw new Error("Not to be read");
    },
  }),
  "an error with a symbol as its message": withField("message", Symbol("m")),
  "an error with an object as its message": withField("message", { code: 1 }),
  "an error without a message": withField("message", undefined),
  "an error without a name": withField("name", undefined),
  "an error whose message cannot be read": withGetter("message"),
  "an error whose name cannot be read": withGetter("name"),
  "an error whose cause cannot be read": withGetter("cause"),
  "an error with a cause of that kind": withField("cause", Object.create(null)),
};

for (const errorPolicy of ["stop", "skip"] as const) {
  Deno.test(`whatever is thrown is a failure at its event under the error policy ${errorPolicy}`, async () => {
    for (const [what, value] of Object.entries(thrown)) {
      using dir = new TempDir();
      const poisoned = countingProjection("One", {
        errorPolicy,
        apply(state, { position, data }) {
          if (position === POISON_AT) throw value;
          return { sum: (state?.sum ?? 0) + data.by };
        },
      });
      await using opossum = openOverMemory(dir.path, [poisoned]);
      const { events, daemon, projections, rebuilder } = opossum;
      await daemon.start();
      await daemon.whenStarted();
      await events.append(counts(EVENTS));
      const isStopped = errorPolicy === "stop";
      await projections.waitFor(isStopped ? POISON_AT - 1 : EVENTS);
      const { details: [detail] } = await rebuilder.rebuild("One");
      assertEquals(
        detail?.error?.position ?? null,
        isStopped ? POISON_AT : null,
        what,
      );
      const letters = await projections.deadLetters("One");
      assertEquals(
        letters.map(({ position }) => position),
        isStopped ? [] : [POISON_AT],
        what,
      );
    }
  });
}

Deno.test("whatever is thrown in a worker can be told to the serving thread", () => {
  const cyclic = new Error("Poison");
  cyclic.cause = cyclic;
  for (const [what, cause] of Object.entries({ ...thrown, cyclic })) {
    const data = structuredClone(
      toErrorMessage(new Error("Failed", { cause })),
    );
    assertEquals(fromErrorMessage(data).message, "Failed", what);
  }
});
