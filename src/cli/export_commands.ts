/**
 * `export NAME` and `digest`: the documents as text, and a hash that tells whether two stores
 * hold the same ones.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Opossum } from "../opossum.ts";
import { type Command, EXIT_OK, writeJson } from "./command.ts";

/** Written at once, in UTF-16 units. */
const CHUNK_LENGTH = 65_536;

/** Prints a projection's documents. */
export const exportCommand: Command = {
  usage: "NAME",
  summary:
    "Prints a projection's documents in order of key, one JSON document a line",
  needsProjections: true,
  createsStore: false,
  operands: { min: 1, max: 1 },
  async run({ opossum, io, options, operands: [name = ""] }) {
    // One JSON value: an array of the documents.
    const [before, between, after] = options.json
      ? ["[", ",", "]\n"]
      : ["", "\n", "\n"];
    let chunk = before;
    let isFirst = true;
    for await (const { state } of opossum.projections.documents(name)) {
      io.signal.throwIfAborted();
      chunk += (isFirst ? "" : between) + JSON.stringify(state);
      isFirst = false;
      if (chunk.length < CHUNK_LENGTH) continue;
      await io.write(chunk);
      chunk = "";
    }
    await io.write(chunk + (isFirst && !options.json ? "" : after));
    return EXIT_OK;
  },
};

/** Prints the digest over all projections. */
export const digestCommand: Command = {
  usage: "",
  summary:
    "Prints a SHA-256 over the documents of all projections, in order of name",
  needsProjections: true,
  createsStore: false,
  operands: { min: 0, max: 0 },
  async run({ opossum, io, options }) {
    const digest = await digestOf(opossum, io.signal);
    if (options.json) await writeJson(io, { digest });
    else await io.write(`${digest}\n`);
    return EXIT_OK;
  },
};

async function digestOf(
  opossum: Opossum,
  signal: AbortSignal,
): Promise<string> {
  const hash = createHash("sha256");
  for (const name of opossum.projections.names) {
    hash.update(`#${name}\n`);
    for await (const { state } of opossum.projections.documents(name)) {
      signal.throwIfAborted();
      hash.update(JSON.stringify(state) + "\n");
    }
  }
  return hash.digest("hex");
}
