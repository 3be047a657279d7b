/**
 * Turns a response that is none of success into the error that it stands for.
 *
 * @module
 */
import { RebuildConflictError } from "../../rebuild/rebuilder.ts";
import {
  InsufficientDiskSpaceError,
  UnknownOperationError,
} from "../../rebuild/refusals.ts";
import {
  KeyRebuildError,
  type KeyRebuildRefusal,
} from "../../rebuild/rebuilt_keys.ts";
import {
  type ServerProblem,
  ServerProblemError,
  ServerUnreachableError,
} from "./server_errors.ts";

const URN = "urn:opossum:problem:";

/** Kinds of 503 that do not pass by waiting. */
const FOR_GOOD: ReadonlySet<string> = new Set([
  "projection-not-built",
  "projection-damaged",
  "store-read-only",
]);

const REFUSALS: ReadonlySet<unknown> = new Set<KeyRebuildRefusal>([
  "notBuilt",
  "stale",
  "damaged",
  "tooManyKeys",
]);

/** What a response says. */
export interface FoundProblem {
  readonly error: Error;
  /** Whether waiting does not help. */
  readonly isForGood: boolean;
}

/**
 * Reads the problem of a response.
 *
 * @param response The response; its body is read.
 * @param url The server, for messages.
 * @returns The error: of the library where it has one, else what the server said.
 */
export async function problemOf(
  response: Response,
  url: string,
): Promise<FoundProblem> {
  const problem = await readProblem(response);
  if (problem === undefined) {
    const { status } = response;
    const error = new ServerUnreachableError(
      url,
      `what answers there with ${status} is no server of Opossum, or a proxy before it`,
    );
    return { error, isForGood: status !== 503 };
  }
  return { error: toError(problem), isForGood: FOR_GOOD.has(problem.kind) };
}

async function readProblem(
  response: Response,
): Promise<ServerProblem | undefined> {
  let body: Record<string, unknown>;
  try {
    body = await response.json();
  } catch {
    return undefined;
  }
  const { type, detail, requestId, ...extensions } = body ?? {};
  if (typeof type !== "string" || !type.startsWith(URN)) return undefined;
  return {
    status: response.status,
    kind: type.slice(URN.length),
    detail: typeof detail === "string" ? detail : "it does not say why",
    requestId: typeof requestId === "string" ? requestId : undefined,
    extensions,
  };
}

function toError(problem: ServerProblem): Error {
  const { kind, extensions } = problem;
  const { projectionName, operationId, estimatedBytes, freeBytes } = extensions;
  if (kind === "rebuild-conflict" && typeof projectionName === "string") {
    const id = typeof operationId === "string" ? operationId : null;
    return new RebuildConflictError(projectionName, id);
  }
  if (
    kind === "documents-not-rebuilt" && typeof projectionName === "string" &&
    isRefusal(extensions.refusal)
  ) return new KeyRebuildError(projectionName, extensions.refusal);
  if (kind === "unknown-operation") {
    const { instance } = extensions;
    const id = /\/operations\/([^/]+)/.exec(String(instance))?.[1];
    if (id !== undefined) return new UnknownOperationError(id);
  }
  if (
    kind === "insufficient-storage" && typeof estimatedBytes === "number" &&
    typeof freeBytes === "number"
  ) return new InsufficientDiskSpaceError(estimatedBytes, freeBytes);
  return new ServerProblemError(problem);
}

/** Servers of a later version may have other reasons. */
function isRefusal(value: unknown): value is KeyRebuildRefusal {
  return REFUSALS.has(value);
}
