/**
 * What every event store checks before it writes or reads anything: one place, so that the file
 * store, the in-memory store and any other refuse the same things in the same words.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { AppendCondition } from "./append_condition.ts";
import type { EventInput, Tag } from "./event.ts";
import type {
  AppendOptions,
  ReadBatchesOptions,
  ReadOptions,
} from "./event_store.ts";
import {
  describe,
  findJsonProblem,
  jsonBytes,
  type JsonProblem,
  type JsonSize,
} from "./json_value.ts";
import type { Query, QueryItem } from "./query.ts";

/** The largest things a store takes. */
export const EVENT_LIMITS = {
  /** Events in one append. */
  eventsPerAppendMax: 10_000,
  /** Bytes of one append: the sum of its events. */
  appendBytesMax: 16 * 1024 * 1024,
  /** Bytes of one event: type, tags and data as JSON text in UTF-8. */
  eventBytesMax: 1024 * 1024,
  /** Bytes of a type, and of a tag, in UTF-8. */
  nameBytesMax: 256,
  /** Tags of one event. */
  tagsPerEventMax: 64,
} as const;

/** A UTF-16 unit takes at most this many bytes in UTF-8. */
const UTF8_BYTES_PER_UNIT_MAX = 3;
/** Up to here a linear search for a repeated tag beats building a set. */
const TAGS_SEARCHED_MAX = 8;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
// As lenient as ISO 8601 in its extended format: other stores' exports come with or without
// zone, seconds or fraction, and order never depends on a timestamp.
const ISO_8601 =
  /^(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))(?:T(?:[01]\d|2[0-3]):[0-5]\d(?::(?:[0-5]\d|60)(?:\.\d{1,9})?)?(?:Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?)?$/;
/** Every month has these days. */
const DAYS_IN_MONTH_MIN = 28;

/** An event that a store can take: a copy, but for its data. */
export interface CheckedEvent {
  /** Its type. */
  readonly type: string;
  /** Its tags. */
  readonly tags: readonly Tag[];
  /** Its payload; whoever holds the original may change it. */
  readonly data: unknown;
  /** A UUID, if one was given. */
  readonly id: string | undefined;
  /** ISO 8601, if one was given. */
  readonly timestamp: string | undefined;
}

/**
 * Refuses events that a store must not take. Every check is made before the store does anything,
 * so that a refused append has no effect.
 *
 * @param events What `append()` was given.
 * @returns What was checked. Each property was read once, so that even one that changes with each
 * look is stored as it was checked.
 * @throws {TypeError} If something is of the wrong type or not plain JSON.
 * @throws {RangeError} If there are too few or too many events, or something is too large.
 */
export function checkEventInputs(
  events: readonly EventInput[],
): CheckedEvent[] {
  if (!Array.isArray(events)) {
    throw typeError("append", "events", "be an array", describe(events));
  }
  const { eventsPerAppendMax, appendBytesMax } = EVENT_LIMITS;
  const { length } = events;
  if (length < 1 || length > eventsPerAppendMax) {
    throw rangeError(
      "append",
      "events",
      `have 1 to ${eventsPerAppendMax} elements`,
      `${length}`,
    );
  }
  const checked: CheckedEvent[] = [];
  let bytesMax = 0;
  for (let i = 0; i < length; i++) {
    bytesMax += checkEventInput(events[i], i, checked);
  }
  // The bound is coarse but nearly free; only what it cannot clear is measured.
  if (bytesMax <= appendBytesMax) return checked;
  const bytes = checked.reduce((sum, event) => sum + eventBytes(event), 0);
  if (bytes > appendBytesMax) {
    throw rangeError(
      "append",
      "events",
      `have at most ${appendBytesMax} bytes together`,
      `${bytes}`,
    );
  }
  return checked;
}

/**
 * Refuses what is not a {@linkcode Query}. Fields of another name are refused as well: a
 * misspelt `types` would quietly match every event.
 *
 * @param query The query.
 * @param action What was to be done, for the message: `"read"`.
 * @throws {TypeError} If it is not a query.
 */
export function assertQuery(query: Query, action: string = "read"): void {
  if (query === "all") return;
  assertFields(action, "query", query, ["items"], `"all" or an object`);
  const { items } = query;
  if (!Array.isArray(items)) {
    throw typeError(action, "query.items", "be an array", describe(items));
  }
  for (const [i, item] of (items as readonly QueryItem[]).entries()) {
    const path = `query.items[${i}]`;
    assertFields(action, path, item, ["types", "tags"]);
    assertTexts(action, `${path}.types`, item.types);
    assertTexts(action, `${path}.tags`, item.tags);
  }
}

/**
 * Checks the options of `append()`, and takes them as they are now: the caller may change a
 * condition while the append waits for its turn.
 *
 * @param options The options.
 * @returns The options; the condition is a copy.
 * @throws {TypeError | RangeError} If an option is malformed.
 */
export function checkAppendOptions(options: AppendOptions): AppendOptions {
  assertFields("append", "options", options, ["condition", "signal"]);
  const { condition, ...rest } = options;
  if (condition === undefined) return rest;
  assertAppendCondition(condition);
  const own = structuredClone(condition);
  // What answers differently when it is asked again must not pass for what was checked.
  assertAppendCondition(own);
  return { ...rest, condition: own };
}

function assertAppendCondition(condition: AppendCondition): void {
  const fields = ["failIfEventsMatch", "after"];
  assertFields("append", "condition", condition, fields);
  assertQuery(condition.failIfEventsMatch, "append");
  assertPosition("append", "condition.after", condition.after);
}

/**
 * Refuses options that `read()` does not take.
 *
 * @param options The options.
 * @throws {TypeError} If an option is of the wrong type or unknown.
 * @throws {RangeError} If a number is out of range.
 */
export function assertReadOptions(options: ReadOptions): void {
  const fields = ["after", "limit", "backwards", "signal"];
  assertFields("read", "options", options, fields);
  assertPosition("read", "after", options.after);
  const { limit, backwards } = options;
  if (limit !== undefined && limit !== Infinity) {
    assertInteger("read", "limit", limit, 0);
  }
  if (backwards !== undefined && typeof backwards !== "boolean") {
    throw typeError("read", "backwards", "be a boolean", describe(backwards));
  }
}

/**
 * Refuses options that `readBatches()` does not take.
 *
 * @param options The options.
 * @throws {TypeError} If an option is of the wrong type or unknown.
 * @throws {RangeError} If a number is out of range.
 */
export function assertReadBatchesOptions(options: ReadBatchesOptions): void {
  const fields = ["after", "upTo", "batchSize", "signal"];
  assertFields("read", "options", options, fields);
  assertPosition("read", "after", options.after);
  assertPosition("read", "upTo", options.upTo);
  if (options.batchSize !== undefined) {
    assertInteger("read", "batchSize", options.batchSize, 1);
  }
}

/** Checks one event and adds it to `checked`; returns an upper bound of its size in bytes. */
function checkEventInput(
  event: EventInput,
  index: number,
  checked: CheckedEvent[],
): number {
  const path = `events[${index}]`;
  assertFields("append", path, event, EVENT_FIELDS);
  const { type, tags: given, data, id, timestamp } = event;
  assertName(path, "type", -1, type);
  const tags: Tag[] = [];
  let namesUnits = type.length;
  if (given !== undefined) namesUnits += checkTags(path, given, tags);
  if (id !== undefined && !(typeof id === "string" && UUID.test(id))) {
    throw typeError("append", `${path}.id`, "be a UUID", show(id));
  }
  if (timestamp !== undefined && !isTimestamp(timestamp)) {
    const must = "be an ISO 8601 date and time";
    throw typeError("append", `${path}.timestamp`, must, show(timestamp));
  }
  const copy: CheckedEvent = { type, tags, data, id, timestamp };
  checked.push(copy);
  const { eventBytesMax } = EVENT_LIMITS;
  const size: JsonSize = { bytesMin: 0, bytesMax: 0 };
  const problem = findJsonProblem(data, size, eventBytesMax);
  if (problem) throw dataError(path, problem);
  // Six bytes a unit at most, plus the quotes, commas and field names around them.
  const bytesMax = size.bytesMax + namesUnits * 6 +
    EVENT_LIMITS.tagsPerEventMax * 3 + 32;
  if (bytesMax > eventBytesMax) {
    const bytes = eventBytes(copy);
    if (bytes > eventBytesMax) {
      throw rangeError(
        "append",
        path,
        `have at most ${eventBytesMax} bytes`,
        `${bytes}`,
      );
    }
    return bytes;
  }
  return bytesMax;
}

const EVENT_FIELDS = ["type", "data", "tags", "id", "timestamp"];

function eventBytes({ type, tags, data }: CheckedEvent): number {
  return jsonBytes({ type, tags, data });
}

function dataError(path: string, problem: JsonProblem): Error {
  const create = problem.isTooLarge ? rangeError : typeError;
  const { path: within, must, found } = problem;
  return create("append", `${path}.data${within}`, must, found);
}

/** Adds the tags to `tags`; returns how many UTF-16 units they have together. */
function checkTags(
  path: string,
  given: readonly string[],
  tags: Tag[],
): number {
  if (!Array.isArray(given)) {
    throw typeError("append", `${path}.tags`, "be an array", describe(given));
  }
  const { tagsPerEventMax } = EVENT_LIMITS;
  const { length } = given;
  if (length > tagsPerEventMax) {
    throw rangeError(
      "append",
      `${path}.tags`,
      `have at most ${tagsPerEventMax} elements`,
      `${length}`,
    );
  }
  let units = 0;
  for (let i = 0; i < length; i++) {
    const tag: unknown = given[i];
    assertName(path, "tags", i, tag);
    units += tag.length;
    tags.push(tag);
  }
  const repeated = tags.length <= TAGS_SEARCHED_MAX
    ? tags.findIndex((tag, i) => tags.indexOf(tag) !== i)
    : new Set(tags).size < tags.length
    ? tags.findIndex((tag, i) => tags.indexOf(tag) !== i)
    : -1;
  if (repeated !== -1) {
    const must = "not repeat another tag";
    const at = `${path}.tags[${repeated}]`;
    throw typeError("append", at, must, show(tags[repeated]));
  }
  return units;
}

/** Checks a type or a tag; `index` is -1 where the field is no list. */
function assertName(
  path: string,
  field: string,
  index: number,
  name: unknown,
): asserts name is string {
  const { nameBytesMax } = EVENT_LIMITS;
  if (
    typeof name === "string" && name !== "" && name.isWellFormed() &&
    (name.length * UTF8_BYTES_PER_UNIT_MAX <= nameBytesMax ||
      (name.length <= nameBytesMax && Buffer.byteLength(name) <= nameBytesMax))
  ) return;
  const at = `${path}.${field}${index < 0 ? "" : `[${index}]`}`;
  if (typeof name !== "string") {
    throw typeError("append", at, "be a text", describe(name));
  }
  if (!name.isWellFormed()) {
    const found = "a text with a lone surrogate";
    throw typeError("append", at, "be well-formed Unicode", found);
  }
  const found = name === "" ? '""' : `${Buffer.byteLength(name)} bytes`;
  throw rangeError("append", at, `have 1 to ${nameBytesMax} bytes`, found);
}

function isTimestamp(timestamp: unknown): boolean {
  if (typeof timestamp !== "string") return false;
  const date = ISO_8601.exec(timestamp)?.[1];
  if (date === undefined) return false;
  if (Number(date.slice(-2)) <= DAYS_IN_MONTH_MIN) return true;
  try {
    // Slower, but unlike `Date.parse` it knows that February has no 30th.
    Temporal.PlainDate.from(date);
    return true;
  } catch {
    return false;
  }
}

function assertFields(
  action: string,
  path: string,
  value: unknown,
  fields: readonly string[],
  expected: string = "an object",
): asserts value is object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw typeError(action, path, `be ${expected}`, describe(value));
  }
  for (const field in value) {
    // Inherited ones are somebody else's: events may be instances of classes.
    if (!fields.includes(field) && Object.hasOwn(value, field)) {
      const must = `have no other field than ${fields.join(", ")}`;
      throw typeError(action, path, must, show(field));
    }
  }
}

