/**
 * The promise that telemetry never fails what it measures.
 *
 * @module
 */

/**
 * Runs a measurement and drops whatever it throws: SDKs, exporters and context managers are
 * other people's code.
 *
 * @param measurement What to run.
 */
export function harmless(measurement: () => unknown): void {
  try {
    measurement();
  } catch {
    // A measurement is lost, and there is nobody to tell who is not telemetry itself.
  }
}
