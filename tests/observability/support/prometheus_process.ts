/**
 * Prometheus as a process of its own, with the committed configuration: only the target, the
 * token's file and the intervals are others.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { stringify } from "yaml";
import { TempDir } from "../../support/temp_dir.ts";
import { textOf, yamlOf } from "./committed.ts";

/** The part of the configuration that a test changes. */
interface Config {
  readonly global: Readonly<Record<string, string>>;
  readonly "scrape_configs": readonly {
    readonly authorization: { readonly credentials_file: string };
  }[];
}

/** A series of an answer, as it is at one time. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A rule, as Prometheus sees it. */
export interface RuleState {
  readonly name: string;
  readonly query: string;
  readonly health: string;
  readonly lastError?: string;
}

interface Answer<T> {
  readonly status: string;
  readonly error?: string;
  readonly data: T;
}

/** Whom to scrape, and how to be let in. */
export interface ScrapeTarget {
  /** Host and port. */
  readonly target: string;
  readonly token: string;
}

const LISTENING = /Listening on.*address=([\d.]+:\d+)/;

/** A Prometheus under way. */
export class PrometheusProcess implements AsyncDisposable {
  /** Starts one on a free port; resolves when it listens. */
  static async start(scrapes: ScrapeTarget): Promise<PrometheusProcess> {
    await using resources = new AsyncDisposableStack();
    const dir = resources.use(new TempDir());
    writeConfig(dir, scrapes);
    const child = new Deno.Command("prometheus", {
      args: [
        `--config.file=${dir.file("prometheus.yaml")}`,
        `--storage.tsdb.path=${dir.file("tsdb")}`,
        "--web.listen-address=127.0.0.1:0",
        "--log.level=info",
      ],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const listening = Promise.withResolvers<string>();
    const written = collect(child.stderr, (text) => {
      const address = LISTENING.exec(text)?.[1];
      if (address !== undefined) listening.resolve(address);
    });
    let hasEnded = false;
    written.then((text) => {
      hasEnded = true;
      listening.reject(new Error(`Prometheus did not start: ${text}`));
    });
    resources.defer(async () => {
      if (!hasEnded) child.kill("SIGTERM");
      await Promise.all([child.status, written]);
    });
    const address = await listening.promise;
    return new PrometheusProcess(`http://${address}`, resources.move());
  }

  /** Where it answers. */
  readonly url: string;
  readonly #resources: AsyncDisposableStack;

  private constructor(url: string, resources: AsyncDisposableStack) {
    this.url = url;
    this.#resources = resources;
  }

  /** Evaluates an expression as of now. */
  async query(expr: string): Promise<Sample[]> {
    const { result } = await this.#get<{
      readonly result: readonly {
        readonly metric: Readonly<Record<string, string>>;
        readonly value: readonly [number, string];
      }[];
    }>("query", { query: expr });
    return result.map(({ metric, value: [, value] }) => ({
      metric,
      value: Number(value),
    }));
  }

  /** The names of all series that it has. */
  seriesNames(): Promise<string[]> {
    return this.#get("label/__name__/values", {});
  }

  /** The alerts, and how their evaluation went. */
  async rules(): Promise<RuleState[]> {
    const { groups } = await this.#get<{
      readonly groups: readonly { readonly rules: readonly RuleState[] }[];
    }>("rules", {});
    return groups.flatMap(({ rules }) => rules);
  }

  async #get<T>(
    path: string,
    parameters: Readonly<Record<string, string>>,
  ): Promise<T> {
    const search = new URLSearchParams(parameters);
    const response = await fetch(`${this.url}/api/v1/${path}?${search}`);
    const { status, error, data }: Answer<T> = await response.json();
    assertEquals(status, "success", `${search}: ${error}`);
    return data;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

function writeConfig(dir: TempDir, { target, token }: ScrapeTarget): void {
  const config = yamlOf<Config>("prometheus/prometheus.yaml");
  Deno.writeTextFileSync(dir.file("token"), token, { mode: 0o600 });
  Deno.writeTextFileSync(
    dir.file("prometheus.yaml"),
    stringify({
      ...config,
      global: {
        ...config.global,
        scrape_interval: "1s",
        evaluation_interval: "1s",
      },
      scrape_configs: config.scrape_configs.map((scrape) => ({
        ...scrape,
        authorization: {
          ...scrape.authorization,
          credentials_file: dir.file("token"),
        },
      })),
    }),
  );
  Deno.writeTextFileSync(
    dir.file("rules.yaml"),
    textOf("prometheus/rules.yaml"),
  );
  Deno.mkdirSync(dir.file("targets"));
  const [group] = yamlOf<readonly { readonly targets: readonly string[] }[]>(
    "prometheus/targets/opossum.yaml",
  );
  Deno.writeTextFileSync(
    dir.file("targets/opossum.yaml"),
    stringify([{ ...group, targets: [target] }]),
  );
}

/** Gathers what a process writes until it ends. */
async function collect(
  stream: Deno.ChildProcess["stderr"],
  onText: (text: string) => void,
): Promise<string> {
  let written = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    written += text;
    onText(written);
  }
  return written;
}
