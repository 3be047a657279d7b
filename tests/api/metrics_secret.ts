/** Stands in keys, tags, data, errors and paths, and must not come out in any telemetry. */
export const SECRET = "hush-4711";
