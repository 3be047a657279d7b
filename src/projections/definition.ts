/**
 * Projection definitions: how a read model follows from the events.
 *
 * @module
 */
import type {
  DomainEvent,
  Position,
  StoredEvent,
  Tag,
} from "../events/event.ts";

/** What a projection may look at besides the state and the event. */
export interface ApplyContext<E extends DomainEvent = DomainEvent> {
  /** The key of the document that is being changed. */
  readonly key: string;
  /**
   * The related events that {@linkcode RelatedEvents.tags} asked for, in order of position, all
   * of them earlier than the event being applied. Empty when none was recorded so far.
   */
  readonly related: readonly StoredEvent<E>[];
}

/**
 * Other events that `apply` needs, such as the registration of the student whose enrolment is
 * applied. They are kept beside the documents of the projection as they go by, so that a rebuild
 * reads nothing twice and sees exactly what a live update saw.
 */
export interface RelatedEvents<E extends DomainEvent = DomainEvent> {
  /** The types of the events that may be asked for. They are kept by each of their tags. */
  readonly eventTypes: readonly E["type"][];
  /**
   * The tags whose related events `apply` gets for this event; an empty list for none. A pure
   * function.
   */
  tags(event: StoredEvent<E>): readonly Tag[];
}

/**
 * What becomes of an event that a definition's code fails on: `key`, `related.tags` or `apply`
 * throws or returns what cannot be used, or the new document cannot be stored or tagged. A failure
 * counts when it comes three times in a row.
 *
 * - `"stop"`: the projection is *faulted*: it stands still before the event until that can be
 *   applied. A rebuild fails.
 * - `"skip"`: the event is passed over for the document that it fails on, which stays as it was
 *   before the event; when no key can be told, for the whole projection.
 * - `"quarantine"`: the document stays as it was before the event, and takes no later event either,
 *   until it is rebuilt. The other documents go on. An event whose key cannot be told stops the
 *   projection.
 *
 * What is passed over is recorded as a *dead letter*, in the transaction that passes it over. A
 * rebuild goes by the same rule and comes to the same documents.
 */
export type ErrorPolicy = "stop" | "skip" | "quarantine";

/**
 * A projection: a pure fold of events into one document (state) a key.
 *
 * `key`, `apply`, `related.tags` and `tags` must be pure and synchronous: the same events must
 * give the same documents, whenever and wherever they are folded. States are JSON data:
 * `undefined`, dates, maps and the like do not survive being stored.
 *
 * @typeParam State The document.
 * @typeParam E The union of events that it applies.
 */
export interface ProjectionDefinition<
  State = unknown,
  E extends DomainEvent = DomainEvent,
> {
  /** Unique name; letters, digits, `_` and `-`, first a letter, at most 128 characters. */
  readonly name: string;
  /** Raise it whenever the meaning of the documents changes. An integer from 1. */
  readonly version: number;
  /** The types of events it applies. At least one. */
  readonly eventTypes: readonly E["type"][];
  /**
   * The key of the document that an event changes: one, several, or none (`undefined`, `null` or
   * an empty list). Well-formed text of 1 to 1,024 bytes each, without U+0000.
   */
  key(event: StoredEvent<E>): string | readonly string[] | null | undefined;
  /**
   * The document after `event`. `state` is `undefined` when there is no document yet. Returning
   * nothing deletes the document. May change `state` in place and return it. Events are frozen:
   * copy the arrays and objects of `event.data` that the document will change later.
   */
  apply(
    state: State | undefined,
    event: StoredEvent<E>,
    context: ApplyContext<E>,
  ): State | undefined | null | void;
  /** Other events that `apply` needs. @default {none} */
  readonly related?: RelatedEvents<E>;
  /** Labels by which the document can be queried. A pure function of it. @default {none} */
  tags?(state: State, key: string): readonly Tag[];
  /**
   * Tells builds of this definition apart when `version` was not raised. By default a hash of
   * the definition's own code; set it when that changes too often (a formatter) or too rarely
   * (the logic sits in helpers elsewhere). At most 128 characters.
   */
  readonly fingerprint?: string;
  /** Who gets a free place first when rebuilds queue; higher goes first. @default {0} */
  readonly priority?: number;
  /**
   * What becomes of an event that the code fails on. Other than `"stop"` turns every changed
   * document into text after each event instead of with each commit. @default {"stop"}
   */
  readonly errorPolicy?: ErrorPolicy;
  /**
   * Dead letters that a generation may have: the next failure stops the projection, as too many
   * mean that the code is wrong rather than an event. An integer from 0 to 10,000.
   * @default {100}
   */
  readonly deadLettersMax?: number;
}

