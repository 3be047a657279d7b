/**
 * Idempotency keys: whoever repeats a request, since no answer came, gets the operation of the
 * first one, also after a restart.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { RebuildOperation } from "./operation.ts";
import {
  type IdempotencyRecord,
  type OperationStore,
  toPublic,
} from "./operation_store.ts";
import type { StartOptions } from "./rebuilder.ts";
import { IdempotencyKeyError } from "./refusals.ts";

/** A start that has not come to an operation yet. */
interface Starting {
  readonly request: string;
  readonly operation: Promise<RebuildOperation>;
}

/** Finds the operation that a key stands for. */
export class IdempotencyKeys {
  readonly #history: OperationStore;
  readonly #starting = new Map<string, Starting>();

  /** @param history Where operations are kept with their keys. */
  constructor(history: OperationStore) {
    this.#history = history;
  }

  /**
   * Starts an operation, unless its key stands for one already.
   *
   * @param names What to rebuild.
   * @param options How, with a key or without.
   * @param start Starts it, and writes the record down with it.
   * @returns The operation of the first request with that key.
   * @throws {IdempotencyKeyError} If the key stands for another request.
   */
  async once(
    names: readonly string[] | undefined,
    options: StartOptions,
    start: (record?: IdempotencyRecord) => Promise<RebuildOperation>,
  ): Promise<RebuildOperation> {
    if (options.idempotencyKey === undefined) return await start();
    const record = recordOf(options.idempotencyKey, names, options);
    const { key, request } = record;
    const starting = this.#starting.get(key);
    if (starting) {
      if (starting.request !== request) throw new IdempotencyKeyError(null);
      return await starting.operation;
    }
    const known = this.#history.withKey(key);
    if (known && known.request !== request) {
      throw new IdempotencyKeyError(known.id);
    }
    const stored = known && this.#history.get(known.id);
    if (stored) return toPublic(stored);
    const operation = start(record);
    this.#starting.set(key, { request, operation });
    try {
      return await operation;
    } finally {
      this.#starting.delete(key);
    }
  }
}

function recordOf(
  key: string,
  names: readonly string[] | undefined,
  options: StartOptions,
): IdempotencyRecord {
  const { requestedBy = null, signal: _, idempotencyKey: __, ...asked } =
    options;
  const sorted = Object.fromEntries(
    Object.entries(asked).sort(([a], [b]) => a < b ? -1 : 1),
  );
  return Object.freeze({
    // Keys of different callers have nothing to do with each other.
    key: digest([requestedBy, key]),
    request: digest([names ? [...new Set(names)].sort() : null, sorted]),
  });
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}
