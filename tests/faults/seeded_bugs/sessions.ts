/**
 * Bugs of the dashboard: how one gets in, how long that holds, and what its pages show.
 *
 * @module
 */
import type { SeededBug } from "./seeded_bug.ts";

const SESSION_TESTS = ["tests/api/session_test.ts"];
const PAGE_TESTS = ["tests/api/dashboard_test.ts"];

/** The bugs. */
export const SESSION_BUGS: readonly SeededBug[] = [
  {
    name: "a page of another site may act with a session",
    file: "api/auth.ts",
    replace: "      if (isUnsafe(context) && isCrossSite(context)) {\n" +
      "        return problemResponse(context, CROSS_SITE);\n      }\n" +
      "      const { principal, isAlive }",
    by: "      const { principal, isAlive }",
    tests: SESSION_TESTS,
  },
  {
    name: "a page of another site may sign somebody in",
    file: "api/dashboard/routes.ts",
    replace: "    if (isCrossSite(context)) return problemResponse(context, " +
      "CROSS_SITE);\n    const form",
    by: "    const form",
    tests: SESSION_TESTS,
  },
  {
    name: "a session outlives its token",
    file: "api/sessions.ts",
    replace: "    if (principal === undefined) return undefined;\n",
    by: '    if (principal === undefined) return { principal: { id: "ghost", ' +
      'scopes: ["read"] }, isAlive: () => true };\n',
    tests: SESSION_TESTS,
  },
  {
    name: "a session that nobody uses goes on",
    file: "api/sessions.ts",
    replace: " || nowMs - usedMs >= IDLE_MS",
    by: "",
    tests: SESSION_TESTS,
  },
  {
    name: "a page left open keeps its session going",
    file: "api/sessions.ts",
    replace: "    if (isUse) {\n      entry.usedMs = this.#nowMs();",
    by: "    entry.usedMs = this.#nowMs();\n    if (isUse) {",
    tests: SESSION_TESTS,
  },
  {
    name: "a session lasts for ever while it is used",
    file: "api/sessions.ts",
    replace: "nowMs >= endsMs || ",
    by: "",
    tests: SESSION_TESTS,
  },
  {
    name: "signing out leaves the session on the server",
    file: "api/sessions.ts",
    replace:
      "    if (key === undefined) return;\n    this.#entries.delete(key);",
    by: "    if (key === undefined) return;",
    tests: SESSION_TESTS,
  },
  {
    name: "a session id that was there before is signed in",
    file: "api/sessions.ts",
    replace: "    this.end(context);\n",
    by: "",
    tests: SESSION_TESTS,
  },
  {
    name: "a stream goes on after its session",
    file: "api/auth.ts",
    replace: "admit(context, principal, isAlive)",
    by: "admit(context, principal, () => true)",
    tests: SESSION_TESTS,
  },
  {
    name: "scripts may read the cookie",
    file: "api/sessions.ts",
    replace: "id, {\n      httpOnly: true,",
    by: "id, {\n      httpOnly: false,",
    tests: SESSION_TESTS,
  },
  {
    name: "wrong tokens typed in are not counted",
    file: "api/auth.ts",
    replace:
      "      const { challenge: _, ...problem } = failed(UNKNOWN_TOKEN);",
    by: "      const { challenge: _, ...problem } = UNKNOWN_TOKEN;",
    tests: SESSION_TESTS,
  },
  {
    name: "buttons are offered to those who may look only",
    file: "api/dashboard/action.tsx",
    replace:
      "  const isForbidden = url !== undefined && !mayOperate(principal);",
    by: "  const isForbidden = url === undefined && !mayOperate(principal);",
    tests: PAGE_TESTS,
  },
  {
    name: "strangers see which projections there are",
    file: "api/dashboard/routes.ts",
    replace: "    if (sessions && !session) {",
    by: "    if (sessions && !session && query.view === undefined) {",
    tests: PAGE_TESTS,
  },
  {
    name: "the policy lets inline scripts run",
    file: "api/dashboard/routes.ts",
    replace: `"script-src 'self'"`,
    by: `"script-src 'self' 'unsafe-inline'"`,
    tests: PAGE_TESTS,
  },
];
