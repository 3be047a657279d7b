/**
 * The audit log on files, durable.
 *
 * ```
 * audit/001795478400000-0123abcd.ndjson      one JSON object a line, with a checksum, the oldest first
 * ```
 *
 * Each process writes files of its own, begins a new one when the last is large or could not be
 * written, and never touches one again that it did not begin: what a crash cuts off stays at the
 * end of a file, where reading passes over it. Nothing is ever deleted.
 *
 * @module
 */
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { Clock } from "../events/clock.ts";
import { appendFully, readBytesIfExists } from "../storage/atomic_replace.ts";
import { makeDurableDirectory } from "../storage/durable_directory.ts";
import type { FileHandle, FileSystem } from "../storage/file_system.ts";
import type { Logger } from "../telemetry/logger.ts";
import {
  type AuditEntry,
  type AuditListOptions,
  type AuditLog,
  type AuditPage,
  type AuditRecord,
  AuditUnavailableError,
} from "./audit_log.ts";

/** What {@linkcode FileAuditLog} needs. */
export interface FileAuditLogOptions {
  readonly fileSystem: FileSystem;
  /** The folder; created with the first record. */
  readonly directory: string;
  readonly clock: Clock;
  /** Told of records that cannot be read. */
  readonly logger: Logger;
  /** Whether nothing may be written. @default {false} */
  readonly readOnly?: boolean;
  /** Size at which a new file is begun, in bytes. @default {4 MiB} */
  readonly fileBytesMax?: number;
}

const FILE_NAME = /^(\d{15})-[0-9a-f]{8}\.ndjson$/;
const LINE_END = "\n".charCodeAt(0);
const RECORD_ID = /^(\d{15}-[0-9a-f]{8})-(\d{1,9})$/;
const SUFFIX = ".ndjson";
const LIMIT_MAX = 1_000;

