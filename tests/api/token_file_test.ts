import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  readTokenFile,
  requireAuth,
  TokenFileError,
  watchTokenFile,
} from "../../api/mod.ts";
import { TempDir } from "../support/temp_dir.ts";
import { FakeOpossum } from "./fake_opossum.ts";
import { TOKEN } from "./requests.ts";

function write(path: string, text: string, mode = 0o600): void {
  Deno.writeTextFileSync(`${path}.new`, text);
  Deno.chmodSync(`${path}.new`, mode);
  Deno.renameSync(`${path}.new`, path);
}

Deno.test("readTokenFile() reads a token a line, and passes over comments", () => {
  using dir = new TempDir();
  const path = dir.file("tokens");
  write(
    path,
    `# who scope token\r\n\n  ada  operate\t${TOKEN}\r\n` +
      `grafana read ${TOKEN}2 2027-01-01T00:00:00Z`,
  );
  assertEquals(readTokenFile(path), [
    { id: "ada", token: TOKEN, scopes: ["operate"] },
    {
      id: "grafana",
      token: `${TOKEN}2`,
      scopes: ["read"],
      expiresAt: "2027-01-01T00:00:00Z",
    },
  ]);
});

Deno.test("readTokenFile() refuses what it cannot trust, without repeating it", () => {
  using dir = new TempDir();
  const path = dir.file("tokens");
  const table: [string, number, string][] = [
    [`ada operate ${TOKEN}`, 0o640, "its group or others"],
    [`ada operate ${TOKEN}`, 0o602, "its group or others"],
    ["", 0o600, "it holds no token"],
    ["# nobody", 0o600, "it holds no token"],
    [TOKEN, 0o600, "line 1 is not"],
    [`\nada operate ${TOKEN} 2027-01-01T00:00:00Z ${TOKEN}`, 0o600, "line 2"],
    [`ada admin ${TOKEN}`, 0o600, "the scope in line 1"],
    [`ada read ${TOKEN.slice(0, 31)}`, 0o600, "its length is 31"],
    [`a/a read ${TOKEN}`, 0o600, ".id'"],
    [`ada read ${TOKEN} tomorrow`, 0o600, ".expiresAt'"],
    [`a read ${TOKEN}\nb read ${TOKEN}`, 0o600, "repeat"],
    ["x".repeat(1_048_577), 0o600, "exceeds"],
  ];
  for (const [text, mode, words] of table) {
    write(path, text, mode);
    const error = assertThrows(
      () => readTokenFile(path),
      TokenFileError,
      words,
    );
    assertEquals(error.path, path);
    assert(!error.message.includes(TOKEN.slice(0, 20)), words);
  }
  for (const missing of [dir.file("missing"), dir.path]) {
    assertThrows(() => readTokenFile(missing), TokenFileError);
  }
  Deno.writeFileSync(path, Uint8Array.from([0xff]));
  Deno.chmodSync(path, 0o600);
  assertThrows(() => readTokenFile(path), TokenFileError, "UTF-8");
});

Deno.test("watchTokenFile() follows the file, and keeps the last tokens while it is unusable", () => {
  using dir = new TempDir();
  const path = dir.file("tokens");
  const { logs, options: { logger } } = new FakeOpossum();
  assertThrows(() => watchTokenFile(path, logger), TokenFileError);
  write(path, `first read ${TOKEN}`);
  const tokens = watchTokenFile(path, logger);
  const ids = () => tokens().map(({ id }) => id);
  assertEquals(ids(), ["first"]);
  write(path, `second read ${TOKEN}`);
  assertEquals(ids(), ["second"]);
  // In place, as editors may do it, and of the same length.
  Deno.writeTextFileSync(path, `zecond read ${TOKEN}`);
  assertEquals(ids(), ["zecond"]);
  for (let i = 0; i < 2; i++) {
    write(path, `third read ${TOKEN}`, 0o644);
    assertEquals(ids(), ["zecond"]);
  }
  Deno.removeSync(path);
  assertEquals(ids(), ["zecond"]);
  write(path, `fourth read ${TOKEN}`);
  assertEquals(ids(), ["fourth"]);
  assertEquals(
    logs.map(({ level, attributes }) => [level, attributes?.principals]),
    [
      ["info", ["second"]],
      ["info", ["zecond"]],
      ["error", undefined],
      ["error", undefined],
      ["info", ["fourth"]],
    ],
  );
  assert(!JSON.stringify(logs).includes(TOKEN));
});

Deno.test("watchTokenFile() reads a file that has long been there only once", () => {
  using dir = new TempDir();
  const path = dir.file("tokens");
  const { options: { logger } } = new FakeOpossum();
  write(path, `ada read ${TOKEN}`);
  Deno.utimeSync(path, 1_700_000_000, 1_700_000_000);
  const tokens = watchTokenFile(path, logger);
  assertEquals(tokens(), tokens());
  assert(tokens() === tokens());
});

Deno.test("requireAuth() refuses tokens whose id, scopes or end are unusable", () => {
  const good = { id: "ada", token: TOKEN, scopes: ["read"] } as const;
  const table: [object, string][] = [
    [{ ...good, id: "" }, ".id'"],
    [{ ...good, id: "a b" }, ".id'"],
    [{ ...good, scopes: [] }, ".scopes'"],
    [{ ...good, scopes: ["write"] }, ".scopes'"],
    [{ ...good, token: "short" }, ".token'"],
    [{ ...good, expiresAt: "2027-01-01" }, ".expiresAt'"],
  ];
  for (const [token, words] of table) {
    assertThrows(
      () => requireAuth({ tokens: [token as typeof good] }),
      RangeError,
      words,
    );
  }
});
