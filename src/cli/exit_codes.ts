/**
 * What the process's exit status says.
 *
 * @module
 */

/** All went well. */
export const EXIT_OK = 0;
/** It did not work, or not all of it. */
export const EXIT_FAILURE = 1;
/** The command was called wrongly. Nothing was done. */
export const EXIT_USAGE = 2;
/** Stopped by SIGINT or SIGTERM; the number that shells use. */
export const EXIT_INTERRUPTED = 130;
