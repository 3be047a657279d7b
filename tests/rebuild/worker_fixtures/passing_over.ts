/**
 * Projections that pass events over, with documents large enough to be folded part by part.
 *
 * @module
 */
import { defineProjection, type ProjectionDefinition } from "@opossum/deno";
import type { Counted } from "./counting.ts";

/** Where the code of these projections fails on an event, by its number. */
export function failureOf(n: number): "key" | "tags" | "apply" | "json" | null {
  switch (n) {
    case 4_001:
    case 17_003:
      return "key";
    case 9_001:
      return "tags";
    case 1_003:
    case 12_345:
    case 21_000:
      return "apply";
    case 15_500:
      return "json";
  }
  return null;
}

interface History {
  seen: [unknown, string][];
}

const PADDING = "x".repeat(8);

function passingOver(
  name: string,
  overrides: Partial<ProjectionDefinition<History, Counted>>,
): ProjectionDefinition<History, Counted> {
  return defineProjection<History, Counted>({
    name,
    version: 1,
    errorPolicy: "skip",
    eventTypes: ["Counted"],
    related: {
      eventTypes: ["Counted"],
      tags: ({ data }) => {
        if (failureOf(data.n) === "tags") throw new Error("No related tags");
        return [];
      },
    },
    key: ({ data }) => {
      if (failureOf(data.n) === "key") throw new Error("No key");
      return data.key;
    },
    apply(state, { data }, { key }) {
      const { seen } = state ?? { seen: [] };
      const failure = key === data.key ? failureOf(data.n) : null;
      seen.push([failure === "json" ? 1n : data.n, PADDING]);
      if (failure === "apply") throw new Error("Half done");
      return { seen };
    },
    ...overrides,
  });
}

/** Passes events over, its key a field of each. */
export const skippers: ProjectionDefinition<History, Counted> = passingOver(
  "Skippers",
  {},
);

/** As that, without related events: they are put aside unparsed, by a guessed key. */
export const guessers: ProjectionDefinition<History, Counted> = passingOver(
  "Guessers",
  { related: { eventTypes: ["Other" as "Counted"], tags: () => [] } },
);

/** Passes over by document: two keys an event, which fails for one of them. */
export const pairs: ProjectionDefinition<History, Counted> = passingOver(
  "Pairs",
  {
    key: ({ data }) => {
      if (failureOf(data.n) === "key") throw new Error("No key");
      return [data.key, data.other];
    },
  },
);

/** Shuts documents; its keys can always be told. */
export const shutters: ProjectionDefinition<History, Counted> = passingOver(
  "Shutters",
  { errorPolicy: "quarantine", key: ({ data }) => data.key },
);
