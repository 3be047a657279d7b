import { assert, assertEquals } from "@std/assert";
import { pathToFileURL } from "node:url";
import { readTokenFile } from "../../api/token_file.ts";
import { observe, type ObserveOptions, PORTS } from "../../scripts/observe.ts";
import { TempDir } from "../support/temp_dir.ts";
import { yamlOf } from "./support/committed.ts";

const READY = "docker compose -f observability/compose.yaml up";

const IS_FINE = true;

/** Runs the command on a machine as described; returns what it says. */
async function run(
  dir: TempDir,
  machine: Partial<ObserveOptions> = {},
): Promise<{ isReady: boolean; lines: string[] }> {
  const lines: string[] = [];
  const isReady = await observe({
    secrets: pathToFileURL(dir.file("secrets/")),
    docker: () => Promise.resolve(IS_FINE),
    isFree: () => true,
    print: (line) => void lines.push(line),
    ...machine,
  });
  return { isReady, lines };
}

function missing(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith("\nMissing"));
}

Deno.test("observe: says how to start, what to open, and that nothing is missing", async () => {
  using dir = new TempDir();
  const { isReady, lines } = await run(dir);
  assert(isReady);
  assertEquals(missing(lines), []);
  const text = lines.join("\n");
  assert(text.includes(READY));
  for (const port of [3000, 8000, 9090, 16686]) {
    assert(text.includes(`http://127.0.0.1:${port}`), `${port}`);
  }
});

Deno.test("observe: makes tokens once, which the server takes, and shows none", async () => {
  using dir = new TempDir();
  const first = await run(dir);
  const made = Deno.readTextFileSync(dir.file("secrets/tokens"));
  const second = await run(dir);
  assertEquals(Deno.readTextFileSync(dir.file("secrets/tokens")), made);
  // As the container does: a copy of its own.
  Deno.writeTextFileSync(dir.file("copy"), made, { mode: 0o600 });
  const tokens = readTokenFile(dir.file("copy"));
  assertEquals(tokens.map(({ id, scopes }) => [id, ...scopes]), [
    ["prometheus", "read"],
    ["operator", "operate"],
  ]);
  assertEquals(
    Deno.readTextFileSync(dir.file("secrets/metrics_token")),
    tokens[0]?.token,
  );
  for (const { token } of tokens) {
    assert(![...first.lines, ...second.lines].join("\n").includes(token));
  }
  assert(first.lines[0]?.startsWith("Made "));
  assert(!second.lines.join("\n").includes("Made "));
});

Deno.test("observe: nobody else may enter the folder of the tokens", {
  ignore: Deno.build.os === "windows",
}, async () => {
  using dir = new TempDir();
  await run(dir);
  const { mode } = Deno.statSync(dir.file("secrets"));
  assertEquals((mode ?? 0) & 0o777, 0o700);
});

Deno.test("observe: leaves a token that somebody wrote, and says what is missing beside it", async () => {
  using dir = new TempDir();
  Deno.mkdirSync(dir.file("secrets"));
  Deno.writeTextFileSync(dir.file("secrets/metrics_token"), "mine");
  const { isReady, lines } = await run(dir);
  assert(!isReady);
  assertEquals(missing(lines).length, 1);
  assert(missing(lines)[0]?.includes("observability/secrets/tokens"));
  assertEquals(
    Deno.readTextFileSync(dir.file("secrets/metrics_token")),
    "mine",
  );
});

Deno.test("observe: says that there is no docker, no plugin, or no engine, and still how to start", async () => {
  const cases: [string, (args: string[]) => boolean | undefined][] = [
    ["docker is not on the PATH", () => undefined],
    ["Compose plugin", ([first]) => first !== "compose"],
    ["engine does not answer", ([first]) => first !== "info"],
  ];
  for (const [words, answer] of cases) {
    using dir = new TempDir();
    const { isReady, lines } = await run(dir, {
      docker: (...args) => Promise.resolve(answer(args)),
    });
    assert(!isReady, words);
    assertEquals(missing(lines).length, 1, words);
    assert(missing(lines)[0]?.includes(words), missing(lines)[0]);
    assert(lines.join("\n").includes(READY), words);
  }
});

Deno.test("observe: says which port is taken, and looks at each that is published", async () => {
  using dir = new TempDir();
  const asked: number[] = [];
  const { isReady, lines } = await run(dir, {
    isFree(port) {
      asked.push(port);
      return port !== 9090;
    },
  });
  assert(!isReady);
  assertEquals(missing(lines).length, 1);
  assert(missing(lines)[0]?.includes("port 9090 for Prometheus"));
  const { services } = yamlOf<{
    services: Record<string, { ports: string[] }>;
  }>("compose.yaml");
  const published = Object.values(services).flatMap(({ ports }) => ports)
    .map((port) => Number(port.split(":")[1]));
  assertEquals(asked.toSorted(), published.toSorted());
  assertEquals(asked, Object.keys(PORTS).map(Number));
});
