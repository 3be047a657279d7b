/**
 * The projections of `poison_kill_test.ts`, in a module of their own for its program.
 *
 * @module
 */
import { notesUnder } from "../projections/error_policy_events.ts";

/** Passes events over, for the document that they fail on. */
export const skipping = { ...notesUnder("skip"), name: "Skipping" };

/** Shuts the documents that an event fails on; its keys can always be told. */
export const shutting = {
  ...notesUnder("quarantine"),
  name: "Shutting",
  key: (event: { data: unknown }) => (event.data as { keys: string[] }).keys,
};