/**
 * Checks a definition and returns it frozen.
 *
 * @param definition The projection.
 * @returns The same definition, frozen.
 * @throws {TypeError} If a field is missing or of the wrong type.
 * @throws {RangeError} If the name is malformed or reserved, `version` is not an integer from 1,
 * `eventTypes` is empty, or a policy is unknown.
 *
 * @example
 * ```ts
 * import { defineProjection } from "@opossum/deno";
 *
 * type Deposited = { type: "Deposited"; data: { account: string; cents: number } };
 *
 * export const balances = defineProjection<{ cents: number }, Deposited>({
 *   name: "Balances",
 *   version: 1,
 *   eventTypes: ["Deposited"],
 *   key: (event) => event.data.account,
 *   apply: (state, event) => ({ cents: (state?.cents ?? 0) + event.data.cents }),
 * });
 * ```
 */
export function defineProjection<State, E extends DomainEvent = DomainEvent>(
  definition: ProjectionDefinition<State, E>,
): ProjectionDefinition<State, E> {
  const { name, version, eventTypes, related, fingerprint, priority } =
    definition;
  const { errorPolicy = "stop", deadLettersMax = 0 } = definition;
  assertProjectionName(name);
  const refuse = (what: string, value: unknown) =>
    `Cannot define projection "${name}" as ${what}: current value is ${
      String(value)
    }`;
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new RangeError(
      refuse("'version' must be an integer from 1", version),
    );
  }
  assertTypeList(eventTypes, "eventTypes", refuse);
  for (const method of ["key", "apply"] as const) {
    if (typeof definition[method] !== "function") {
      throw new TypeError(
        refuse(`'${method}' must be a function`, definition[method]),
      );
    }
  }
  if (definition.tags !== undefined && typeof definition.tags !== "function") {
    throw new TypeError(refuse("'tags' must be a function", definition.tags));
  }
  if (related !== undefined) {
    assertTypeList(related.eventTypes, "related.eventTypes", refuse);
    if (typeof related.tags !== "function") {
      throw new TypeError(
        refuse("'related.tags' must be a function", related.tags),
      );
    }
  }
  if (fingerprint !== undefined && !/^[\w.:+/=-]{1,128}$/.test(fingerprint)) {
    throw new RangeError(
      refuse(
        "'fingerprint' must be 1 to 128 letters, digits or _.:+/=-",
        fingerprint,
      ),
    );
  }
  if (priority !== undefined && !Number.isFinite(priority)) {
    throw new RangeError(
      refuse("'priority' must be a finite number", priority),
    );
  }
  if (!ERROR_POLICIES.has(errorPolicy)) {
    throw new RangeError(
      refuse(
        `'errorPolicy' must be "stop", "skip" or "quarantine"`,
        errorPolicy,
      ),
    );
  }
  const isCount = Number.isSafeInteger(deadLettersMax) && deadLettersMax >= 0;
  if (!isCount || deadLettersMax > 10_000) {
    throw new RangeError(
      refuse(
        "'deadLettersMax' must be an integer from 0 to 10,000",
        deadLettersMax,
      ),
    );
  }
  return Object.freeze(definition);
}

/**
 * Names that are path segments of the admin API beside `{projectionName}`.
 */
const RESERVED_NAMES = new Set(["rebuild", "status", "checkpoints"]);
const ERROR_POLICIES: ReadonlySet<unknown> = new Set<ErrorPolicy>([
  "stop",
  "skip",
  "quarantine",
]);
const NAME_PATTERN = /^[A-Za-z][A-Za-z0-9_-]{0,127}$/;
/** Devices on Windows, whatever the folder: a store may be moved there. */
const DEVICE_PATTERN = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])$/i;

/**
 * Whether a text may be a projection's name: the names are used in paths and URLs.
 *
 * @param name The text.
 * @returns `true` for letters, digits, `_` and `-`, first a letter, at most 128 characters; `false`
 * also for what Windows takes for a device, such as `CON`.
 */
export function isProjectionName(name: string): boolean {
  return NAME_PATTERN.test(name) && !DEVICE_PATTERN.test(name);
}

function assertProjectionName(name: unknown): asserts name is string {
  if (typeof name !== "string") {
    throw new TypeError(
      `Cannot define a projection as 'name' must be a text: it is ${typeof name}`,
    );
  }
  if (!isProjectionName(name)) {
    throw new RangeError(
      "Cannot define a projection as 'name' must be a letter followed by at most 127 letters, " +
        `digits, "_" or "-", and no device of Windows: current value is ${
          JSON.stringify(name)
        }`,
    );
  }
  if (RESERVED_NAMES.has(name.toLowerCase())) {
    throw new RangeError(
      `Cannot define a projection as the name "${name}" is reserved`,
    );
  }
}

function assertTypeList(
  types: unknown,
  option: string,
  refuse: (what: string, value: unknown) => string,
): void {
  const isList = Array.isArray(types) && types.length > 0 &&
    types.every((type) => typeof type === "string" && type.length > 0);
  if (!isList) {
    throw new RangeError(
      refuse(`'${option}' must name at least one type`, types),
    );
  }
}

/** What a reader sees of one document. */
export interface ProjectionDocument<State = unknown> {
  /** The document's key. */
  readonly key: string;
  /** The document. */
  readonly state: State;
}

/** The position up to which a projection has applied the log. */
export type Checkpoint = Position;
