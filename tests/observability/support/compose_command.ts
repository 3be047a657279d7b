/**
 * The server as `compose.yaml` starts it, on this machine: with other paths and another port.
 *
 * @module
 */
import { assert } from "@std/assert";
import { yamlOf } from "./committed.ts";

/** What is another than in the container. */
export interface Substitutes {
  /** The data folder. */
  readonly data: string;
  /** The file of the tokens. */
  readonly tokens: string;
  /** Events that rebuilds may read in a second. */
  readonly rebuildEventsMax: number;
}

/**
 * Reads the arguments of `deno` from the service's command.
 *
 * @param substitutes What is another than in the container.
 */
export function composeArgs(
  { data, tokens, rebuildEventsMax }: Substitutes,
): string[] {
  const { services: { opossum } } = yamlOf<{
    readonly services: Readonly<
      Record<string, { readonly command?: readonly string[] }>
    >;
  }>("compose.yaml");
  const script = opossum?.command?.at(-1) ?? "";
  const [, words] = script.split(" && exec deno ");
  assert(words, "The server's command is not what this test reads");
  const others: Readonly<Record<string, string>> = {
    // The image has its packages where its cache is; this machine has a folder of them.
    "--cached-only": "",
    "--node-modules-dir=none": "",
    "--allow-read=/app,/data,/tmp": `--allow-read=.,${data},${tokens}`,
    "--allow-write=/data,/tmp": `--allow-write=${data}`,
    "--allow-net=0.0.0.0:8000,jaeger:4318": "--allow-net=127.0.0.1:0",
    "/data/store": `${data}/store`,
    "0.0.0.0": "127.0.0.1",
    "8000": "0",
    "/tmp/tokens": tokens,
    "${OPOSSUM_REBUILD_EVENTS_MAX:-1000000000}": `${rebuildEventsMax}`,
  };
  const args = words.trim().split(/\s+/);
  for (const word of Object.keys(others)) {
    assert(args.includes(word), `The server's command has no ${word}`);
  }
  return args.map((word) => others[word] ?? word).filter((word) => word !== "");
}
