/**
 * `opossum verify`: reads the whole log and says what is wrong with it.
 *
 * @module
 */
import type { VerifyReport } from "../../log/verify.ts";
import type { Command } from "../command.ts";
import { EXIT_FAILURE, EXIT_OK } from "../exit_codes.ts";
import { openStore } from "../open_store.ts";
import { formatBytes } from "../table.ts";

/** The command. */
export const verifyCommand: Command = {
  name: "verify",
  operands: "",
  operandCount: [0, 0],
  summary: "Check every byte of the log.",
  details:
    `Reads the whole log and checks every frame, checksum, position and event. Damage
is listed with file, byte and positions; the exit status is then 1. Restore damaged
files from a backup: nothing is repaired, but for an end that a crash left incomplete
and nobody was told is stored.`,
  options: ["read-only"],
  needsProjections: false,
  async run(call) {
    await using opossum = await openStore(call);
    const report = await opossum.verify({ signal: call.io.signal });
    return {
      exitCode: report.ok ? EXIT_OK : EXIT_FAILURE,
      json: report,
      text: describe(report),
    };
  },
};

function describe(report: VerifyReport): string {
  const { events, frames, segments, bytes, head, problems } = report;
  const lines = problems.map(({ file, offset, first, last, what }) =>
    `${file}, byte ${offset}, positions ${first} to ${last}: ${what}`
  );
  const read = `${events} events in ${frames} appends, ${segments} segments, ${
    formatBytes(bytes)
  }`;
  return [
    ...lines,
    problems.length === 0
      ? `The log is sound up to position ${head}: ${read}`
      : `The log is damaged in ${problems.length} places: could read ${read}`,
  ].join("\n");
}
