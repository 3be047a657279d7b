/**
 * Where instruments get their meter from: whichever provider is registered when they are used.
 *
 * @module
 */
import {
  createNoopMeter,
  type Meter,
  type MeterProvider,
  metrics,
} from "@opentelemetry/api";
import { harmless } from "./harmless.ts";
import { PACKAGE_NAME, VERSION } from "./manifest.ts";

/** The meter of a process without an SDK. */
const SILENT_METER = createNoopMeter();

/** Asks for the meter anew when another provider was registered, and tells the observers. */
export class MeterSource {
  #provider: MeterProvider | undefined;
  #meter: Meter | undefined;
  readonly #observers = new Set<(meter: Meter) => Disposable>();
  readonly #registrations = new Map<
    (meter: Meter) => Disposable,
    Disposable
  >();

  /** The meter of the provider that is registered now. */
  meter(): Meter {
    // The metrics API, unlike that for traces, has no proxy: a meter taken before the SDK was
    // registered stays dead. Comparing providers costs some nanoseconds.
    const provider = metrics.getMeterProvider();
    if (this.#meter === undefined || provider !== this.#provider) {
      this.#provider = provider;
      this.#meter = provider.getMeter(PACKAGE_NAME, VERSION);
      for (const observer of this.#observers) this.#register(observer);
    }
    return this.#meter;
  }

  /** Whether somebody takes measurements now. */
  get isHeard(): boolean {
    return this.meter() !== SILENT_METER;
  }

  /**
   * Keeps an observer registered with the current provider.
   *
   * @param observer Registers callbacks with a meter; its result takes them back.
   * @returns Dispose it to unregister.
   */
  observe(observer: (meter: Meter) => Disposable): Disposable {
    this.#observers.add(observer);
    harmless(() => {
      this.meter();
      if (!this.#registrations.has(observer)) this.#register(observer);
    });
    return {
      [Symbol.dispose]: () => {
        this.#observers.delete(observer);
        this.#unregister(observer);
      },
    };
  }

  #register(observer: (meter: Meter) => Disposable): void {
    this.#unregister(observer);
    const meter = this.#meter;
    if (meter === undefined) return;
    harmless(() => this.#registrations.set(observer, observer(meter)));
  }

  #unregister(observer: (meter: Meter) => Disposable): void {
    const registration = this.#registrations.get(observer);
    this.#registrations.delete(observer);
    harmless(() => registration?.[Symbol.dispose]());
  }
}
