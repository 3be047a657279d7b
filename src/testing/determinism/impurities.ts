/**
 * Notices when code asks what no pure function may ask: the time, chance, the machine's time
 * zone or language.
 *
 * @module
 */
import type { DeterminismProblemKind } from "./report.ts";

/** Something that was asked for. */
export interface Impurity {
  /** What kind of mistake it is. */
  readonly kind: Extract<
    DeterminismProblemKind,
    "clock" | "chance" | "timeZone"
  >;
  /** The call, such as `Date.now()`. */
  readonly source: string;
}

/** Watches until it is disposed. */
export interface ImpurityWatch extends Disposable {
  /** What was asked for since the last look. */
  take(): Impurity[];
}

/** Answers of these depend on where the machine stands and how it is set up. */
const LOCAL_DATE_METHODS = [
  "getDate",
  "getDay",
  "getFullYear",
  "getHours",
  "getMinutes",
  "getMonth",
  "getTimezoneOffset",
  "toDateString",
  "toLocaleDateString",
  "toLocaleString",
  "toLocaleTimeString",
  "toString",
  "toTimeString",
] as const;

const CURRENT_TIMES = [
  "instant",
  "plainDateISO",
  "plainDateTimeISO",
  "plainTimeISO",
  "zonedDateTimeISO",
] as const;

/**
 * Begins to watch: puts watchers in the place of what is asked for, which then answers as ever.
 *
 * Only for code that runs without a break up to the disposal: whoever else asks meanwhile would
 * be noticed as well.
 *
 * @returns The watch. Dispose it to put everything back.
 */
export function watchImpurities(): ImpurityWatch {
  const noticed: Impurity[] = [];
  using stack = new DisposableStack();
  const watch = (
    owner: object,
    name: string,
    kind: Impurity["kind"],
    source: string,
  ) => {
    const original = Reflect.get(owner, name);
    if (typeof original !== "function") return;
    const watched = function (this: unknown, ...args: unknown[]) {
      if (!isForOnePlace(name, args)) noticed.push({ kind, source });
      return Reflect.apply(original, this, args);
    };
    stack.use(replace(owner, name, watched));
  };
  watch(Date, "now", "clock", "Date.now()");
  watch(performance, "now", "clock", "performance.now()");
  for (const name of CURRENT_TIMES) {
    watch(Temporal.Now, name, "clock", `Temporal.Now.${name}()`);
  }
  watch(Math, "random", "chance", "Math.random()");
  watch(crypto, "randomUUID", "chance", "crypto.randomUUID()");
  watch(crypto, "getRandomValues", "chance", "crypto.getRandomValues()");
  watch(Temporal.Now, "timeZoneId", "timeZone", "Temporal.Now.timeZoneId()");
  for (const name of LOCAL_DATE_METHODS) {
    watch(Date.prototype, name, "timeZone", `Date.prototype.${name}()`);
  }
  stack.use(replace(
    globalThis,
    "Date",
    watchedDate((source) => noticed.push({ kind: "clock", source })),
  ));
  const watching = stack.move();
  return {
    take: () => noticed.splice(0),
    [Symbol.dispose]: () => watching[Symbol.dispose](),
  };
}

/** A text for people may well be made for a given language and time zone. */
function isForOnePlace(name: string, [locale, options]: unknown[]): boolean {
  return name.startsWith("toLocale") && locale !== undefined &&
    typeof options === "object" && options !== null && "timeZone" in options;
}

/** `Date` with an ear for the calls that give the current time. */
function watchedDate(notice: (source: string) => void): DateConstructor {
  return new Proxy(Date, {
    construct(target, args, newTarget) {
      if (args.length === 0) notice("new Date()");
      return Reflect.construct(target, args, newTarget);
    },
    apply(target, self, args) {
      notice("Date()");
      return Reflect.apply(target, self, args);
    },
  });
}

/** Puts a value in the place of another, until it is disposed. */
function replace(owner: object, name: string, value: unknown): Disposable {
  const before = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, {
    value,
    writable: true,
    enumerable: before?.enumerable ?? true,
    configurable: true,
  });
  return {
    [Symbol.dispose]() {
      if (before) Object.defineProperty(owner, name, before);
      // It was inherited.
      else Reflect.deleteProperty(owner, name);
    },
  };
}
