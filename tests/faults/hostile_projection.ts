/**
 * A projection to be loaded by the command line.
 *
 * @module
 */
import { defineProjection } from "../../mod.ts";

/** A document a key, as the tests of hostile texts define it. */
export const named = defineProjection({
  name: "Named",
  version: 1,
  eventTypes: ["Named"],
  key: () => "unused",
  apply: () => ({}),
});
