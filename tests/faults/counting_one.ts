/**
 * A projection to be loaded by the command line.
 *
 * @module
 */
import { countingProjection } from "../support/course_fixture.ts";

/** Sums up what was counted. */
export const one = countingProjection("One");
