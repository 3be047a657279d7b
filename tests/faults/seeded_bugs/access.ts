/**
 * Bugs of who may do what: tokens, limits, records of it, and what may be seen.
 *
 * @module
 */
import type { SeededBug } from "./seeded_bug.ts";

/** The bugs. */
export const ACCESS_BUGS: readonly SeededBug[] = [
  {
    name: "strangers learn which methods a path has",
    file: "api/admin_router.ts",
    replace:
      "    access.guard,\n    limitReads(),\n    refuseOtherMethods(router),",
    by: "    refuseOtherMethods(router),\n    access.guard,\n    limitReads(),",
    tests: [
      "tests/api/security/order_test.ts",
      "tests/api/security/protocol_test.ts",
    ],
  },
  {
    name: "a token that may read may do everything",
    file: "api/auth.ts",
    replace: "    if (principal.scopes.includes(scope)) return undefined;",
    by: "    if (principal.scopes.length > 0) return undefined;",
    tests: ["tests/api/security/auth_test.ts"],
  },
  {
    name: "an expired token is accepted",
    file: "api/tokens.ts",
    replace: "isEqual && nowMs < candidate.expiresMs",
    by: "isEqual",
    tests: ["tests/api/security/auth_test.ts"],
  },
  {
    name: "a token file that others can read is accepted",
    file: "api/token_file.ts",
    replace: "info.mode !== null && (info.mode & OTHERS) !== 0",
    by: "info.mode === null",
    tests: ["tests/api/token_file_test.ts"],
  },
  {
    name: "anybody may say whose address it is",
    file: "api/client_address.ts",
    replace:
      "    if (address === undefined || !isTrusted(address)) return address;",
    by: "    if (address === undefined) return address;",
    tests: ["tests/api/security/auth_test.ts"],
  },
  {
    name: "wrong tokens are not counted",
    file: "api/auth.ts",
    replace: "        if (key !== undefined) failures.count(key);\n",
    by: "",
    tests: ["tests/api/security/auth_test.ts"],
  },
  {
    name: "a request is carried out before it is written down",
    file: "api/audit.ts",
    replace: '      await record("requested", null, null);',
    by: "      await Promise.resolve();",
    tests: ["tests/api/security/audit_test.ts"],
  },
  {
    name: "a full disk keeps rebuilds from being cancelled",
    file: "api/audit.ts",
    replace: "      if (!isBrake(context)) throw error;",
    by: "      throw error;",
    tests: ["tests/api/security/audit_test.ts"],
  },
  {
    name: "changes are not limited",
    file: "api/triggers.ts",
    replace: "    if (waitSeconds === 0) {",
    by: "    if (waitSeconds >= 0) {",
    tests: ["tests/api/security/audit_test.ts"],
  },
  {
    name: "a record is acknowledged before it is synced",
    file: "src/audit/file_audit_log.ts",
    replace: "      await file.sync();\n",
    by: "      file.sync().catch(() => {});\n",
    tests: [
      "tests/api/security/audit_test.ts",
      "tests/faults/crash_states_test.ts",
    ],
  },
  {
    name: "the name of a file of records is not synced",
    file: "src/audit/file_audit_log.ts",
    replace:
      "        await this.#options.fileSystem.syncDirectory(this.#options.directory);\n",
    by: "",
    tests: [
      "tests/api/security/audit_test.ts",
      "tests/faults/crash_states_test.ts",
    ],
  },
  {
    name: "the Host header is not looked at",
    file: "api/hosts.ts",
    replace: "    if (fault === undefined) return await next();",
    by: '    if (fault !== "") return await next();',
    tests: ["tests/api/security/protocol_test.ts"],
  },
  {
    name: "a body of any size is read",
    file: "api/body.ts",
    replace: "      if (length > bytesMax) throw tooLarge(bytesMax);\n",
    by: "",
    tests: ["tests/api/security/bodies_test.ts"],
  },
  {
    name: "any number of requests is let in",
    file: "api/server.ts",
    replace: "    if (this.#cutOffs.size >= this.#countMaxOf(request)) {",
    by: "    if (this.#countMaxOf(request) === 0) {",
    tests: ["tests/api/security/protocol_test.ts"],
  },
  {
    name: "a folder that is a symbolic link is followed",
    file: "src/storage/symbolic_links.ts",
    replace: "    if (isSymlink) throw linkError(path);\n",
    by: "    if (isSymlink) continue;\n",
    tests: ["tests/api/security/names_test.ts"],
  },
  {
    name: "a file that is a symbolic link is followed",
    file: "src/storage/symbolic_links.ts",
    replace: "  if (info?.isSymbolicLink()) throw linkError(path);",
    by: "  if (info?.isSocket()) throw linkError(path);",
    tests: ["tests/api/security/names_test.ts"],
  },
  {
    name: "a generation that is a symbolic link is looked at",
    file: "src/projections/generation_listing.ts",
    replace: "  refuseLink(path);\n",
    by: "",
    tests: ["tests/projections/sqlite_projection_store_test.ts"],
  },
  {
    name: "a database that is a symbolic link is scrubbed and verified",
    file: "src/storage/sqlite_reading.ts",
    replace: "  refuseLink(file);\n",
    by: "",
    tests: ["tests/projections/sqlite_projection_store_test.ts"],
  },
  {
    name: "paths stand in spans",
    file: "api/tracing.ts",
    replace: "      await runOnce(",
    by:
      '      span.setAttribute("url.path", context.req.path);\n      await runOnce(',
    tests: ["tests/api/security/secrets_test.ts"],
  },
  {
    name: "paths stand in the log",
    file: "api/problem.ts",
    replace: "        route: routeOf(context),",
    by: "        route: context.req.path,",
    tests: ["tests/api/security/secrets_test.ts"],
  },
  {
    name: "log records hold what terminals obey",
    file: "src/telemetry/logger.ts",
    replace: "      write(escapeInvisible(",
    by: "      write(String(",
    tests: ["tests/api/security/secrets_test.ts"],
  },
  {
    name: "what stands before the routes is not declared",
    file: "api/docs.ts",
    replace: "  declareCommonResponses(document);\n",
    by: "",
    tests: ["tests/api/security/fuzz_test.ts"],
  },
  {
    name: "who may only look sees samples of documents",
    file: "api/samples.ts",
    replace: "? { ...field, samples: [] }",
    by: "? { ...field }",
    tests: ["tests/api/security/samples_test.ts"],
  },
  {
    name: "a stream of events outlives what its token may do",
    file: "api/principal.ts",
    replace: "before.scopes.every((scope) => now.scopes.includes(scope));",
    by: "before.scopes.length > 0;",
    tests: ["tests/api/security/streams_test.ts"],
  },
];
