/**
 * `opossum schedule`: when a server rebuilds by schedule.
 *
 * @module
 */
import type { Command } from "../command.ts";
import { EXIT_OK } from "../exit_codes.ts";
import { openAdministration } from "../open_administration.ts";
import { formatDuration, formatTable } from "../table.ts";

/** The command. */
export const scheduleCommand: Command = {
  name: "schedule",
  operands: "",
  operandCount: [0, 0],
  summary: "Show when rebuilds are scheduled.",
  details:
    `Shows the windows in which the server rebuilds what needs it, when they open and
close next, and within which bounds. Times are UTC.`,
  examples: ["schedule --url http://127.0.0.1:8000"],
  options: [],
  place: {
    works: "server",
    because:
      "the schedule is an option of the program that serves, and stands in no folder",
  },
  needsProjections: false,
  async run(call) {
    await using administration = await openAdministration(call);
    const windows = await administration.schedule();
    return {
      exitCode: EXIT_OK,
      json: { windows },
      text: windows.length === 0 ? "No rebuilds are scheduled" : formatTable(
        [
          "CRON",
          "OPEN",
          "OPENS",
          "CLOSES",
          "FOR",
          "AT ONCE",
          "EVENTS/S",
          "LAST OPERATION",
        ],
        windows.map((window) => [
          window.cron,
          window.isOpen ? "yes" : "no",
          window.opensAt ?? "never",
          window.closesAt ?? "-",
          window.duration === null
            ? "until done"
            : formatDuration(window.duration),
          window.concurrency === null ? "-" : String(window.concurrency),
          window.eventsPerSecondMax === null
            ? "-"
            : String(window.eventsPerSecondMax),
          window.operationId ?? "none",
        ]),
      ),
    };
  },
};
