/**
 * Writing down who asked for what: before it is done, and what came of it.
 *
 * @module
 */
import type { AuditLog, AuditResult, Logger } from "../mod.ts";
import type { Context, MiddlewareHandler } from "hono";
import { isUnsafe } from "./auth.ts";
import type { ClientAddress } from "./client_address.ts";
import type { DescribedRoute, RouteFinder } from "./described_routes.ts";
import { principalOf } from "./principal.ts";
import { requestIdOf } from "./problem.ts";
import { isBrake } from "./triggers.ts";

/** What {@linkcode auditRequests} needs. */
export interface AuditOptions {
  /** Where records go. */
  readonly audit: AuditLog;
  /** Finds the route: what matches none is not written down. */
  readonly find: RouteFinder;
  /** Tells where a request comes from. */
  readonly clientAddress: ClientAddress;
  /** Told of records that could not be written. */
  readonly logger: Logger;
  /** Whether nothing may be written: then there is nothing to record either. */
  readonly readOnly: boolean;
}

/** Parameters of paths that name what is acted on; others may be keys of documents. */
const TARGETS = ["projectionName", "operationId", "position"];
const TARGET_PATTERN = /^[A-Za-z0-9_-]{1,128}$/;

type OperationContext = Context<{ Variables: { operation?: string } }>;

/**
 * Keeps which rebuild operation a request led to, for its record.
 *
 * @param context The request's context.
 * @param operationId The operation.
 */
export function noteOperation(context: Context, operationId: string): void {
  (context as OperationContext).set("operation", operationId);
}

/**
 * Writes requests that may change something down: durably before the handler runs, so that
 * nothing is done that nobody can be asked about, and their outcome after it.
 *
 * @param options Where, and how to tell what was asked for.
 * @returns The middleware, to be used after the guard.
 */
export function auditRequests(
  { audit, find, clientAddress, logger, readOnly }: AuditOptions,
): MiddlewareHandler {
  return async (context, next) => {
    // Routes refuse by themselves what would change anything, and say why.
    if (readOnly) return await next();
    const route = isUnsafe(context) ? find(context) : undefined;
    if (route === undefined) return await next();
    const entry = {
      requestId: requestIdOf(context) ?? null,
      principal: principalOf(context).id,
      client: clientAddress(context) ?? null,
      action: route.operationId,
      target: targetOf(route),
    };
    const record = async (
      result: AuditResult,
      status: number | null,
      operation: string | null,
    ) => {
      const whole = { ...entry, result, status, operation };
      try {
        await audit.record(whole);
      } catch (error) {
        logger.log("error", "A record of the audit log could not be written", {
          requestId: entry.requestId,
          principal: entry.principal,
          client: entry.client,
          action: entry.action,
          target: entry.target,
          result,
          status,
          operationId: operation,
          error,
        });
        throw error;
      }
    };
    try {
      await record("requested", null, null);
    } catch (error) {
      // On a full disk, what makes room must work: the log bears its record then.
      if (!isBrake(context)) throw error;
    }
    await next();
    const { status } = context.res;
    const operation = (context as OperationContext).get("operation") ?? null;
    // It is done: to answer otherwise would be wrong, and the log bears the record.
    await record(resultOf(status), status, operation).catch(() => {});
  };
}

function resultOf(status: number): AuditResult {
  return status >= 500 ? "failed" : status >= 400 ? "refused" : "succeeded";
}

function targetOf({ parameters }: DescribedRoute): string | null {
  const named = TARGETS.flatMap((name) => parameters[name] ?? []);
  // Whatever else stands there will be refused, and was not ours to keep.
  return named.length > 0 && named.every((text) => TARGET_PATTERN.test(text))
    ? named.join("/")
    : null;
}