/** The audit log of a data folder. */
export class FileAuditLog implements AuditLog, Disposable, AsyncDisposable {
  readonly #options: FileAuditLogOptions;
  #file: FileHandle | undefined;
  #bytes = 0;
  #lines = 0;
  #queue: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: FileAuditLogOptions) {
    this.#options = options;
  }

  /** {@inheritDoc AuditLog.record} */
  record(entry: AuditEntry): Promise<void> {
    if (this.#isClosed) return Promise.reject(new AuditUnavailableError());
    const written = this.#queue.then(() => this.#write(entry));
    this.#queue = written.catch(() => {});
    return written;
  }

  /** {@inheritDoc AuditLog.list} */
  list(options: AuditListOptions = {}): Promise<AuditPage> {
    return Promise.try(() => this.#list(options));
  }

  async #write(entry: AuditEntry): Promise<void> {
    const { clock, readOnly, fileBytesMax = 4 * 1_024 * 1_024 } = this.#options;
    if (readOnly) throw new AuditUnavailableError();
    const at = clock.now().toISOString();
    try {
      const begun = this.#file;
      const file = begun ?? await this.#begin();
      const line = sealed(JSON.stringify({ at, ...entry }), this.#lines);
      const bytes = new TextEncoder().encode(line + "\n");
      appendFully(file, bytes);
      await file.sync();
      // The name after the content: an empty file would tell nothing.
      if (begun === undefined) {
        await this.#options.fileSystem.syncDirectory(this.#options.directory);
      }
      this.#bytes += bytes.length;
      this.#lines++;
      if (this.#bytes >= fileBytesMax) this.#end();
    } catch (cause) {
      // Half a line may stand at its end, and a sync that failed is not worth a second one.
      this.#end();
      throw new AuditUnavailableError({ cause });
    }
  }

  async #begin(): Promise<FileHandle> {
    const { fileSystem, directory, clock } = this.#options;
    await makeDurableDirectory(fileSystem, directory);
    // Also when the clock was set back, the newest records stand in the last file.
    const [newest] = this.#names();
    const after = Number(FILE_NAME.exec(newest ?? "")?.[1] ?? -1) + 1;
    const ms = String(Math.max(clock.now().getTime(), after)).padStart(15, "0");
    const path = join(
      directory,
      `${ms}-${crypto.randomUUID().slice(0, 8)}${SUFFIX}`,
    );
    this.#bytes = 0;
    this.#lines = 0;
    return this.#file = fileSystem.open(path, { mode: "createNew" });
  }

  #list({ limit = 50, before }: AuditListOptions): AuditPage {
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > LIMIT_MAX) {
      throw new RangeError(
        `Cannot list audit records as 'limit' must be an integer from 1 to ${LIMIT_MAX}: ` +
          `current value is ${limit}`,
      );
    }
    const cursor = before === undefined ? undefined : RECORD_ID.exec(before);
    if (cursor === null) {
      throw new RangeError(
        "Cannot list audit records as 'before' must be the id of a record",
      );
    }
    const [, lastStem, line] = cursor ?? [];
    const records: AuditRecord[] = [];
    // One more than asked for tells whether there are more.
    for (const name of this.#names()) {
      if (records.length > limit) break;
      const stem = name.slice(0, -SUFFIX.length);
      if (lastStem !== undefined && stem > lastStem) continue;
      const end = stem === lastStem ? Number(line) : Infinity;
      const count = limit + 1 - records.length;
      records.push(...this.#read(name, { stem, end, count }));
    }
    const page = records.slice(0, limit);
    return {
      records: page,
      next: records.length > limit ? page.at(-1)?.id ?? null : null,
    };
  }

  /** So many records of one file before a line, the newest first. */
  #read(name: string, { stem, end, count }: {
    readonly stem: string;
    readonly end: number;
    readonly count: number;
  }): AuditRecord[] {
    const { fileSystem, directory, logger } = this.#options;
    const records: AuditRecord[] = [];
    let bytes: Uint8Array;
    try {
      bytes = readBytesIfExists(fileSystem, join(directory, name)) ??
        new Uint8Array();
    } catch (error) {
      logger.log("error", "A file of the audit log cannot be read", {
        file: name,
        error,
      });
      return [];
    }
    // What follows the last line end was never acknowledged.
    const lines = linesOf(bytes).slice(0, -1);
    // From the end, and no more than asked for: pages are small, and files are not.
    for (let i = Math.min(end, lines.length) - 1; i >= 0; i--) {
      if (records.length >= count) break;
      try {
        records.push({ id: `${stem}-${i}`, ...parseLine(lines[i], i) });
      } catch (error) {
        logger.log("error", "A record of the audit log is damaged", {
          file: name,
          line: i + 1,
          error,
        });
      }
    }
    return records;
  }

  #names(): string[] {
    const { fileSystem, directory } = this.#options;
    return fileSystem.list(directory).filter((name) => FILE_NAME.test(name))
      .reverse();
  }

  #end(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  /** Closes its file at once; the next record begins another one. */
  [Symbol.dispose](): void {
    this.#end();
  }

  /** Writes down what it was told so far, and takes no more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#queue;
    this.#end();
  }
}

/** What stands between line ends: a crash may leave anything but text in the last of them. */
function linesOf(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0;;) {
    const end = bytes.indexOf(LINE_END, start);
    if (end < 0) return [...lines, bytes.subarray(start)];
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
}

function parseLine(
  line: Uint8Array | undefined,
  number: number,
): Omit<AuditRecord, "id"> {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(line);
  const json = text.slice(0, -SEAL_LENGTH) + "}";
  if (sealed(json, number) !== text) {
    throw new SyntaxError("The checksum does not match");
  }
  return JSON.parse(json);
}

const SEAL_LENGTH = ',"crc":"01234567"}'.length;

/** A record with its checksum: of its place, too, as a crash may leave an older one there. */
function sealed(json: string, line: number): string {
  const crc = crc32(`${line} ${json}`).toString(16).padStart(8, "0");
  return `${json.slice(0, -1)},"crc":"${crc}"}`;
}
