/**
 * Waiting for an operation, and what comes of it: shared by the commands that start one and those
 * that follow one.
 *
 * @module
 */
import type {
  ProjectionRebuildResult,
  RebuildOperation,
} from "../../rebuild/operation.ts";
import type { Administration } from "../administration.ts";
import type { CaughtUp } from "../catch_up.ts";
import type { CommandCall, CommandOutcome } from "../command.ts";
import {
  EXIT_CONFLICT,
  EXIT_FAILURE,
  EXIT_INTERRUPTED,
  EXIT_OK,
} from "../exit_codes.ts";
import { showOperation } from "../operation_progress.ts";
import type { Progress } from "../progress.ts";
import { promotionLines, resultLines } from "./rebuild_text.ts";

/**
 * Waits until an operation has ended or waits to be promoted, showing how far it is.
 *
 * @param administration Where it runs.
 * @param id The operation.
 * @param progress Where to show it.
 * @param io Told what becomes of it when nobody waits any more.
 * @returns The operation as it is then.
 */
export async function follow(
  administration: Administration,
  id: string,
  progress: Progress,
  io: CommandCall["io"],
): Promise<RebuildOperation> {
  let watched = id;
  const show = showOperation(progress);
  try {
    return await administration.watch(id, (operation) => {
      watched = operation.id;
      show(operation);
    });
  } catch (error) {
    if (io.signal.aborted && administration.place === "server") {
      io.report(`Operation ${watched} goes on without being watched`);
      io.report(`To watch it again: opossum operations watch ${watched}`);
      io.report(`To stop it: opossum operations cancel ${watched}`);
    }
    throw error;
  }
}

/**
 * What came of an operation.
 *
 * @param operation The operation, ended or waiting to be promoted.
 * @param caughtUp What was brought up to date besides.
 * @param signal Whether it was told to stop.
 * @returns The outcome of the command; its JSON is the result, or the operation that waits.
 */
export function outcomeOf(
  operation: RebuildOperation,
  caughtUp: readonly CaughtUp[],
  signal: AbortSignal,
): CommandOutcome {
  const { result } = operation;
  if (result === null) {
    return {
      exitCode: EXIT_OK,
      json: operation,
      text: promotionLines(operation).join("\n"),
    };
  }
  const isDone = result.success && caughtUp.every(({ success }) => success);
  return {
    exitCode: isDone
      ? EXIT_OK
      : signal.aborted
      ? EXIT_INTERRUPTED
      : isConflict(result)
      ? EXIT_CONFLICT
      : EXIT_FAILURE,
    json: { ...result, caughtUp },
    text: resultLines(result, caughtUp).join("\n"),
  };
}

/** Whether nothing was done, and for no other reason than that another process does it already. */
function isConflict({ details }: ProjectionRebuildResult): boolean {
  return details.length > 0 &&
    details.every(({ error }) => error?.name === "RebuildConflictError");
}
