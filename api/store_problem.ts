/**
 * What a store that fails, is busy or closes looks like over HTTP: always 503, since nothing is
 * wrong with the request.
 *
 * @module
 */
import {
  AppendFailedError,
  AppendOutcomeUnknownError,
  AuditUnavailableError,
  LockTimeoutError,
  LogCorruptionError,
  LogReadError,
  OperationNotRecordedError,
  ProjectionsClosedError,
  ProjectionUnavailableError,
  RebuilderClosedError,
  RebuildNotStartedError,
  RebuildQueueFullError,
  StoreClosedError,
  StoreReadOnlyError,
} from "../mod.ts";
import type { ProblemInit } from "./problem.ts";

type StoreErrorClass =
  // deno-lint-ignore no-explicit-any -- their constructors differ, only `instanceof` is used
  abstract new (...args: any[]) => Error;

const STOPPING = {
  kind: "stopping",
  status: 503,
  title: "Stopping",
  detail: "The server is about to stop: try again when it is back",
  headers: { "Retry-After": "5" },
} as const satisfies ProblemInit;

/** No `Retry-After` where somebody must repair something first: asking again would not help. */
const STORE_PROBLEMS: readonly (readonly [StoreErrorClass, ProblemInit])[] = [
  [RebuilderClosedError, STOPPING],
  [ProjectionsClosedError, STOPPING],
  [StoreClosedError, STOPPING],
  [AuditUnavailableError, {
    kind: "audit-unavailable",
    status: 503,
    title: "Audit log unavailable",
    detail: "The request could not be written down, and so nothing was done: " +
      "make room on the disk or repair it, then try again",
    isFault: true,
  }],
  [LockTimeoutError, {
    kind: "store-busy",
    status: 503,
    title: "Store busy",
    detail: "Another process holds the store's lock, nothing was stored: try " +
      "again",
    headers: { "Retry-After": "5" },
    isFault: true,
  }],
  [LogReadError, {
    kind: "log-unreadable",
    status: 503,
    title: "Event log unreadable",
    detail: "The disk does not let the event log be read: the server's log " +
      "tells the file and the place, repair the disk",
    isFault: true,
  }],
  [ProjectionUnavailableError, {
    kind: "projection-unavailable",
    status: 503,
    title: "Projection unavailable",
    detail: "The files of the projection cannot be opened or written now, as " +
      "on a full disk or with too many files open: the server's log tells " +
      "which",
    headers: { "Retry-After": "5" },
    isFault: true,
  }],
  [RebuildNotStartedError, {
    kind: "rebuild-not-started",
    status: 503,
    title: "Rebuild not started",
    detail:
      "The rebuild could not be written down, nothing was changed: make " +
      "room on the disk or repair it, then try again",
    isFault: true,
  }],
  [OperationNotRecordedError, {
    kind: "operation-not-recorded",
    status: 503,
    title: "Operation not recorded",
    detail: "The order could not be written down, so that it does not hold: " +
      "make room on the disk or repair it, then try again",
    isFault: true,
  }],
  [RebuildQueueFullError, {
    kind: "queue-full",
    status: 503,
    title: "Queue full",
    detail: "As many rebuild operations are under way as may be: ask again " +
      "when one has ended, or cancel one",
    headers: { "Retry-After": "30" },
  }],
  [AppendFailedError, {
    kind: "append-failed",
    status: 503,
    title: "Append failed",
    detail: "The events could not be written, nothing was stored: make room " +
      "on the disk or repair it, then try again",
    isFault: true,
  }],
  [AppendOutcomeUnknownError, {
    kind: "append-outcome-unknown",
    status: 503,
    title: "Append outcome unknown",
    detail: "The disk failed while the events were stored: once the server " +
      "was repaired and restarted, read before you append them again",
    isFault: true,
  }],
  [StoreReadOnlyError, {
    kind: "store-read-only",
    status: 503,
    title: "Store read-only",
    detail: "Nothing can be stored until the disk or the log is repaired and " +
      "the server restarted: its log tells the cause. Reads go on",
    isFault: true,
  }],
  [LogCorruptionError, {
    kind: "log-damaged",
    status: 503,
    title: "Event log damaged",
    detail: "The event log is damaged: the server's log tells the file and " +
      "the place, restore it from a backup",
    isFault: true,
  }],
];

/**
 * The problem that an error of a store in trouble stands for.
 *
 * @param error What was thrown.
 * @returns The problem, or `undefined` for any other error.
 */
export function storeProblemOf(error: unknown): ProblemInit | undefined {
  return STORE_PROBLEMS.find(([errorClass]) => error instanceof errorClass)
    ?.[1];
}
