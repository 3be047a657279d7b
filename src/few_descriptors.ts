/**
 * A word about too few file descriptors, before the runtime ends without one.
 *
 * @module
 */
import {
  descriptorLimit,
  DESCRIPTORS_MIN,
} from "./storage/descriptor_limit.ts";
import type { Logger } from "./telemetry/logger.ts";

/**
 * Warns when the process may have so few files open that the runtime may panic.
 *
 * @param logger Where to.
 * @param limit How many it may have open, if that is known.
 */
export function tellOfFewDescriptors(
  logger: Logger,
  limit: number | undefined = descriptorLimit(),
): void {
  if (limit === undefined || limit >= DESCRIPTORS_MIN) return;
  const message =
    "The process may open so few files that the runtime may end it: allow it 1024 " +
    "or more (ulimit -n 1024, LimitNOFILE= of a systemd unit)";
  logger.log("warn", message, { limit });
}
