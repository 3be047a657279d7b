/**
 * The commands there are: what parses, explains and completes them is made of this one table.
 *
 * @module
 */
import type { Command } from "./command.ts";
import { checkpointsCommand } from "./commands/checkpoints.ts";
import { completionsCommand } from "./commands/completions.ts";
import { digestCommand } from "./commands/digest.ts";
import {
  eventsReadCommand,
  eventsTailCommand,
} from "./commands/events_read.ts";
import { eventsStatsCommand } from "./commands/events_stats.ts";
import { exportCommand } from "./commands/export.ts";
import {
  deadLettersCommand,
  retryCommand,
  skipCommand,
} from "./commands/faults.ts";
import { importCommand } from "./commands/import.ts";
import {
  operationsCancelCommand,
  operationsPauseCommand,
  operationsPromoteCommand,
  operationsResumeCommand,
  operationsWatchCommand,
} from "./commands/operation_orders.ts";
import {
  operationsListCommand,
  operationsShowCommand,
} from "./commands/operations.ts";
import { projectionsListCommand } from "./commands/projections_list.ts";
import {
  projectionsRollbackCommand,
  projectionsShowCommand,
} from "./commands/projections_show.ts";
import { projectionsRepairCommand } from "./commands/projections_repair.ts";
import { projectionsVerifyCommand } from "./commands/projections_verify.ts";
import { rebuildCommand } from "./commands/rebuild.ts";
import { repairCommand } from "./commands/repair.ts";
import { salvageCommand } from "./commands/salvage.ts";
import { scheduleCommand } from "./commands/schedule.ts";
import { verifyCommand } from "./commands/verify.ts";

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  projectionsListCommand,
  projectionsShowCommand,
  rebuildCommand,
  projectionsRollbackCommand,
  projectionsRepairCommand,
  projectionsVerifyCommand,
  operationsListCommand,
  operationsShowCommand,
  operationsWatchCommand,
  operationsCancelCommand,
  operationsPauseCommand,
  operationsResumeCommand,
  operationsPromoteCommand,
  eventsReadCommand,
  eventsTailCommand,
  eventsStatsCommand,
  scheduleCommand,
  checkpointsCommand,
  deadLettersCommand,
  retryCommand,
  skipCommand,
  importCommand,
  exportCommand,
  digestCommand,
  verifyCommand,
  repairCommand,
  salvageCommand,
  completionsCommand,
];
