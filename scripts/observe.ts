/**
 * Says how to start Jaeger, Prometheus and Grafana beside the sample's server, what to open then,
 * and what is missing: `deno task observe`. It starts nothing, and makes the tokens that the server
 * and Prometheus need, when there are none.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- this program talks to people

const COMPOSE = "docker compose -f observability/compose.yaml";

/** Ports of the loopback interface, and what is behind them. */
export const PORTS: Readonly<Record<number, string>> = {
  3000: "Grafana",
  4318: "Jaeger, for traces",
  8000: "the server",
  9090: "Prometheus",
  16686: "Jaeger",
};

/** Those of the server, and the one that Prometheus shows it. */
const TOKEN_FILES = ["tokens", "metrics_token"] as const;

/** What the command needs to know of the machine. */
export interface ObserveOptions {
  /** The folder of the tokens, with a final `/`. */
  readonly secrets: URL;
  /** Runs `docker`; resolves to whether it succeeded, or to `undefined` if there is none. */
  docker(...args: string[]): Promise<boolean | undefined>;
  /** Whether nobody listens on a port of the loopback interface. */
  isFree(port: number): boolean;
  /** Writes a line. */
  print(line: string): void;
}

/**
 * Says how to start and what to open.
 *
 * @param options What it needs to know of the machine.
 * @returns Whether nothing is missing.
 */
export async function observe(options: ObserveOptions): Promise<boolean> {
  const { print } = options;
  if (makeTokens(options.secrets)) {
    print("Made observability/secrets/tokens: only you can read it.\n");
  }
  print(`Start   ${COMPOSE} up --build --detach --wait
Stop    ${COMPOSE} down
Forget  ${COMPOSE} down --volumes

Open    http://127.0.0.1:3000                    Grafana: the overview
        http://127.0.0.1:3000/d/opossum-rebuild  Grafana: one rebuild
        http://127.0.0.1:9090/alerts             Prometheus: the alerts
        http://127.0.0.1:16686                   Jaeger: the traces
        http://127.0.0.1:8000/admin              the server: sign in with the
                                                 operator's token, the last
                                                 word in observability/secrets/tokens

The sample has 1,000 events, which are rebuilt in no time. To watch a rebuild, set
OPOSSUM_REBUILD_EVENTS_MAX=100 before the start: events a second, at most.
For a server of your own, and for the alerts: observability/README.md.`);
  const missing = [
    ...missingTokens(options.secrets),
    ...await whatIsMissing(options),
  ];
  for (const line of missing) print(`\nMissing: ${line}`);
  return missing.length === 0;
}

function missingTokens(folder: URL): string[] {
  return TOKEN_FILES.filter((name) => !exists(new URL(name, folder)))
    .map((name) =>
      `observability/secrets/${name}, beside which others stand: write it, or ` +
      "remove them, and they are made anew"
    );
}

async function whatIsMissing(
  { docker, isFree }: ObserveOptions,
): Promise<string[]> {
  const hasClient = await docker("--version");
  if (hasClient === undefined) {
    return [
      "docker is not on the PATH: install Docker, or what brings its command line",
    ];
  }
  const missing: string[] = [];
  if (!await docker("compose", "version")) {
    missing.push(
      "'docker compose' does not work: install Docker's Compose plugin",
    );
  }
  if (!await docker("info", "--format", "{{.ServerVersion}}")) {
    missing.push(
      "Docker's engine does not answer: start it, or see that you may use it",
    );
    return missing;
  }
  for (const [port, what] of Object.entries(PORTS)) {
    if (isFree(Number(port))) continue;
    missing.push(
      `port ${port} for ${what} is taken: by this set-up, if it is up already, or by another program`,
    );
  }
  return missing;
}

/**
 * Makes the tokens, unless there are any.
 *
 * @param folder Where, with a final `/`.
 * @returns Whether they were made.
 */
function makeTokens(folder: URL): boolean {
  // Those that somebody else wrote stay.
  if (TOKEN_FILES.some((name) => exists(new URL(name, folder)))) return false;
  const [reader, operator] = [randomToken(), randomToken()];
  // Nobody else may enter the folder. In a container, other users than this one read the files.
  Deno.mkdirSync(folder, { recursive: true });
  if (Deno.build.os !== "windows") Deno.chmodSync(folder, 0o700);
  write(
    new URL("tokens", folder),
    `prometheus read ${reader}\noperator operate ${operator}\n`,
  );
  write(new URL("metrics_token", folder), reader);
  return true;
}

function write(path: URL, text: string): void {
  Deno.writeTextFileSync(path, text);
  // Whatever the umask.
  if (Deno.build.os !== "windows") Deno.chmodSync(path, 0o644);
}

function exists(path: URL): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function randomToken(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}

/** Runs `docker`, and keeps what it says to itself. */
async function runDocker(...args: string[]): Promise<boolean | undefined> {
  try {
    const { success } = await new Deno.Command("docker", {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch (error) {
    // What is not on the PATH is not among what may be run, either.
    if (
      error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotCapable
    ) return undefined;
    throw error;
  }
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}

if (import.meta.main) {
  const isReady = await observe({
    secrets: new URL("../observability/secrets/", import.meta.url),
    docker: runDocker,
    isFree,
    print: (line) => console.log(line),
  });
  Deno.exit(isReady ? 0 : 1);
}
