import { assertEquals } from "@std/assert";
import {
  ProjectionDamagedError,
  ProjectionNotBuiltError,
  ProjectionUnavailableError,
} from "../../src/projections/errors.ts";
import { ProjectionGauges } from "../../src/projections/projection_gauges.ts";
import type {
  BuildIdentity,
  Generation,
  GenerationStatus,
} from "../../src/projections/projection_store.ts";
import type { ProjectionFault } from "../../src/projections/projections.ts";
import { FakeClock } from "../../src/testing/mod.ts";

const STATUS: GenerationStatus = {
  checkpoint: 7,
  documents: 3,
  eventsApplied: 7,
  deadLetters: 1,
  builtAt: null,
  bytes: 4_096,
};
/** What the registered definition builds, and what the one before it built. */
const OWN: BuildIdentity = {
  projectionName: "One",
  version: 2,
  fingerprint: "b",
  storeId: "s",
};
const OTHER: BuildIdentity = { ...OWN, version: 1, fingerprint: "a" };
const OBSERVED = {
  name: "One",
  position: 7,
  lag: 3,
  isFaulted: false,
  isStale: false,
  deadLetters: 1,
  documents: 3,
  bytes: 4_096,
};

/** Gauges over a store that does what a test says, for a projection `One`. */
class Fixture {
  readonly clock = new FakeClock();
  isOpen = true;
  status: GenerationStatus = STATUS;
  error: Error | undefined;
  fault: ProjectionFault | null = null;
  identity: BuildIdentity = OWN;
  head = 10;
  reads = 0;
  readonly gauges = new ProjectionGauges({
    clock: this.clock,
    registry: { names: ["One"] },
    events: { head: () => Promise.resolve(this.head) },
    live: {
      fault: () => this.fault,
      isCurrent: (identity) => identity === OWN,
    },
    store: {
      isOpen: () => this.isOpen,
      withCurrent: (_name, action) => {
        this.reads++;
        if (this.error) return Promise.reject(this.error);
        const status = () => Promise.resolve(this.status);
        return action({ status, identity: this.identity } as Generation);
      },
    },
  });
}

Deno.test("ProjectionGauges reads an open projection each time", async () => {
  const fixture = new Fixture();
  assertEquals(await fixture.gauges.observe(), [OBSERVED]);
  fixture.status = { ...STATUS, checkpoint: 10, documents: 4 };
  assertEquals(await fixture.gauges.observe(), [
    { ...OBSERVED, position: 10, lag: 0, documents: 4 },
  ]);
});

Deno.test("ProjectionGauges opens a closed database once a minute, not once a collection", async () => {
  const fixture = new Fixture();
  fixture.isOpen = false;
  for (let i = 0; i < 5; i++) {
    assertEquals(await fixture.gauges.observe(), [OBSERVED]);
  }
  assertEquals(fixture.reads, 1);
  await fixture.clock.advance(60_000);
  fixture.status = { ...STATUS, checkpoint: 9 };
  assertEquals(await fixture.gauges.observe(), [
    { ...OBSERVED, position: 9, lag: 1 },
  ]);
  assertEquals(fixture.reads, 2);
});

Deno.test("ProjectionGauges tells of what cannot be read just now as it was, and leaves out what it never read", async () => {
  const fixture = new Fixture();
  fixture.error = new ProjectionUnavailableError("One", "000001.sqlite", {
    cause: new Error("EMFILE"),
  });
  assertEquals(await fixture.gauges.observe(), []);
  fixture.error = undefined;
  await fixture.gauges.observe();
  fixture.error = new Error("Something else");
  fixture.fault = {} as ProjectionFault;
  assertEquals(await fixture.gauges.observe(), [
    { ...OBSERVED, isFaulted: true },
  ]);
});

Deno.test("ProjectionGauges tells of what is absent or damaged that all of it is still to come", async () => {
  const nothing = {
    ...OBSERVED,
    position: 0,
    lag: 10,
    deadLetters: 0,
    documents: 0,
    bytes: 0,
  };
  const damaged = new ProjectionDamagedError("One", "000001.sqlite", {
    cause: new Error("malformed"),
  });
  for (const error of [new ProjectionNotBuiltError("One"), damaged]) {
    const fixture = new Fixture();
    await fixture.gauges.observe();
    fixture.error = error;
    assertEquals(await fixture.gauges.observe(), [nothing]);
  }
});

Deno.test("ProjectionGauges tells that what serves is stale, also when it has applied the whole log", async () => {
  const fixture = new Fixture();
  fixture.head = 7;
  fixture.identity = OTHER;
  const stale = { ...OBSERVED, lag: 0, isStale: true };
  assertEquals(await fixture.gauges.observe(), [stale]);
  // Also while its database is closed.
  fixture.isOpen = false;
  assertEquals(await fixture.gauges.observe(), [stale]);
  assertEquals(fixture.reads, 1);
  // A rebuild was swapped in, which opens it.
  fixture.isOpen = true;
  fixture.identity = OWN;
  assertEquals(await fixture.gauges.observe(), [{ ...OBSERVED, lag: 0 }]);
});

Deno.test("ProjectionGauges tells that what is ahead of the log is stale", async () => {
  const fixture = new Fixture();
  fixture.head = 6;
  assertEquals(await fixture.gauges.observe(), [
    { ...OBSERVED, lag: 0, isStale: true },
  ]);
});

Deno.test("ProjectionGauges tells of what is absent or damaged that nothing stale serves", async () => {
  const damaged = new ProjectionDamagedError("One", "000001.sqlite", {
    cause: new Error("malformed"),
  });
  for (const error of [new ProjectionNotBuiltError("One"), damaged]) {
    const fixture = new Fixture();
    fixture.identity = OTHER;
    const isStale = async () =>
      (await fixture.gauges.observe()).map((observed) => observed.isStale);
    assertEquals(await isStale(), [true]);
    fixture.error = error;
    assertEquals(await isStale(), [false]);
  }
});