function assertTexts(action: string, path: string, texts: unknown): void {
  if (texts === undefined) return;
  if (!Array.isArray(texts)) {
    throw typeError(action, path, "be an array of texts", describe(texts));
  }
  for (const [i, text] of texts.entries()) {
    if (typeof text !== "string") {
      throw typeError(action, `${path}[${i}]`, "be a text", describe(text));
    }
  }
}

function assertPosition(action: string, path: string, value: unknown): void {
  if (value !== undefined) assertInteger(action, path, value, 0);
}

function assertInteger(
  action: string,
  path: string,
  value: unknown,
  min: number,
): void {
  if (typeof value !== "number") {
    throw typeError(action, path, "be a number", describe(value));
  }
  if (!Number.isSafeInteger(value) || value < min) {
    throw rangeError(action, path, `be an integer from ${min}`, String(value));
  }
}

/** A text, shortened and quoted; of anything else only its kind. */
function show(value: unknown): string {
  if (typeof value !== "string") return describe(value);
  return JSON.stringify(value.length > 64 ? `${value.slice(0, 63)}…` : value);
}

function message(
  action: string,
  path: string,
  must: string,
  found: string,
): string {
  return `Cannot ${action} as '${path}' must ${must}: current value is ${found}`;
}

function typeError(...parts: Parameters<typeof message>): TypeError {
  return new TypeError(message(...parts));
}

function rangeError(...parts: Parameters<typeof message>): RangeError {
  return new RangeError(message(...parts));
}
