/**
 * Events and projections for tests of error policies, and the plainest fold under each policy.
 *
 * @module
 */
import {
  defineProjection,
  type ErrorPolicy,
  type EventInput,
  type ProjectionDefinition,
} from "../../mod.ts";

/** Where the code of the projection fails on an event. */
export const FAILURES = [
  "none",
  "key",
  "badKey",
  "related.tags",
  "apply",
  "promise",
  "half",
  "tags",
  "json",
  "notJson",
] as const;

/** A call on the test's projection to count, for some keys, and perhaps to fail. */
export interface Noted {
  readonly type: "Noted";
  readonly data: {
    readonly keys: readonly string[];
    readonly fail: typeof FAILURES[number];
    /** Fails for this key only, of those that fail for one key. */
    readonly only: string;
    readonly drop: boolean;
  };
}

interface Notes {
  seen: unknown[];
  back: number;
}

/**
 * A projection that fails in every way there is, by what the event says, and changes its
 * documents in place.
 *
 * @param errorPolicy What becomes of those events.
 * @param deadLettersMax How many may be passed over.
 * @returns The definition.
 */
export function notesUnder(
  errorPolicy: ErrorPolicy,
  deadLettersMax = 10_000,
): ProjectionDefinition {
  return defineProjection<Notes, Noted>({
    name: "Notes",
    version: 1,
    errorPolicy,
    deadLettersMax,
    eventTypes: ["Noted"],
    key: ({ data }) => {
      if (data.fail === "key") throw new Error("No key");
      if (data.fail === "badKey") return "\0";
      return data.keys;
    },
    related: {
      eventTypes: ["Noted"],
      tags: ({ data }) => {
        if (data.fail === "related.tags") throw new Error("No related tags");
        return [`key:${data.only}`];
      },
    },
    // deno-lint-ignore no-explicit-any -- what it returns is wrong on purpose
    apply(state, { data, position }, { key, related }): any {
      const fail = data.only === key ? data.fail : "none";
      if (fail === "apply") throw new Error("Refused");
      if (fail === "promise") return Promise.resolve(state);
      if (data.drop) return undefined;
      const notes = state ?? { seen: [], back: 0 };
      notes.seen.push(fail === "json" ? 1n : position);
      if (fail === "tags") notes.seen.push("untaggable");
      if (fail === "half") throw new Error("Refused, half done");
      notes.back += related.length;
      return fail === "notJson" ? () => notes : notes;
    },
    tags: ({ seen }) => {
      if (seen.includes("untaggable")) throw new Error("No tags");
      return [`last:${Number(seen.at(-1)) % 3}`];
    },
  }) as ProjectionDefinition;
}

/** Makes it an event that is kept for later ones. */
export function toInput(data: Noted["data"]): EventInput<Noted> {
  return {
    type: "Noted",
    data,
    tags: [...new Set(data.keys)].map((key) => `key:${key}`),
  };
}

/** What must come out. */
export interface Expected {
  /** Documents by key. */
  readonly documents: Readonly<Record<string, unknown>>;
  /** `"position key"` of what was passed over; `*` for all keys. */
  readonly letters: readonly string[];
  /** Position of the event that it stands still on. */
  readonly stoppedAt: number | undefined;
}

/** The plainest fold under a policy, written without a look at how the product does it. */
export function expectedOf(
  log: readonly Noted["data"][],
  policy: ErrorPolicy,
  deadLettersMax: number,
): Expected {
  let documents: Record<string, Notes> = {};
  let letters: string[] = [];
  const shut = new Set<string>();
  for (const [index, { keys, fail, only, drop }] of log.entries()) {
    const position = index + 1;
    const before = structuredClone(documents);
    const lettersBefore = letters;
    const back = log.slice(0, index)
      .filter((earlier) => earlier.keys.includes(only)).length;
    const failing: string[] = [];
    if (fail === "key" || fail === "badKey") failing.push("*");
    else {
      for (const key of new Set(keys)) {
        if (shut.has(key)) continue;
        const isHit = fail === "related.tags" || fail !== "none" &&
            only === key && !(drop && fail !== "apply" && fail !== "promise");
        if (isHit) failing.push(key);
        else if (drop) delete documents[key];
        else {
          const notes = documents[key] ??= { seen: [], back: 0 };
          notes.seen.push(position);
          notes.back += back;
        }
      }
    }
    letters = [...letters, ...failing.map((key) => `${position} ${key}`)];
    const mustStop = failing.length > 0 && (policy === "stop" ||
      policy === "quarantine" && failing.includes("*") ||
      letters.length > deadLettersMax);
    if (mustStop) {
      documents = before;
      return { documents, letters: lettersBefore, stoppedAt: position };
    }
    if (policy === "quarantine") { for (const key of failing) shut.add(key); }
  }
  return { documents, letters, stoppedAt: undefined };
}
