/**
 * Bugs of the command line: what is asked of the wrong place, twice, or not to its end.
 *
 * @module
 */
import type { SeededBug } from "./seeded_bug.ts";

/** The bugs. */
export const COMMAND_BUGS: readonly SeededBug[] = [
  {
    name: "a rebuild is asked for again under another idempotency key",
    file: "src/cli/server/server_client.ts",
    replace: "        return await this.#fetch(method, path, request);",
    by:
      "        return await this.#fetch(method, path, { ...request, headers: " +
      '{ ...request.headers, "idempotency-key": crypto.randomUUID() } });',
    tests: ["tests/cli/server_faults_test.ts"],
  },
  {
    name: "a token follows redirects",
    file: "src/cli/server/server_client.ts",
    replace: 'redirect: "manual"',
    by: 'redirect: "follow"',
    tests: ["tests/cli/server_faults_test.ts"],
  },
  {
    name: "a token file that others can read is used",
    file: "src/cli/server/token.ts",
    replace: "(mode & OTHERS) !== 0",
    by: "(mode & OTHERS) > 0o777",
    tests: ["tests/cli/server_test.ts"],
  },
  {
    name: "a token that no header can hold is left to what quotes it",
    file: "src/cli/server/token.ts",
    replace: "if (VISIBLE_ASCII.test(token)) return token;",
    by: 'if (token !== "") return token;',
    tests: ["tests/cli/server_test.ts"],
  },
  {
    name: "an order that a proxy answered 503 to is sent again",
    file: "src/cli/server/server_client.ts",
    replace: " || !isSafe",
    by: "",
    tests: ["tests/cli/server_faults_test.ts"],
  },
  {
    name: "a server that asks for patience is asked for ever",
    file: "src/cli/server/server_client.ts",
    replace: "    const second = await this.#fetch(method, path, request);",
    by: "    const second = await this.#withPatience(method, path, request);",
    tests: ["tests/cli/server_faults_test.ts"],
  },
  {
    name: "a lost connection is taken up from the beginning",
    file: "src/cli/server/watch_operation.ts",
    replace: "this.#lastEventId = eventId ?? this.#lastEventId;",
    by: "",
    tests: ["tests/cli/watch_operation_test.ts"],
  },
  {
    name: "an operation that a restart interrupted is taken for ended",
    file: "src/cli/server/watch_operation.ts",
    replace: "    if (operation.resumedBy !== undefined) {",
    by: "    if (operation.resumedBy === null) {",
    tests: ["tests/cli/watch_operation_test.ts"],
  },
  {
    name: "a rebuild that failed ends with status 0",
    file: "src/cli/commands/follow.ts",
    replace: "    exitCode: isDone\n",
    by: "    exitCode: isDone || !signal.aborted\n",
    tests: ["tests/cli/server_test.ts"],
  },
  {
    name: "everything is rebuilt without being confirmed",
    file: "src/cli/commands/rebuild.ts",
    replace: "  return await io.confirm(",
    by: "  return !!await io.confirm(`${planSummary(plan)}. Go on?`) || !!(",
    tests: ["tests/cli/server_test.ts"],
  },
  {
    name: "following events passes over what came between two looks",
    file: "src/cli/commands/events_read.ts",
    replace: "      after = head;\n",
    by: "      after = head + 1;\n",
    tests: ["tests/cli/events_test.ts"],
  },
  {
    name: "events write to the terminal what strangers typed",
    file: "src/cli/commands/events_read.ts",
    replace: "  return visible(parts",
    by: "  return String(parts",
    tests: ["tests/cli/events_test.ts"],
  },
  {
    name: "notes are written to the terminal as strangers typed them",
    file: "src/cli/run.ts",
    replace: "`${visible(text)}\\n`",
    by: "`${text}\\n`",
    tests: ["tests/cli/server_test.ts"],
  },
  {
    name: "a projection that was not compared is found right",
    file: "src/cli/commands/projections_verify.ts",
    replace: "const ok = comparison !== undefined && faults",
    by: "const ok = faults",
    tests: ["tests/cli/projections_verify_test.ts"],
  },
  {
    name: "an operation that was interrupted cannot be promoted in the folder",
    file: "src/cli/local_administration.ts",
    replace: ' || before.state === "interrupted"',
    by: "",
    tests: ["tests/cli/generations_test.ts"],
  },
  {
    name: "the end of an operation of a server is not waited for",
    file: "src/cli/administration.ts",
    replace: "  return operation.result !== null ||",
    by:
      "  return operation.progress.length > 0 || operation.result !== null ||",
    tests: ["tests/cli/server_test.ts"],
  },
];
