/**
 * Who asked for what: a record of every request that may change something.
 *
 * @module
 */

/** What came of a request: `"requested"` before anything is known. */
export type AuditResult = "requested" | "succeeded" | "refused" | "failed";

/** What is known of a request. Never a token, a payload or a key. */
export interface AuditEntry {
  /** The id of the request, as its response bears it. */
  readonly requestId: string | null;
  /** Who asked: the id of the token, never the token. */
  readonly principal: string;
  /** From where: the address of the client, or `null` where unknown. */
  readonly client: string | null;
  /** What was asked for: the `operationId` of the route. */
  readonly action: string;
  /** Of what: the name of a projection, or the id of an operation. */
  readonly target: string | null;
  /** What came of it. */
  readonly result: AuditResult;
  /** The status of the answer; `null` before there is one. */
  readonly status: number | null;
  /** The rebuild operation that it led to. */
  readonly operation: string | null;
}

/** A record that was kept. */
export interface AuditRecord extends AuditEntry {
  /** Names the record: pass it as `before` to read on. */
  readonly id: string;
  /** When, as the server's clock had it: ISO 8601. */
  readonly at: string;
}

/** Which records to list. */
export interface AuditListOptions {
  /** At most this many, from 1 to 1,000. @default {50} */
  readonly limit?: number;
  /** Only those older than the record of this id. @default {all} */
  readonly before?: string;
}

/** Records of one page. */
export interface AuditPage {
  /** The newest first. */
  readonly records: readonly AuditRecord[];
  /** What to pass as `before` for the next page; `null` when there is none. */
  readonly next: string | null;
}

/** Keeps records of who asked for what. */
export interface AuditLog {
  /**
   * Writes a record down.
   *
   * @param entry What is known.
   * @returns Resolves once it is durable.
   * @throws {AuditUnavailableError} If it could not be written.
   */
  record(entry: AuditEntry): Promise<void>;
  /**
   * Reads records, the newest first.
   *
   * @param options Which.
   * @returns A page of them.
   * @throws {RangeError} If an option is out of range.
   */
  list(options?: AuditListOptions): Promise<AuditPage>;
}

/** What was asked for could not be written down, and so must not be done. */
export class AuditUnavailableError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "AuditUnavailableError";

  /**
   * Creates the error.
   *
   * @param options `cause`: what the disk said.
   */
  constructor(options: ErrorOptions = {}) {
    super("Cannot write to the audit log, nothing was changed", options);
  }
}
