/**
 * The HTTP side of Opossum: the admin API with its OpenAPI document and docs page, health checks,
 * problem details, and a server that is never open by accident. Built on Hono.
 *
 * @module
 */
export { type AdminRouterOptions, createAdminRouter } from "./admin_router.ts";
export { type AppOptions, createApp } from "./app.ts";
export {
  type AdminAuth,
  type AdminTokens,
  type AuthOptions,
  requireAuth,
} from "./auth.ts";
export type { DocumentInfo } from "./docs.ts";
export { strictJson, type StrictJsonOptions } from "./json_body.ts";
export type { RequestLimits } from "./limits.ts";
export { type AdminScope, type Principal, principalOf } from "./principal.ts";
export {
  createErrorHandler,
  type ErrorHandlerOptions,
  PROBLEM_MEDIA_TYPE,
  ProblemError,
  type ProblemInit,
  type ProblemMapper,
  problemResponse,
} from "./problem.ts";
export {
  jsonResponse,
  type JsonResponseDocument,
  type Problem,
  type ProblemResponseDocument,
  problemResponses,
  type ProblemStatus,
} from "./responses.ts";
export type { SingleRebuildResult } from "./schemas.ts";
export {
  assertSafeToServe,
  BindError,
  type FetchHandler,
  type RunningServer,
  serveApp,
  type ServeOptions,
  UnsafeBindError,
} from "./server.ts";
export { readTokenFile, TokenFileError, watchTokenFile } from "./token_file.ts";
export type { AdminToken } from "./tokens.ts";
export {
  type RequestFault,
  validationHook,
  type ValidationOutcome,
} from "./validation.ts";
