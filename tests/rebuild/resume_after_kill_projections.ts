/**
 * The projections that `resume_after_kill_test.ts` rebuilds. In the process that is to be killed
 * each call of their code leaves a mark, at which it may be held; anywhere else they are as ever.
 *
 * @module
 */
import { defineProjection, type ProjectionDefinition } from "../../mod.ts";
import * as sample from "../../examples/course_management/projections.ts";
import {
  type Dropped,
  type Linked,
  links,
  values,
} from "./determinism_projections.ts";

/** The environment variable that asks for marks: `free`, or `held` to wait at each of them. */
export const MARKS = "OPOSSUM_TEST_MARKS";

/**
 * `a`: an event is applied, `t`: a document is committed, `m`: time is measured, `n`: a time is
 * written down, as right before a swap.
 */
export type Mark = "a" | "t" | "m" | "n";

const marks = Deno.env.get(MARKS);
const answer = new Uint8Array(1);

/** Tells the parent process, and waits for its answer when it wants to hold this one. */
export function mark(kind: Mark): void {
  if (marks === undefined) return;
  Deno.stdout.writeSync(new Uint8Array([kind.charCodeAt(0)]));
  if (marks === "held") Deno.stdin.readSync(answer);
}

/** Enough for several statements a commit: rows are inserted 64 at a time. */
const ROWS = Array.from({ length: 150 }, (_, row) => `row ${row}`);

/** Changes every document with every event, so that all are in every commit. */
const wide = defineProjection<{ count: number }, Dropped | Linked>({
  name: "Wide",
  version: 1,
  eventTypes: ["Dropped", "Linked"],
  key: () => ROWS,
  apply: (state) => ({ count: (state?.count ?? 0) + 1 }),
});

/** The projections as they are, for an oracle. */
export const plainDefinitions = (): ProjectionDefinition[] =>
  [...Object.values(sample), links, values, wide] as ProjectionDefinition[];

/** The projections with marks. */
export const projections: readonly ProjectionDefinition[] = plainDefinitions()
  .map((definition) => ({
    ...definition,
    apply(state, event, context) {
      // Of many documents, one.
      if (!context.key.startsWith("row") || context.key === ROWS[0]) mark("a");
      return definition.apply(state, event, context);
    },
    // Asked for while the documents are written, in the transaction.
    tags(state, key) {
      mark("t");
      return definition.tags?.(state, key) ?? [];
    },
  }));
