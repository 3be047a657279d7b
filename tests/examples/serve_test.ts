import { assertEquals, assertStringIncludes } from "@std/assert";
import { runServe } from "../../examples/course_management/serve.ts";
import { TempDir } from "../support/temp_dir.ts";
import { recordTerminal } from "./terminal.ts";

Deno.test("serve prints what to open, and ends with status 0 when stopped", async () => {
  using dir = new TempDir();
  const terminal = recordTerminal({
    onPrint: (line) => line.includes("admin API") && terminal.interrupt(),
  });
  const data = dir.file("data");
  const args = ["--data", data, "--port", "0", "--allow-unauthenticated"];
  assertEquals(await runServe(args, terminal), 0);
  const printed = terminal.printed.join("\n");
  for (const words of ["1000 events", "/docs", "/students", "Stopping"]) {
    assertStringIncludes(printed, words);
  }
});

Deno.test("serve says when it cannot serve, with status 1", async () => {
  using dir = new TempDir();
  const data = dir.file("data");
  const table: [string[], Record<string, string>, string][] = [
    [[], {}, "'--allow-unauthenticated'"],
    [["--host", "0.0.0.0", "--allow-unauthenticated"], {}, "without a token"],
    [["--token-file", dir.file("none")], {}, "it cannot be read"],
    [[], { OPOSSUM_ADMIN_TOKEN: "short" }, "must have 32"],
  ];
  for (const [args, env, words] of table) {
    const terminal = recordTerminal({ env });
    const all = ["--data", data, "--port", "0", ...args];
    assertEquals(await runServe(all, terminal), 1, words);
    assertStringIncludes(terminal.reported.at(-1) ?? "", words);
  }
});

Deno.test("serve answers wrong calls with status 2 before it touches a folder", async () => {
  using dir = new TempDir();
  const data = dir.file("data");
  const table: [string[], string][] = [
    [["--data", data, "--port", "65536"], "'--port'"],
    [["--data", data, "--port", "http"], "'--port'"],
    [["--data", data, "--token", "x"], "--token"],
    [["--data", data, "--max-triggers", "0"], "'--max-triggers'"],
    [["--data", data, "extra"], "extra"],
    [["--data", ""], "'--data'"],
    [["--data", data, "--host", ""], "'--host'"],
    [["--data", data, "--log-level", "loud"], "'--log-level'"],
  ];
  for (const [args, words] of table) {
    const terminal = recordTerminal();
    assertEquals(await runServe(args, terminal), 2, args.join(" "));
    assertStringIncludes(terminal.reported[0] ?? "", words);
  }
  assertEquals(dir.list(), []);
});

Deno.test("serve --help explains every option and variable", async () => {
  const terminal = recordTerminal();
  assertEquals(await runServe(["-h"], terminal), 0);
  for (
    const name of [
      "--data",
      "--host",
      "--port",
      "--log-level",
      "OPOSSUM_ADMIN_TOKEN",
      "OPOSSUM_LOG_LEVEL",
    ]
  ) {
    assertStringIncludes(terminal.printed.join("\n"), name);
  }
});

Deno.test("serve accepts the token of the environment besides those of the file, also one in both", async () => {
  using dir = new TempDir();
  const token = "0123456789abcdef0123456789abcdef";
  const file = dir.file("tokens");
  const lines = `ada operate ${token}\nbob read ${token}2\n`;
  Deno.writeTextFileSync(file, lines, { mode: 0o600 });
  const statuses: Promise<number>[] = [];
  const ask = async (url: string, token: string) => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${url}/admin/projections`, { headers });
    await response.body?.cancel();
    return response.status;
  };
  const terminal = recordTerminal({
    env: { OPOSSUM_ADMIN_TOKEN: token },
    onPrint: (line) => {
      const url = /at (http:\S+)/.exec(line)?.[1];
      if (url === undefined) return;
      statuses.push(ask(url, token), ask(url, `${token}2`), ask(url, "x"));
      Promise.all(statuses).finally(() => terminal.interrupt());
    },
  });
  const args = ["--data", dir.file("data"), "--port", "0"];
  assertEquals(await runServe([...args, "--token-file", file], terminal), 0);
  assertEquals(await Promise.all(statuses), [200, 200, 401]);
});

Deno.test("serve logs as --log-level says, else as OPOSSUM_LOG_LEVEL does, which is checked before the folder is touched", async () => {
  const table: [string[], Record<string, string>, string[]][] = [
    [["--log-level", "error"], { OPOSSUM_LOG_LEVEL: "info" }, []],
    [[], { OPOSSUM_LOG_LEVEL: "warn" }, ["warn"]],
    [[], {}, ["info", "warn"]],
  ];
  for (const [args, env, expected] of table) {
    using dir = new TempDir();
    const terminal = recordTerminal({
      env,
      onPrint: (line) => line.includes("admin API") && terminal.interrupt(),
    });
    const all = ["--data", dir.file("data"), "--port", "0", ...args];
    const status = await runServe(
      [...all, "--allow-unauthenticated"],
      terminal,
    );
    assertEquals(status, 0);
    const levels = terminal.reported.map((line) => JSON.parse(line).level);
    assertEquals([...new Set(levels)].sort(), expected);
  }
  using dir = new TempDir();
  const terminal = recordTerminal({ env: { OPOSSUM_LOG_LEVEL: "loud" } });
  const data = dir.file("data");
  assertEquals(await runServe(["--data", data], terminal), 2);
  assertStringIncludes(terminal.reported[0] ?? "", "'OPOSSUM_LOG_LEVEL'");
  assertEquals(dir.list(), []);
});
