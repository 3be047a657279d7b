import { assertEquals } from "@std/assert";
import { metrics } from "@opentelemetry/api";
import { EventLoopDelay } from "../../src/telemetry/event_loop_delay.ts";
import { MeterSource } from "../../src/telemetry/meter_source.ts";
import { registerOtel } from "./otel_fixture.ts";

/** Timers of a loop that runs when a test says so. */
class FakeTimers {
  #nowMs = 0;
  readonly #due = new Map<object, { atMs: number; callback: () => void }>();

  readonly nowMs = () => this.#nowMs;
  readonly after = (ms: number, callback: () => void): Disposable => {
    const timer = {};
    this.#due.set(timer, { atMs: this.#nowMs + ms, callback });
    return { [Symbol.dispose]: () => void this.#due.delete(timer) };
  };

  /** How many wait. */
  get waiting(): number {
    return this.#due.size;
  }

  /** Lets time pass, with the loop standing still, then runs what is due. */
  pass(ms: number): void {
    this.#nowMs += ms;
    for (const [timer, { atMs, callback }] of [...this.#due]) {
      if (atMs > this.#nowMs) continue;
      this.#due.delete(timer);
      callback();
    }
  }
}

function start() {
  const timers = new FakeTimers();
  const source = new MeterSource();
  const delays: number[] = [];
  const delay = new EventLoopDelay(source, (seconds) => {
    // As instruments do: that is how a change of providers is noticed.
    source.meter();
    delays.push(Math.round(seconds * 1_000));
  }, timers);
  return { timers, source, delays, delay };
}

Deno.test("EventLoopDelay records how late each look is", async () => {
  await using _otel = registerOtel();
  const { timers, delays, delay } = start();
  using _watching = delay.watch();
  timers.pass(100);
  timers.pass(130);
  timers.pass(99);
  assertEquals(delays, [0, 30]);
  timers.pass(1);
  assertEquals(delays, [0, 30, 0]);
});

Deno.test("EventLoopDelay makes up for the looks that a standstill kept from being made", async () => {
  await using _otel = registerOtel();
  const { timers, delays, delay } = start();
  using _watching = delay.watch();
  timers.pass(450);
  assertEquals(delays, [350, 250, 150, 50]);
  delays.length = 0;
  timers.pass(86_400_000);
  // A machine that slept for a day has not been asked for anything.
  assertEquals(delays.length, 601);
});

Deno.test("EventLoopDelay looks once however many stores want it, until the last is closed", async () => {
  await using _otel = registerOtel();
  const { timers, delays, delay } = start();
  const one = delay.watch();
  const other = delay.watch();
  assertEquals(timers.waiting, 1);
  one[Symbol.dispose]();
  one[Symbol.dispose]();
  timers.pass(100);
  assertEquals(delays.length, 1);
  other[Symbol.dispose]();
  assertEquals(timers.waiting, 0);
  using _again = delay.watch();
  assertEquals(timers.waiting, 1);
});

Deno.test("EventLoopDelay looks only while anybody listens, whenever that begins and ends", async () => {
  const { timers, source, delays, delay } = start();
  using _watching = delay.watch();
  assertEquals(timers.waiting, 0);
  {
    await using _otel = registerOtel();
    source.meter();
    assertEquals(timers.waiting, 1);
    timers.pass(100);
    assertEquals(delays, [0]);
    metrics.disable();
    timers.pass(100);
    assertEquals(timers.waiting, 0);
  }
});
